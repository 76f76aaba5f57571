"""What llama.vim shows of an answer: nothing that stands behind the cursor already."""

from __future__ import annotations

from collections.abc import Sequence


def to_show(content: str, lines: Sequence[str], x: int, y: int) -> tuple[list[str], bool]:
    """Return the lines of a suggestion, and whether it can be accepted; what repeats goes."""
    shown = content.split("\n")
    while shown and shown[-1] == "":
        shown.pop()
    can_accept = bool(shown)
    shown = shown or [""]
    current = lines[y]
    if not current.strip():
        lead = min(len(shown[0]) - len(shown[0].lstrip()), len(current))
        current, shown[0] = shown[0][:lead], shown[0][lead:]
    left, right = current[:x], current[x:]
    if _repeats(shown, lines, y, left=left, right=right):
        shown = [""]
    shown[-1] += right
    return shown, can_accept and bool("".join(shown).strip())


def _repeats(shown: list[str], lines: Sequence[str], y: int, *, left: str, right: str) -> bool:
    """Say whether a suggestion is text that stands behind the cursor."""
    below = list(lines[y + 1 : y + len(shown)])
    if len(shown) > 1 and shown[0] == "" and shown[1:] == below:
        return True
    if len(shown) == 1 and shown[0] == right:
        return True
    place = y + 1
    while place < len(lines) - 1 and not lines[place].strip():
        place += 1
    if place >= len(lines) or left + shown[0] != lines[place]:
        return False
    if len(shown) == 1:
        return True
    following = list(lines[place + 1 : place + len(shown)])
    if len(shown) == 2:
        return bool(following) and shown[-1] == following[0][: len(shown[-1])]
    return shown[1:] == following
