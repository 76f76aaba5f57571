"""Lines that were learned from before: the second time a line is learned, it is learned by heart.

What is repeated in training text is what is drawn out of a model first: ten times the copies made a
sequence a thousand times as likely to be written (Kandpal et al., "Deduplicating Training Data
Mitigates Privacy Risks in Language Models", 2022). So of equal lines the first one counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from homespun.training.weighing.drawn import Span

MIN_CHARS = 25  # of a line, white space made even: shorter ones are the grammar's, not a text's


class LearnedLines:
    """The lines that carry loss so far; the order of asking decides which of equal ones does."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lines: set[str] = set()

    def claim(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Yield the parts of `text[start:end]` whose line was learned before; the rest now is.

        A line of which a part was learned counts as learned. Short lines always count as new.
        """
        for begin, stop in lines_of(text, start, end):
            line = " ".join(text[begin:stop].split())
            if len(line) < MIN_CHARS:
                continue
            if line in self._lines:
                yield max(begin, start), min(stop + 1, end)
            self._lines.add(line)


def lines_of(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the whole lines, line ends left out, that `text[start:end]` touches."""
    begin = text.rfind("\n", 0, start) + 1
    while begin < max(end, start + 1):
        stop = text.find("\n", begin)
        stop = len(text) if stop < 0 else stop
        yield begin, stop
        begin = stop + 1
