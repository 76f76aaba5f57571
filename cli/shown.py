"""Standard output and error of a verb: what reaches a terminal is safe to show.

Names and text of a repository come by many ways, in tables, sentences and errors of libraries. One
place that all of it passes cannot be forgotten by the next `print`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO, cast

from homespun.showable import showable_coloured


class ShownStream:
    """A text stream that escapes what a terminal would obey and what the stream cannot say."""

    def __init__(self, stream: TextIO) -> None:
        self.below = stream

    def write(self, text: str) -> int:
        """Write the text made safe; return how many characters were given."""
        self.below.write(self._encodable(showable_coloured(text)))
        return len(text)

    def _encodable(self, text: str) -> str:
        r"""Return the text with \u escapes for what the stream's encoding lacks."""
        encoding = self.below.encoding or "utf-8"
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def __getattr__(self, name: str) -> object:
        """Answer as the stream does."""
        return getattr(self.below, name)


@contextlib.contextmanager
def shown(*, stdout: bool = True) -> Iterator[None]:
    """Make both streams safe until the end of the block; stdout may belong to a protocol."""
    with contextlib.ExitStack() as streams:
        if stdout:
            streams.enter_context(contextlib.redirect_stdout(_safe(sys.stdout)))
        streams.enter_context(contextlib.redirect_stderr(_safe(sys.stderr)))
        yield


def own_stream(stream: TextIO) -> TextIO:
    """Return the stream below, for a bar that moves the cursor and makes its own text safe."""
    return stream.below if isinstance(stream, ShownStream) else stream


def _safe(stream: TextIO) -> TextIO:
    return cast(TextIO, ShownStream(stream))
