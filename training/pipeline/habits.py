"""Where a habit's form is decided: the lines of minimal pairs, to be written instead of weighed.

The cursor stands where the house's line and the same line in the other form part, so that either
model has to write one of them, and the document is cut as for "unseen" pairs: the file does not
show the habit, only the weights and what is retrieved can know it. These are the places that
tuning is for; where the file shows the habit, the model as shipped copies it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from homespun.training.dataset.examples import Example
from homespun.training.evaluation.inputs import HabitPlace
from homespun.training.evaluation.items import Item
from homespun.training.probes.pairs import Probe

_WORD_END = re.compile(r"\w+\Z")


def habit_places(pairs: Sequence[Probe], repo: str) -> list[HabitPlace]:
    """Return the places of pairs, those of one commit side by side."""
    order = {commit: n for n, commit in enumerate(dict.fromkeys(p.commit for p in pairs))}
    return [_place(pair, repo) for pair in sorted(pairs, key=lambda pair: order[pair.commit])]


def _place(pair: Probe, repo: str) -> HabitPlace:
    typed = _shared_start(pair.house, pair.alt)
    middle = pair.house[len(typed) :]
    example = Example(
        id=hashlib.sha256(pair.id.encode("utf-8", "replace")).hexdigest()[:16],
        repo=repo,
        path=pair.path,
        language=pair.language,
        prefix=pair.prefix[pair.unseen_from :] + typed,
        middle=middle,
        suffix=pair.suffix[: pair.unseen_to],
        kind="habit",
        commit=pair.commit,
        source="probe",
    )
    rule = pair.rule.partition(":")[0]
    return HabitPlace(
        item=Item(example, pair.parent, ("habit",)),
        rule=rule,
        head=pair.prefix + typed,
        tail=pair.suffix,
        start=len(pair.prefix),
    )


def _shared_start(house: str, other: str) -> str:
    """Return what both forms begin with; no word is cut in two."""
    count = 0
    while count < min(len(house), len(other)) and house[count] == other[count]:
        count += 1
    shared = house[:count]
    next_letters = house[count : count + 1] + other[count : count + 1]
    if any(letter == "_" or letter.isalnum() for letter in next_letters):
        shared = _WORD_END.sub("", shared)
    return shared
