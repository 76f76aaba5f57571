"""The plot that shows bars."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from bench.common import plot


def test_a_plot_shows_each_bar_with_its_value():
    drawn = plot.bars({"token": {"a": 10.0, "b <c>": 20.0}}, title="t", note="n")
    root = ElementTree.fromstring(drawn)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["t", "n", "a", "b <c>", "token", "10.0 ms", "20.0 ms"]
    widths = [node.get("width") for node in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[-2:] == ["230.0", "460.0"]


def test_a_frontier_has_a_dot_a_point_and_more_is_up_and_to_the_right():
    drawing = plot.frontier(
        {"ours": [(0.4, 0.5), (0.3, 0.7)], "<theirs>": [(0.2, 0.6)]}, across="a", up="b", title="t"
    )
    assert drawing.count('r="3"') == 3
    assert "&lt;theirs&gt;" in drawing
    left, right = (point.split(",") for point in drawing.split('points="')[1].split('"')[0].split())
    assert float(left[0]) > float(right[0]) and float(left[1]) > float(right[1])
