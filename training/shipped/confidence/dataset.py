"""What was collected as arrays: a row for each cut of each suggestion, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.models.remote.route.question import REMOTE
from homespun.server.confidence.choose import writer_of
from homespun.server.confidence.cuts import Cut, cuts
from homespun.server.confidence.earlier import Predecessors
from homespun.server.confidence.evidence import FEATURES, rows_of
from homespun.training.shipped.confidence.collect import CollectedKey

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Rows of features; `owner` is the key of a row, `keys` how many keys were asked in all."""

    rows: Floats  # (n, len(FEATURES))
    right: Floats  # (n,): 1.0 or 0.0
    chars: Longs
    owner: Longs  # ascending
    weight: Floats  # of a row: those of a key add up to the key's
    is_whole: Booleans
    key_weight: Floats  # (keys,): how many keys of a typist one that was asked stands for
    key_package: list[str]

    @property
    def package(self) -> list[str]:
        """The package of each row."""
        return [self.key_package[owner] for owner in self.owner]


def written_by(collected: Iterable[CollectedKey], writer: str) -> Iterator[CollectedKey]:
    """Leave out what the model here has written where a server was asked, and the reverse.

    Also answers of whose tokens a server has not told: they are shown whole.
    """
    for key in collected:
        if key.suggestion is None:
            yield key
            continue
        is_a_servers = writer_of(key.suggestion) == REMOTE
        if is_a_servers == (writer == REMOTE) and key.suggestion.generation.token_ends:
            yield key


def cuts_of(collected: Iterable[CollectedKey]) -> Cuts:
    """Take the features of each key; those without a suggestion count as keys alone."""
    rows: list[list[float]] = []
    right, chars, owner, weight, whole = [], [], [], [], []
    key_weight, key_package = [], []
    session, predecessors = "", Predecessors()
    for number, key in enumerate(collected):
        key_weight.append(key.weight)
        key_package.append(key.package)
        if key.session != session:
            session, predecessors = key.session, Predecessors()
        if key.suggestion is None:
            continue
        text, cursor = key.suggestion.text, key.suggestion.cursor
        earlier = predecessors.of(cursor.before, key.suggestion.generation.text)
        ends = cuts(text, cursor.tail, key.suggestion.language)
        rows += rows_of(key.suggestion, ends, earlier)
        for cut in ends:
            right.append(float(is_right(text, cut, key.upcoming)))
            chars.append(len(text[: cut.end].strip()))
            owner.append(number)
            weight.append(key.weight / len(ends))
            whole.append(cut.kind == "whole")
    return Cuts(
        np.array(rows, np.float64).reshape(-1, len(FEATURES)),
        *(np.array(right), np.array(chars), np.array(owner), np.array(weight)),
        np.array(whole, bool),
        np.array(key_weight),
        key_package,
    )


def is_right(text: str, cut: Cut, upcoming: str) -> bool:
    """Tell whether the author's next text begins with it, no word being cut in two."""
    if not upcoming.startswith(text[: cut.end]):
        return False
    around = upcoming[cut.end - 1 : cut.end + 1]
    return not (len(around) == 2 and all(each.isalnum() or each == "_" for each in around))
