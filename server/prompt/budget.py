"""Room in a prompt: who gets how many tokens, and which lines fit. Standard library only.

Part of `server/prompt/render.py`: a change here changes prompts, too.
"""

from __future__ import annotations

from collections.abc import Callable

CountTokens = Callable[[str], int]

# Shares of the room that is left beside the frame (research: 55-60, 10-15, 25-30 %).
_PREFIX_SHARE = 0.58
_SUFFIX_SHARE = 0.14
_SNIPPET_SHARE = 0.28
# The first kept line moves in steps of this many lines, the coarsest that wastes little room.
_ALIGNMENTS = (32, 16, 8)
_MIN_KEPT = 0.75  # of the lines that would fit, before a finer step is taken
# A line longer than this many characters for each token of room cannot fit; it is not counted.
_CHARS_PER_TOKEN = 16


class Lines:
    """Lines of one side of the cursor, counted outwards from it until `most` is passed."""

    def __init__(
        self, lines: list[str], count: CountTokens, *, most: int, backwards: bool = False
    ) -> None:
        self.lines = lines
        self.count = count
        self.most = max(most, 0)
        self.costs: list[int] = []  # of the lines nearest to the cursor, nearest first
        self.cost = 0  # sum of `costs`; more than `most` when the text does not fit
        last = len(lines) - 1
        for distance in range(len(lines)):
            index = last - distance if backwards else distance
            text = lines[index] + ("\n" if index < last else "")
            too_long = len(text) > max(most, 1) * _CHARS_PER_TOKEN
            cost = len(text) if too_long else count(text)
            self.costs.append(cost)
            self.cost += cost
            if self.cost > most:
                break

    def fitting(self, grant: int) -> int:
        """Return how many lines, from the cursor outwards, cost at most `grant` together."""
        total = 0
        for number, cost in enumerate(self.costs):
            total += cost
            if total > grant:
                return number
        return len(self.costs)


def cut_prefix(before: Lines, grant: int) -> tuple[str, int]:
    """Return the last lines that fit, from a line that is a multiple, and the first one's number.

    The line of the cursor is never given up: where it alone is too long, its end stays.
    """
    lines = before.lines
    fitting = before.fitting(grant)
    if fitting == 0:
        return _end_of(lines[-1], max(grant, 0), before.count), len(lines)
    first = len(lines) - fitting
    if first > 0:
        first = _aligned(first, fitting)
    return "\n".join(lines[first:]), first + 1


def _aligned(first: int, fitting: int) -> int:
    for step in _ALIGNMENTS:
        start = round_up(first, step)
        if fitting - (start - first) >= fitting * _MIN_KEPT:
            return start
    return first


def _end_of(line: str, grant: int, count: CountTokens) -> str:
    text = line[max(len(line) - grant * _CHARS_PER_TOKEN, 0) :] if grant else ""
    while text and (cost := count(text)) > grant:
        keep = min(len(text) * grant // cost, len(text) - 1)
        text = text[len(text) - keep :]
    return text


def cut_suffix(after: Lines, grant: int) -> tuple[str, int]:
    """Return the first whole lines that fit, and how many; of a too long first line its start."""
    fitting = after.fitting(grant)
    if fitting == len(after.lines):
        return "\n".join(after.lines), fitting
    if fitting:
        return "".join(line + "\n" for line in after.lines[:fitting]), fitting
    text = after.lines[0][: max(grant, 0) * _CHARS_PER_TOKEN]
    while text and (cost := after.count(text)) > grant:
        text = text[: min(len(text) * grant // cost, len(text) - 1)]
    return text, 0


def share_out(room: int, *, wants: tuple[int, int, int]) -> list[int]:
    """Give each side its share; what one does not want goes to the others by their shares."""
    shares = (_PREFIX_SHARE, _SUFFIX_SHARE, _SNIPPET_SHARE)
    grants = [0, 0, 0]
    left = max(room, 0)
    hungry = [0, 1, 2]
    while hungry:
        total = sum(shares[side] for side in hungry)
        content = [side for side in hungry if wants[side] <= left * shares[side] / total]
        if not content:
            for side in hungry:
                grants[side] = int(left * shares[side] / total)
            break
        for side in content:
            grants[side] = wants[side]
        left -= sum(wants[side] for side in content)
        hungry = [side for side in hungry if side not in content]
    return grants


def round_up(number: int, step: int) -> int:
    """Return the next multiple of `step`."""
    return -(-number // step) * step
