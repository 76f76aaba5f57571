"""Which half was at fault, where something else was written than was suggested: a judgement.

The words are those of evaluations and of `homespun advise` (`server/completion/failure_sorts.py`).
There the model is asked again with other contexts; here nobody waits for that, so it is read off
the two texts, what the prompt showed, and which names the index knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from homespun.server.completion.failure_sorts import (
    ENDING,
    FORM,
    KNOWLEDGE,
    NOT_TAKEN,
    NOT_TO_BE_GUESSED,
    FailureSort,
)
from homespun.server.types import PromptContext

NOT_FOUND = "not found"
FOUND_AND_CUT = "found and cut"

_NAME = re.compile(r"[^\W\d]\w{2,}")


@dataclass(frozen=True, slots=True)
class Fault:
    """The sort, and of missing knowledge where it got lost."""

    sort: FailureSort
    detail: str = ""


def fault_of(
    written: str, wanted: str, context: PromptContext, knows: Callable[[str], bool]
) -> Fault | None:
    """Judge a suggestion by what stands in its place; None where nothing was wrong, or none knows.

    `knows` says whether the repository defines a name.
    """
    if not wanted.strip() or _solid(wanted).startswith(_solid(written)):
        return None
    if _solid(written).startswith(_solid(wanted)):
        return Fault(ENDING)
    lacking = sorted(name for name in _names(wanted) - _names(written) if knows(name))
    if lacking:
        return _knowledge(lacking, context)
    if _words(written) == _words(wanted):
        return Fault(FORM)
    if _solid(wanted).startswith(_solid(written.split("\n")[0])):
        return Fault(ENDING)
    return Fault(NOT_TO_BE_GUESSED)


def _knowledge(lacking: list[str], context: PromptContext) -> Fault:
    shown = set().union(*map(_names, context.shown))
    if shown.issuperset(lacking):
        return Fault(NOT_TAKEN)
    cut = set().union(*map(_names, context.cut))
    return Fault(KNOWLEDGE, FOUND_AND_CUT if (shown | cut).issuperset(lacking) else NOT_FOUND)


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))


def _words(text: str) -> str:
    """Return what is said, whatever its form: letters and digits in lower case."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _solid(text: str) -> str:
    return "".join(text.split())
