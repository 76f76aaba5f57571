"""Does an example show what infilling is measured with? The general job refuses to start.

A task of `forgetting.py` is known by what nobody writes by chance: long lines of its docstring, the
head of a function with a long name, and three lines in a row of its solution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from homespun.training.dataset.examples import Example
from homespun.training.errors import LeakFound
from homespun.training.safety import forgetting

_MIN_LINE = 40  # characters of a docstring's line
_MIN_NAME = 13
_LINES_OF_A_TASK = 2
_LINES_OF_A_RUN = 3
_MIN_RUN = 30  # characters without blanks
_TEXTS = 1024
_BLANK = re.compile(r"\s+")
_DOCSTRING = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.S)
_HEAD = re.compile(r"def (\w+)\(")


def marks() -> frozenset[str]:
    """Return texts that give the tasks away."""
    found: set[str] = set()
    for task in forgetting.all_tasks():
        text = f"{task.prefix}{task.line}\n{task.suffix}"
        for name in _HEAD.findall(text):
            if len(name) >= _MIN_NAME:
                found.add(f"def {name}(")
        docs = (
            line.strip() for pair in _DOCSTRING.findall(text) for line in "".join(pair).split("\n")
        )
        found.update([line for line in docs if len(line) > _MIN_LINE][:_LINES_OF_A_TASK])
    return frozenset(found)


def solution_runs() -> frozenset[tuple[str, ...]]:
    """Return every few lines in a row of the tasks' solutions, without blanks."""
    found: set[tuple[str, ...]] = set()
    for task in forgetting.all_tasks():
        code = _DOCSTRING.sub("", f"{task.prefix}{task.line}\n{task.suffix}")
        found.update(run for run in _runs(code) if sum(map(len, run)) >= _MIN_RUN)
    return frozenset(found)


class Finder:
    """Finds what gives tasks away in a text."""

    def __init__(self) -> None:
        """Read the tasks."""
        self._marks = re.compile("|".join(re.escape(mark) for mark in sorted(marks())))
        self._solutions = solution_runs()

    def find(self, text: str) -> str | None:
        """Return the first mark, or lines of a solution; None where there is neither."""
        if hit := self._marks.search(text):
            return hit.group()
        return next((" ".join(run) for run in _runs(text) if run in self._solutions), None)


def check(examples: Iterable[Example]) -> int:
    """Return how many examples were looked through. Raises `LeakFound`, naming the first."""
    find = lru_cache(_TEXTS)(Finder().find)  # a file has several holes
    count = 0
    for example in examples:
        texts = (
            example.prefix + example.middle + example.suffix,
            *(s.text for s in example.snippets),
        )
        for text in texts:
            if hit := find(text):
                raise LeakFound(
                    f"example {example.id!r} shows {hit!r}, which infilling is measured "
                    "with; leave its package out"
                )
        count += 1
    return count


def _runs(code: str) -> Iterator[tuple[str, ...]]:
    lines = [_BLANK.sub("", line) for line in code.split("\n") if line.strip()]
    for start in range(len(lines) - _LINES_OF_A_RUN + 1):
        yield tuple(lines[start : start + _LINES_OF_A_RUN])
