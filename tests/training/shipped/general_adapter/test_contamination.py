"""An example that shows a task of the infilling measurement is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.server.prompt.render import Snippet
from homespun.training.dataset.examples import Example
from homespun.training.errors import LeakFound
from homespun.training.shipped.general_adapter import contamination

CLEAN = Example(
    id="a/1",
    repo="a",
    path="a.py",
    language="python",
    prefix="def total(prices):\n",
    middle="    return sum(prices)",
    suffix="\n",
    kind="line",
)


def test_nearly_every_function_of_the_tasks_has_a_mark():
    assert len(contamination.marks()) > 300
    assert "def has_close_elements(" in contamination.marks()


def test_ordinary_examples_pass_and_are_counted():
    assert contamination.check([CLEAN, CLEAN]) == 2


@pytest.mark.parametrize("place", ["prefix", "suffix", "snippet"])
def test_a_task_is_found_wherever_it_stands(place):
    text = "def has_close_elements(numbers, threshold):\n"
    if place == "snippet":
        example = replace(CLEAN, snippets=(Snippet("b.py", 1, 1, text, 1.0, "similar"),))
    else:
        example = replace(CLEAN, **{place: text})
    with pytest.raises(LeakFound, match="'a/1' shows 'def has_close_elements\\('"):
        contamination.check([CLEAN, example])


def test_three_lines_of_a_solution_are_found_under_any_name_and_depth():
    lines = ["if idx != idx2:", "distance = abs(elem - elem2)", "if distance < threshold:"]
    finder = contamination.Finder()
    text = "def near(pairs):\n" + "\n\n".join(f"  {line}" for line in lines)
    assert finder.find(text) == "ifidx!=idx2: distance=abs(elem-elem2) ifdistance<threshold:"
    assert finder.find("\n".join(lines[:2])) is None
