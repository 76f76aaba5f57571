"""The document as llama.vim sees it, and the text around the cursor that the server gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

N_PREFIX = 256  # lines
N_SUFFIX = 64


@dataclass(slots=True)
class Buffer:
    """A document with a cursor: column `x` of line `y`, from 0."""

    name: str
    lines: list[str]
    x: int = 0
    y: int = 0
    modified: bool = False


@dataclass(frozen=True, slots=True)
class Local:
    """The text around the cursor as the server gets it."""

    prefix: str
    middle: str
    suffix: str
    indent: int


def local_context(
    lines: Sequence[str], x: int, y: int, previous: Sequence[str] = (), *, last_indent: int = 0
) -> Local:
    """Cut the context at column `x` of line `y`, both from 0, as if `previous` were accepted."""
    if not previous:
        current = lines[y]
        left, right = current[:x], current[x:]
        above = list(lines[max(0, y - N_PREFIX) : y])
        indent = len(current) - len(current.lstrip())
        if not current.strip():  # such a line is written from its beginning
            left, right, indent = "", "", 0
    else:
        left = lines[y] + previous[0] if len(previous) == 1 else previous[-1]
        right, indent = "", last_indent
        above = list(lines[max(0, y - N_PREFIX + len(previous) - 1) : y])
        if len(previous) > 1:
            above += [lines[y] + previous[0], *previous[1:-1]]
    below = lines[y + 1 : y + 1 + N_SUFFIX]
    return Local(
        prefix="\n".join(above) + "\n",
        middle=left,
        suffix=right + "\n" + "\n".join(below) + "\n",
        indent=indent,
    )
