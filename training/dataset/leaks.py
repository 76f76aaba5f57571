"""What training has seen -> whether a later line is new, and whether an example leaks.

Two questions that look alike. `Seen` sorts items of an evaluation: is the target new, or did
training see it (boilerplate)? `check_leaks` is a hard assertion over examples: whatever they show
was in the repository at their own commit, and no commit lies behind the window that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from homespun.training.dataset.examples import Example
from homespun.training.errors import LeakFound
from homespun.training.history.commits import Commit
from homespun.training.sources.near_duplicates import Hashes, shingles

MIN_CHARS = 25  # of a line that can be recognised
AROUND_LINES = 8
_SAME = 0.7  # share of an item's runs of tokens that stand in one text of training
_SHOWN = 5  # examples named in a report

FileAt = Callable[[str, str], str | None]


def telling_lines(text: str) -> set[str]:
    """Return the lines long enough to be recognised, white space made even."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return {line for line in lines if len(line) >= MIN_CHARS}


class Seen:
    """The lines and runs of tokens of everything that was learned from."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read whole files: the tree that was learned from, and what else examples showed."""
        self.lines: set[str] = set()
        hashes: list[Hashes] = []
        owners: list[npt.NDArray[np.int32]] = []
        for number, text in enumerate(texts):
            self.lines |= telling_lines(text)
            own = shingles(text)
            hashes.append(own)
            owners.append(np.full(len(own), number, dtype=np.int32))
        every = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
        order = np.argsort(every, kind="stable")
        self._hashes = every[order]
        self._owners = np.concatenate(owners)[order] if owners else np.empty(0, dtype=np.int32)

    def share(self, text: str) -> float:
        """Return which share of a text's runs of tokens stands in one text of training, at most."""
        wanted = shingles(text)
        if not len(wanted) or not len(self._hashes):
            return 0.0
        starts = np.searchsorted(self._hashes, wanted, side="left")
        ends = np.searchsorted(self._hashes, wanted, side="right")
        found = [self._owners[s:e] for s, e in zip(starts, ends, strict=True) if e > s]
        if not found:
            return 0.0
        return float(np.bincount(np.concatenate(found)).max()) / len(wanted)


def is_novel(target: str, seen: Seen, *, around: str = "") -> bool:
    """Tell whether a target is new: the "novel" stratum; everything else is "boilerplate".

    It is not where one of its telling lines stands in training, or where nearly all of the target
    with `around` (the `AROUND_LINES` lines before it) stands in one file of training. That share is
    at least the Jaccard similarity with any part of the file, so no near-duplicate passes.
    """
    if telling_lines(target) & seen.lines:
        return False
    return seen.share(f"{around}\n{target}" if around else target) < _SAME


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What was checked and found; `to_json` is `leak_report.json`."""

    examples: int
    checked_revisions: int
    later_lines: int  # telling lines that commits behind the window added
    new_later_lines: int  # of them, not in the tree that was learned from
    explained: int  # examples that show such a line, which their own commit had as well
    repeated_targets: int  # examples whose middle holds a later line word for word
    repeated: tuple[str, ...]  # the first of them
    leaks: int  # always 0 in a dataset that was written

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {
            "examples": self.examples,
            "checked_revisions": self.checked_revisions,
            "later_lines": self.later_lines,
            "new_later_lines": self.new_later_lines,
            "explained": self.explained,
            "repeated_targets": self.repeated_targets,
            "repeated": list(self.repeated),
            "leaks": self.leaks,
        }


def added_lines(commits: Sequence[Commit], file_at: FileAt) -> set[str]:
    """Return the telling lines that commits added."""
    found: set[str] = set()
    for commit in commits:
        for path, ranges in commit.added.items():
            text = file_at(commit.id, path)
            if text is None:
                continue
            lines = text.split("\n")
            for start, end in ranges:
                found |= telling_lines("\n".join(lines[start - 1 : end]))
    return found


def check_leaks(
    examples: Sequence[Example],
    *,
    allowed: Collection[str],
    revisions: Callable[[Example], Sequence[str]],
    later: set[str],
    known: set[str],
    texts_of: Callable[[Example, str], Iterable[str]],
) -> LeakReport:
    """Assert that no example shows what came after its window; return what was looked at.

    `allowed` are the commits of the window, `later` the telling lines that commits behind it added,
    `known` those of the tree that was learned from, `revisions` the commits whose files an example
    may show, and `texts_of` gives a path's texts in these. Replayed examples of other repositories
    are not asked.

    Raises `LeakFound` naming the example and the line.
    """
    own = [example for example in examples if example.source != "replay"]
    new = later - known
    explained, repeated = 0, []
    for example in own:
        allowed_here = revisions(example)
        outside = [revision for revision in allowed_here if revision not in allowed]
        if outside:
            raise LeakFound(
                f"example {example.id!r} comes from {outside[0][:12]!r}, a commit behind its "
                "window; nothing was written: this is a fault of homespun, please report it"
            )
        if telling_lines(example.middle) & later:
            repeated.append(example.id)
        shown = _later_lines(example, new)
        explained += bool(shown)
        for path, line in shown:
            if not any(line in telling_lines(text) for text in texts_of(example, path)):
                raise LeakFound(
                    f"example {example.id!r} shows a line of {path!r} that was only written after "
                    "its window; nothing was written: this is a fault of homespun, please report it"
                )
    return LeakReport(
        examples=len(own),
        checked_revisions=len({rev for example in own for rev in revisions(example)}),
        later_lines=len(later),
        new_later_lines=len(new),
        explained=explained,
        repeated_targets=len(repeated),
        repeated=tuple(repeated[:_SHOWN]),
        leaks=0,
    )


def _later_lines(example: Example, new: set[str]) -> list[tuple[str, str]]:
    """Return (path, line) of what an example shows that commits behind the window added."""
    document = example.prefix + example.middle + example.suffix
    shown = [(example.path, document)]
    shown += [(snippet.path, snippet.text) for snippet in example.snippets]
    return [(path, line) for path, text in shown for line in sorted(telling_lines(text) & new)]
