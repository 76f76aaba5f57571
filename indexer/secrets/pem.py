"""Private keys between `-----BEGIN …-----` and `-----END …-----` -> where their material stands.

Linear in the text, whatever stands in it: the ends are looked up once, not behind each beginning.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

_LABEL = r"(?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"
_BEGIN = re.compile("-----BEGIN " + _LABEL)
_END = re.compile("-----END " + _LABEL)
# A block that was cut off: lines of base64 below the head.
_OPEN_BODY = re.compile(r"(?:(?:[\s\"'+,]|\\[nr\\])*[A-Za-z0-9+/=]{32,})+")
_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{32,}")
_MAX_BLOCK_CHARS = 20_000


def key_bodies(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of what stands in each key, in order and without overlap.

    Heads without base64 behind them are a parser's constants, or a document about keys.
    """
    if "PRIVATE KEY-----" not in text and "PRIVATE KEY BLOCK-----" not in text:
        return
    ends = defaultdict(list)
    for match in _END.finditer(text):
        ends[match["label"]].append(match.start())
    done = 0
    for begin in _BEGIN.finditer(text):
        start = begin.end()
        if start < done:
            continue  # inside the block before
        of_label = ends[begin["label"]]
        number = bisect_left(of_label, start)
        end = of_label[number] if number < len(of_label) else -1
        if start <= end <= start + _MAX_BLOCK_CHARS:
            done = end
            if _MATERIAL.search(text, start, end):
                yield start, end
        elif (body := _OPEN_BODY.match(text, start)) is not None:
            done = body.end()
            yield start, done
