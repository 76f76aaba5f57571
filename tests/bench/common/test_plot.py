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
