"""Why a suggestion is not what was written: the sorts, in the words that are said everywhere.

Evaluations, the page of a training, `homespun advise` and traces take code and name from here.
Which sort a failure is of can only be said where both texts are known: `training/evaluation/`
decides it (`failures.py`). Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureSort:
    """One answer to why."""

    code: str  # as reports and traces keep it; an old one keeps its meaning
    name: str  # a word or three, for tables, charts and attributes
    meaning: str  # half a sentence
    mended_by: str  # what could; "" where nothing does


KNOWLEDGE = FailureSort(
    "K",
    "missing knowledge",
    "it takes a name of the repository that was not shown, and shown it helps",
    "retrieval",
)
KNOWLEDGE_AND_FORM = FailureSort(
    "B",
    "knowledge and form",
    "a name was missing, and what was written has another form as well",
    "retrieval, then as wrong form",
)
NOT_TAKEN = FailureSort(
    "U",
    "shown, not taken",
    "what it takes was shown, the wanted text was within reach, and something else was written",
    "a larger model",
)
FORM = FailureSort(
    "S", "wrong form", "the same was said in another form", "an adapter, or a style guide"
)
ENDING = FailureSort(
    "X",
    "length and stopping",
    "it said nothing, left off early, went on too long, or broke the file",
    "an adapter, or the stop rules",
)
NOT_TO_BE_GUESSED = FailureSort(
    "I", "not to be guessed", "with everything shown, the wanted text was one of too many", ""
)

FAILURE_SORTS: Mapping[str, FailureSort] = {
    sort.code: sort
    for sort in (KNOWLEDGE, KNOWLEDGE_AND_FORM, NOT_TAKEN, FORM, ENDING, NOT_TO_BE_GUESSED)
}
"""By code, in the order in which they are shown."""


def name_of(code: str) -> str:
    """Return a sort's name; a code that another version knew stands for itself."""
    sort = FAILURE_SORTS.get(code)
    return code if sort is None else sort.name
