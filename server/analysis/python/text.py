"""Python text around a cursor: receivers, parts of expressions and of annotations; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homespun.server.analysis.python.outline import Function, closing, split_top

_RECEIVER_CHARS = 2000


def receiver_text(left: str) -> str:
    """Return the expression before the last dot of a text, "" where there is none."""
    left = left[-_RECEIVER_CHARS:]
    left = left[: len(left) - len(_word_at_end(left))].rstrip()
    if not left.endswith("."):
        return ""
    index = len(left) - 1
    while True:
        start = _operand_start(left, index)
        if start < 0:
            return ""
        if left[:start].endswith("."):
            index = start - 1
            continue
        return " ".join(left[start:-1].split())


def _operand_start(text: str, end: int) -> int:
    """Return where the name, call or item that ends before `end` begins, -1 where none does."""
    index = end
    while index > 0 and text[index - 1].isspace():
        index -= 1
    while index > 0 and text[index - 1] in ")]":
        index = _opening(text, index - 1)
        if index < 0:
            return -1
    word = _word_at_end(text[:index])
    if not word and (index == end or text[index] != "("):
        return -1
    return index - len(word)


def _opening(text: str, end: int) -> int:
    depth = 0
    for index in range(end, -1, -1):
        if text[index] in ")]}":
            depth += 1
        elif text[index] in "([{":
            depth -= 1
            if depth == 0:
                return index
    return -1


def _word_at_end(text: str) -> str:
    match = re.search(r"\w+\Z", text[-200:])
    return match[0] if match else ""


def alternatives(text: str) -> list[str]:
    """Return the parts of `a or b` and of `a if c else b` that may be the value."""
    if " if " in text and " else " in text:
        before, _, rest = text.partition(" if ")
        return [before, rest.partition(" else ")[2]]
    return [part for part in re.split(r"\s+or\s+", text)] if " or " in text else [text]


def generic(text: str) -> tuple[str, list[str]]:
    """`a.B[C, D]` -> ("a.B", ["C", "D"])."""
    head, bracket, _ = text.partition("[")
    if not bracket:
        return text.strip(), []
    inner = text[len(head) + 1 : closing(text, len(head))]
    return head.strip(), [part.strip() for part in split_top(inner)]


def unquoted(text: str) -> str:
    """Take the quotes off an annotation that is written as a string."""
    text = text.strip()
    if text[:1] in "\"'" and text[-1:] == text[:1]:
        text = text[1:-1]
    return text.strip()


def without_none(text: str) -> str:
    """`X | None` and `Optional[X]` -> `X`."""
    parts = [p.strip() for p in split_top(text, "|") if p.strip() != "None"]
    if len(parts) == 1:
        head, arguments = generic(parts[0])
        if head.rpartition(".")[2] == "Optional" and arguments:
            return arguments[0]
        return parts[0]
    return parts[0] if parts else text


def giving(returns: str) -> Function:
    """Return a function that gives such a value."""
    return Function("", 0, {}, returns, "")


def def_row(lines: Sequence[str], row: int) -> int:
    """Return the row of the `def` at or, behind decorators, below a row; -1 where none is."""
    for index in range(max(row, 0), min(row + 30, len(lines))):
        if re.match(r"\s*(?:async\s+)?def\s", lines[index]):
            return index
    return -1
