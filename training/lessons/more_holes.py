"""Further lines that a prompt may ask for: of the code that it shows above its hole.

Each is a hole as those of the dataset, from somewhere in a line to its end, in the part of the
document that the prompt shows; what stands behind it is cut to as many lines as the prompt has.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from homespun.indexer.secrets.mask import PLACEHOLDER
from homespun.server.prompt.encode import Rendered
from homespun.training.dataset.examples import Example
from homespun.training.dataset.holes import Hole, holes

_SHARES = {"line": 0.85, "insert": 0.15}
_MASKED = 3 * PLACEHOLDER
_MIN_BEHIND_LINES = 2


def more_holes(
    example: Example, rendered: Rendered, *, most: int, seed: int, asked: set[tuple[str, str]]
) -> Iterator[Example]:
    """Yield at most `most` examples that begin as the rendered one; the same seed, the same ones.

    `asked` holds the lines of each file that were asked for; they are not asked for again.
    """
    if most <= 0:
        return
    shown = _shown_above(example, rendered)
    first = len(example.prefix) - len(rendered.prompt.typed) - len(shown)
    rng = random.Random(f"{seed}-more-{example.id}")
    lines = range(2, shown.count("\n") + 1)  # nothing would be shared below the first one
    drawn = holes(shown, example.language, rng, count=most, lines=lines, shares=_SHARES)
    cursor_line = example.prefix.count("\n") + 1
    behind_lines = max(rendered.prompt.last_line - cursor_line, _MIN_BEHIND_LINES)
    document = example.prefix + example.middle + example.suffix
    for number, hole in enumerate(drawn):
        line = _line_of(shown, hole)
        place = (example.path, " ".join(line.split()))
        if place in asked or _MASKED in line:
            continue
        asked.add(place)
        suffix = document[first + hole.end :]
        behind = suffix.split("\n", behind_lines)[:behind_lines]
        yield replace(
            example,
            id=f"{example.id}+{number}",
            prefix=shown[: hole.start],
            middle=shown[hole.start : hole.end],
            suffix="\n".join(behind) + "\n",
            kind=hole.kind,
            snippets=rendered.prompt.snippets,
        )


def _shown_above(example: Example, rendered: Rendered) -> str:
    """Return the document's lines that the prompt shows above the hole's line."""
    end = len(example.prefix) - len(rendered.prompt.typed)
    lines = example.prefix[:end].split("\n")
    return "\n".join(lines[rendered.prompt.first_line - 1 :])


def _line_of(text: str, hole: Hole) -> str:
    start = text.rfind("\n", 0, hole.start) + 1
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)]
