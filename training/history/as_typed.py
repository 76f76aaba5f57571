"""A document as it stood while a commit was being typed, from the top down."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.training.history.diffs import Hunk


def as_typed(
    old: str, new: str, hunks: Sequence[Hunk], *, line: int, whole_hunk: bool = False
) -> str:
    """Return the document when line `line` (1-based, of the new version) had just been typed.

    Everything up to that line is new; below it stands what the parent had. What the commit wrote
    below in the same hunk is missing, or there with `whole_hunk`; what the hunk replaced is gone.
    """
    above = [hunk for hunk in hunks if hunk.new_start <= line]
    new_end, old_end = line, line
    if above:
        hunk = above[-1]
        last_new = hunk.new_start + hunk.new_lines - 1 if hunk.new_lines else hunk.new_start
        last_old = hunk.old_start + hunk.old_lines - 1 if hunk.old_lines else hunk.old_start
        # Below the hunk the two versions run in parallel until the next one.
        old_end = last_old + max(line - last_new, 0)
        new_end = max(line, last_new) if whole_hunk else line
    return "".join([*_lines(new)[:new_end], *_lines(old)[old_end:]])


def _lines(text: str) -> list[str]:
    r"""Split at `\n` only, as diffs count."""
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
