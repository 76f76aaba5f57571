"""Vectors of one folder in the background, behind everything else.

The encoder that comes with the package takes seconds for a large repository, a transformer minutes,
on a processor that completions need: one thread, few texts at a time, and none while a completion
is under way. An encoder at an address of the user's takes text out of this process; the status says
so, and `stay_here` ends it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from homespun.errors import HomespunError
from homespun.models.errors import RemoteError
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.models.types import AskedEncoder, Encoder
from homespun.progress import Progress

if TYPE_CHECKING:
    from homespun.indexer.index import Index

logger = logging.getLogger(__name__)

_TEXTS_AT_ONCE = 8  # some hundred milliseconds of a transformer: as long as a key press may wait
_WAIT_STEP_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 2.0  # then a few texts are done, or a fast typist never gets vectors
_RETRY_SECONDS = 2.0
_MAX_RETRY_SECONDS = 300.0  # where a server does not answer, twice as long each time


class LoadsEncoder(Protocol):
    """`homespun.indexer.embedding.encoders.open_encoder`, or a stand-in."""

    def __call__(self, name: str, *, threads: int = 0) -> Encoder | None:
        """Load an encoder; None for "none"."""


class _EmbeddingClosed(Exception):
    """The server ends in the middle of a batch."""


class PoliteEncoder:
    """An encoder that lets completions go first; raises `_EmbeddingClosed` at the server's end."""

    def __init__(
        self, inner: Encoder, *, completing: Callable[[], bool], closing: Callable[[], bool]
    ) -> None:
        self._inner = inner
        self._completing = completing
        self._closing = closing

    @property
    def name(self) -> str:
        """Catalogue name of the encoder."""
        return self._inner.name

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._inner.dimensions

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""
        rows = []
        # A server computes beside us, and many requests with few texts would only keep it waiting.
        at_once = len(texts) if isinstance(self._inner, AskedEncoder) else _TEXTS_AT_ONCE
        for start in range(0, len(texts), at_once or 1):
            self._give_way()
            rows.append(self._inner.encode(texts[start : start + at_once]))
        return np.concatenate(rows or [np.zeros((0, self.dimensions), dtype=np.float32)])

    def _give_way(self) -> None:
        end = time.monotonic() + _LONGEST_WAIT_SECONDS
        while self._completing() and not self._closing() and time.monotonic() < end:
            time.sleep(_WAIT_STEP_SECONDS)
        if self._closing():
            raise _EmbeddingClosed


class EmbeddingWorker:
    """The thread that computes missing vectors whenever the index has changed."""

    def __init__(
        self,
        encoder: str,
        *,
        load_encoder: LoadsEncoder,
        progress: Callable[[], Progress],
        completing: Callable[[], bool],
        updating: Callable[[], bool],
        log: Callable[[str], None],
        may_send: Callable[[], bool] = lambda: True,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Take `encoder` by name, "none" = no vectors; `updating` = files wait to be indexed.

        Where `may_send` says no, an encoder at an address is not opened; `changed` is called on any
        thread when `where` or `trouble` is another.
        """
        self._name = "none" if is_address(encoder) and not may_send() else encoder
        self._changed = changed
        self._retry_seconds = _RETRY_SECONDS
        self._load_encoder = load_encoder
        self._progress = progress
        self._completing = completing
        self._updating = updating
        self._log = log
        self._encoder: Encoder | None = None
        self.trouble = ""  # the last sentence that was logged, "" since it has worked again
        self._wake = threading.Condition()
        self._index: Index | None = None  # set = its vectors are due
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="homespun-vectors", daemon=True)

    def due(self, index: Index) -> None:
        """Have the missing vectors of an index computed, soon."""
        if self._name == "none":
            return
        with self._wake:
            self._index = index
            self._wake.notify_all()
            if not self._thread.is_alive() and not self._closing:
                self._thread.start()

    def close(self) -> None:
        """Ask the thread to end."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._leave()

    def stay_here(self, index: Index | None) -> None:
        """Send nothing more, neither texts nor the questions of searches in `index`."""
        if not is_address(self._name):
            return
        self._name = "none"
        self._leave()
        if index is not None:
            index.use_encoder(None)
        self._changed()

    @property
    def where(self) -> str:
        """The server that text goes to, "" where it stays here."""
        encoder = self._encoder
        is_sending = is_address(self._name) and isinstance(encoder, AskedEncoder)
        return encoder.where() if is_sending and isinstance(encoder, AskedEncoder) else ""

    def busy(self) -> bool:
        """Say whether the thread is still alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while (index := self._next()) is not None:
            try:
                self._embed(index)
                self._worked()
            except _EmbeddingClosed:
                return
            except (HomespunError, OSError) as error:
                if self._closing or self._name == "none":
                    continue  # it was left, and says so
                self._say(f"vectors of {str(index.root)!r} have to wait: {error}")
                self._later(index, patiently=isinstance(error, RemoteError))
            except Exception as error:
                logger.error("vectors of %s failed: %s", index.root, error, exc_info=error)

    def _next(self) -> Index | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._index is not None)
            index, self._index = self._index, None
            return None if self._closing else index

    def _embed(self, index: Index) -> None:
        if self._name == "none":
            return
        if self._encoder is None:
            # One thread: the cores belong to the completions.
            encoder = self._load_encoder(self._name, threads=1)
            if encoder is None:
                return
            self._encoder = encoder
            if isinstance(encoder, AskedEncoder):
                self._log(
                    f"vectors of {str(index.root)!r} are computed at {encoder.where()}: its text "
                    "goes there, without its secrets"
                )
                self._changed()
        progress = self._progress()
        index.use_encoder(self._encoder)  # searches go by its vectors, too, from here on
        try:
            index.embed(pace=self._politely, progress=progress, cancelled=self._updating)
        finally:
            progress.finish()

    def _politely(self, encoder: Encoder) -> Encoder:
        return PoliteEncoder(encoder, completing=self._completing, closing=self._is_closing)

    def _later(self, index: Index, *, patiently: bool) -> None:
        """Rest, and note the work again; a server is left alone even where there is more of it."""
        seconds = self._retry_seconds if patiently else _RETRY_SECONDS
        self._retry_seconds = min(2 * seconds, _MAX_RETRY_SECONDS)
        with self._wake:
            self._wake.wait_for(
                lambda: self._closing or (self._index is not None and not patiently), seconds
            )
            self._index = self._index or index

    def _worked(self) -> None:
        self._retry_seconds = _RETRY_SECONDS
        if self.trouble:
            self.trouble = ""
            self._changed()

    def _say(self, sentence: str) -> None:
        if sentence != self.trouble:
            self.trouble = sentence
            self._log(sentence)
            self._changed()

    def _leave(self) -> None:
        if isinstance(self._encoder, AskedEncoder):
            self._encoder.leave()

    def _is_closing(self) -> bool:
        return self._closing
