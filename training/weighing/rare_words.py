"""Which words the training text shows once: what a model learns of them is that text by heart.

A word counts for each place of each file that it stands in; the states of a file in its history are
one file, for which the state counts that has the word most often.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from homespun.training.weighing.drawn import Span

WORD = re.compile(r"\w+")


class RareWords:
    """Counts words over documents that are read once."""

    def __init__(self, documents: Iterable[tuple[str, str]]) -> None:
        """Read (path, text) of everything that is learned from."""
        by_path: dict[str, dict[str, int]] = {}
        seen: set[tuple[str, int]] = set()
        for path, text in documents:
            if (path, hash(text)) in seen:
                continue
            seen.add((path, hash(text)))
            counts = by_path.setdefault(path, {})
            for word, count in Counter(WORD.findall(text)).items():
                counts[word] = max(counts.get(word, 0), count)
        self._counts: Counter[str] = Counter()
        for counts in by_path.values():
            self._counts.update(counts)

    def spans(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Yield the words of `text[start:end]` that stand once; one that is cut counts whole."""
        for match in WORD.finditer(text):
            if match.end() > start and match.start() < end and self._counts[match[0]] <= 1:
                yield max(match.start(), start), min(match.end(), end)
