"""When the model has said enough: rules that look at the text after each step."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from homespun.models.types import Stop, StopRule
from homespun.server.prompt.cursor import indentation

# A line that ends like this goes on in the next one, so a line break is part of the answer.
_CONTINUES = re.compile(r"(?:[(\[{,\\+|&]|=>|\b(?:and|or|not|in|return))\s*$")
_CLOSERS = re.compile(r"(?:[)\]}]+[;,]?|end|fi|done|esac)")
_MAX_LEADING_BREAKS = 3
_TAIL_CHARS = 80
_TRIVIAL_CHARS = 3  # lines up to this length ("}", "end") say nothing about the suffix

# What a line means for the block.
_GOES_ON = "goes on"
_KEEP = "ends with this line"
_ENDS = "ended before"
_WAIT = "cannot be told yet"


def single_line(left: str) -> StopRule:
    r"""Stop at the end of the first line that says something; `left` is the line up to the cursor.

    A "\n" right away means that the line is complete: then there is nothing to add. On an empty
    line, or after an open bracket, it only means that the answer stands one line further down.
    """
    may_break = not left.strip() or _CONTINUES.search(left[-_TAIL_CHARS:]) is not None

    def rule(text: str) -> Stop | None:
        begin = len(text) - len(text.lstrip())
        breaks = text.count("\n", 0, begin)
        if breaks and (not may_break or breaks > _MAX_LEADING_BREAKS):
            return Stop(0, "newline")
        end = text.find("\n", begin)
        return None if begin == len(text) or end < 0 else Stop(end, "newline")

    return rule


def block(left: str, *, opener_columns: int, line_below: str, max_lines: int) -> StopRule:
    """Stop where the block ends: indentation falls to its opener's, or the suffix begins.

    `left` is the line up to the cursor: white space where the block has begun, else its opener.
    A line of closing brackets belongs to the block unless the suffix has it already.
    """
    scan = _BlockScan(left, opener_columns, line_below.strip(), max_lines)
    return scan.verdict


def in_time(rule: StopRule, *, budget_ms: float, clock: Callable[[], float]) -> StopRule:
    """Let a block end with its last whole line once the time is up; it is counted from now.

    Some lines now are worth more than all of them seconds later (llama.vim, `t_max_predict_ms`).
    """
    return _Timed(rule, budget_ms, clock)


class _Timed:
    """Implements `homespun.models.types.TimedStop`."""

    def __init__(self, rule: StopRule, budget_ms: float, clock: Callable[[], float]) -> None:
        self._rule, self._budget_ms, self._clock = rule, budget_ms, clock
        self._end = clock() + budget_ms / 1000

    def __call__(self, text: str) -> Stop | None:
        verdict = self._rule(text)
        if verdict is not None or self._clock() < self._end:
            return verdict
        said = len(text) - len(text.lstrip())
        line_end = text.rfind("\n", said)
        return Stop(line_end, "block") if line_end > 0 else None

    def anew(self) -> StopRule:
        return _Timed(self._rule, self._budget_ms, self._clock)


@dataclass(frozen=True, slots=True)
class _BlockScan:
    left: str
    opener_columns: int
    below: str
    max_lines: int

    def verdict(self, text: str) -> Stop | None:
        lines = text.split("\n")
        start = end = said = 0  # `end` is that of the last line that says something
        for number, line in enumerate(lines):
            complete = number < len(lines) - 1
            if number == 0 and self.left.strip():
                end = len(line.rstrip())  # the rest of the opener's line
            elif line.strip():
                verdict = self._line(line, first=number == 0, start=start, complete=complete)
                if verdict == _GOES_ON:
                    said += complete
                    end = start + len(line.rstrip())
                elif verdict == _WAIT:
                    return None
                else:
                    return Stop(start + len(line.rstrip()) if verdict == _KEEP else end, "block")
            if said >= self.max_lines:
                return Stop(end, "block")
            start += len(line) + 1
        return None

    def _line(self, line: str, *, first: bool, start: int, complete: bool) -> str:
        stripped = line.strip()
        columns = indentation(self.left + line if first else line)
        if columns > self.opener_columns:
            repeats = complete and stripped == self.below and len(stripped) > _TRIVIAL_CHARS
            return _ENDS if repeats else _GOES_ON
        is_closer = _CLOSERS.fullmatch(stripped) is not None
        if not complete and (is_closer or _may_become_closer(stripped)):
            return _WAIT
        if is_closer and stripped != self.below and columns == self.opener_columns:
            return _KEEP
        return _ENDS


def _may_become_closer(stripped: str) -> bool:
    return any(word.startswith(stripped) for word in ("end", "fi", "done", "esac"))
