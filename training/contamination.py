"""Does an example show what infilling is measured with? The general job refuses to start.

A task of `forgetting.py` is known by what nobody writes by chance: long lines of its docstring, and
the head of a function with a long name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from homespun.training import forgetting
from homespun.training.errors import LeakFound
from homespun.training.examples import Example

_LEAST_LINE = 40  # characters of a docstring's line
_LEAST_NAME = 13
_LINES_OF_A_TASK = 2
_DOCSTRING = re.compile(r"\"\"\"(.*?)\"\"\"|'''(.*?)'''", re.S)
_HEAD = re.compile(r"def (\w+)\(")


def marks() -> frozenset[str]:
    """Return texts that give the tasks away."""
    found: set[str] = set()
    for task in forgetting.tasks(count=10_000):
        text = f"{task.prefix}{task.line}\n{task.suffix}"
        for name in _HEAD.findall(text):
            if len(name) >= _LEAST_NAME:
                found.add(f"def {name}(")
        docs = (
            line.strip() for pair in _DOCSTRING.findall(text) for line in "".join(pair).split("\n")
        )
        found.update([line for line in docs if len(line) > _LEAST_LINE][:_LINES_OF_A_TASK])
    return frozenset(found)


def check(examples: Iterable[Example]) -> int:
    """Return how many examples were looked through. Raises `LeakFound`, naming the first."""
    told = re.compile("|".join(re.escape(mark) for mark in sorted(marks())))
    count = 0
    for example in examples:
        texts = (
            example.prefix + example.middle + example.suffix,
            *(s.text for s in example.snippets),
        )
        for text in texts:
            if hit := told.search(text):
                raise LeakFound(
                    f"example {example.id!r} shows {hit.group()!r}, which infilling is measured "
                    "with; leave its package out"
                )
        count += 1
    return count
