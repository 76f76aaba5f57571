"""An encoder at an address: texts in requests of bounded size, their vectors back.

Where the index is made it is patient (retries, Retry-After); a query has a moment, and a server
that fails several times is left alone by the breaker. All text is masked before it is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from homespun.models.errors import RemoteFailed, RemoteRefused
from homespun.models.remote.vectors.encoder_name import EncoderName
from homespun.models.remote.vectors.families import family_of
from homespun.models.remote.vectors.options import EncoderOptions
from homespun.models.remote.vectors.reply import Vectors, WrongReply, unit_vectors
from homespun.models.remote.wire.client import Cancelled, Limits, RemoteClient, TimedOut

_PATH = "/v1/embeddings"
_PROBE = "def add(first, second):\n    return first + second\n"  # what is sent to learn the length
_MAX_TEXT_CHARS = 24_000  # of a chunk; some have lines without an end
_MAX_QUERY_CHARS = 4_000
_MAX_REQUEST_CHARS = 200_000
_FIRST_REQUEST_CHARS = 8_000  # twice as many behind a request that was soon answered, else half
_MIN_REQUEST_CHARS = 500
_SOON_SECONDS, _LATE_SECONDS = 2.0, 10.0
_MAX_REPLY_BYTES = 1_500_000  # the client reads two million of a line
_NUMBER_BYTES = {"base64": 6, "float": 24}  # of one number in a reply, at most
_TEXTS_BEFORE_THE_LENGTH_IS_KNOWN = 8
_SHORTEST_CUT_CHARS = (
    200  # of a text that is too long for the model; below it something else is wrong
)
_RETRIES = 5  # of a request while the index is made: some ten seconds
_MAX_RESTS = 10  # that the server asks for, one behind the other
_MAX_REST_SECONDS = 300.0
_POLL_SECONDS = 0.05


class _Asks(Protocol):
    """`RemoteClient.json` or `RemoteClient.answer`."""

    def __call__(self, path: str, body: object, *, limits: Limits) -> object:
        """Return the answer's JSON."""


class RemoteEncoder:
    """Implements `homespun.models.types.Encoder` and `AskedEncoder`; safe on any thread."""

    def __init__(
        self,
        client: RemoteClient,
        name: EncoderName,
        options: EncoderOptions,
        *,
        mask: Callable[[str], str],
    ) -> None:
        """`mask` replaces secrets, and goes over every text."""
        family = family_of(name.model)
        given = (options.query_prefix, options.passage_prefix)
        self._query_prefix, self._passage_prefix = (
            theirs if ours is None else ours
            for ours, theirs in zip(given, (family.query, family.passage), strict=True)
        )
        self._fields = {"query": family.query_fields, "passage": family.passage_fields}
        self.name = name.kept(client.address, self._passage_prefix)
        self._client = client
        self._model = name.model
        self._options = options
        self._mask = mask
        self._lock = threading.Lock()
        self._dimensions = 0  # not known yet
        self._request_chars = _FIRST_REQUEST_CHARS
        self._form = "base64"
        self._form_is_known = False
        self._has_left = False

    @property
    def dimensions(self) -> int:
        """Length of a vector; asks the server where nobody has said it. Raises `RemoteError`."""
        if not self._dimensions:
            self._passages([_PROBE])
        return self._dimensions

    def expect(self, dimensions: int) -> None:
        """Take the length of the vectors that are kept already."""
        self._dimensions = self._dimensions or dimensions

    def where(self) -> str:
        """Return the server without the path."""
        return self._client.address.shown

    def leave(self) -> None:
        """End what is on its way, and send nothing more."""
        self._has_left = True
        self._client.close()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order.

        A text of white space is not sent and gets zeros. Raises `RemoteError`.
        """
        rows = [row for row, text in enumerate(texts) if text.strip()]
        sent = [self._passage_prefix + self._mask(texts[row])[:_MAX_TEXT_CHARS] for row in rows]
        found = [self._passages(batch) for batch in self._batches(sent)]
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        if found:
            vectors[rows] = np.concatenate(found)
        return vectors

    def encode_query(self, text: str) -> Vectors:
        """Return the `(dimensions,)` vector of a question. Raises `RemoteError`, soon."""
        sent = self._query_prefix + self._mask(text[:_MAX_QUERY_CHARS])
        limits = self._limits(self._options.query_timeout_ms, retries=0)
        reply = self._asked([sent], self._fields["query"], limits, ask=self._client.answer)
        vector: Vectors = self._taken(reply, 1)[0]
        return vector

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Cut texts into requests that are bounded by their number, their size and the reply's.

        The size follows how fast the server is: a processor reads some hundred tokens a second.
        """
        batch: list[str] = []
        chars = 0
        for text in texts:
            if batch and (
                len(batch) >= self._texts_at_once() or chars + len(text) > self._request_chars
            ):
                yield batch
                batch, chars = [], 0
            batch.append(text)
            chars += len(text)
        if batch:
            yield batch

    def _texts_at_once(self) -> int:
        if not self._dimensions or not self._form_is_known:
            return min(self._options.batch, _TEXTS_BEFORE_THE_LENGTH_IS_KNOWN)
        row_bytes = self._dimensions * _NUMBER_BYTES[self._form] + 100
        return max(1, min(self._options.batch, _MAX_REPLY_BYTES // row_bytes))

    def _passages(self, texts: list[str]) -> Vectors:
        """Ask patiently; where it is too much for the server, for fewer texts and shorter ones."""
        try:
            return self._taken(self._patiently(texts), len(texts))
        except TimedOut:
            if len(texts) == 1:
                raise
        except RemoteRefused as error:
            is_short = len(texts) == 1 and len(texts[0]) <= _SHORTEST_CUT_CHARS
            if error.status not in (400, 413, 422) or is_short:
                raise
        if len(texts) == 1:
            return self._passages([texts[0][: len(texts[0]) // 2]])
        half = len(texts) // 2
        return np.concatenate([self._passages(texts[:half]), self._passages(texts[half:])])

    def _patiently(self, texts: list[str]) -> object:
        rests = 0
        while True:
            limits = self._limits(self._options.timeout_ms, retries=_RETRIES)
            began = self._client.clock()
            try:
                reply = self._asked(texts, self._fields["passage"], limits, ask=self._client.json)
                self._adapt(self._client.clock() - began)
                return reply
            except TimedOut:
                self._adapt(_LATE_SECONDS)
                raise
            except RemoteFailed as error:
                rests += 1
                if not 0 < error.after <= _MAX_REST_SECONDS or rests > _MAX_RESTS:
                    raise
                self._rest(error.after)

    def _adapt(self, seconds: float) -> None:
        if seconds < _SOON_SECONDS:
            self._request_chars = min(2 * self._request_chars, _MAX_REQUEST_CHARS)
        elif seconds >= _LATE_SECONDS:
            self._request_chars = max(self._request_chars // 2, _MIN_REQUEST_CHARS)

    def _asked(
        self, texts: list[str], fields: Mapping[str, str], limits: Limits, *, ask: _Asks
    ) -> object:
        if self._has_left:
            raise self._gone()
        try:
            return ask(_PATH, self._body(texts, fields), limits=limits)
        except Cancelled:
            raise self._gone() from None
        except RemoteRefused as error:
            if error.status not in (400, 422) or self._form_is_known or self._form == "float":
                raise
        self._form = "float"  # it may be base64 that the server does not take
        self._client.breaker.succeeded()
        return self._asked(texts, fields, limits, ask=ask)

    def _body(self, texts: list[str], fields: Mapping[str, str]) -> dict[str, object]:
        form = {"encoding_format": "base64"} if self._form == "base64" else {}
        return {"model": self._model, "input": texts, **form, **fields}

    def _taken(self, reply: object, count: int) -> Vectors:
        """Check a reply and learn from the first one. Raises `RemoteError`."""
        try:
            vectors = unit_vectors(reply, count)
        except WrongReply as wrong:
            raise RemoteFailed(f"{self.where()} {wrong}") from None
        length = vectors.shape[1]
        with self._lock:
            self._dimensions = self._dimensions or length
            self._form = _form_of(reply)
            self._form_is_known = True
        if length != self._dimensions:
            raise RemoteRefused(
                f"{self.where()} returns vectors of {length} numbers for {self._model!r}, and the "
                f"index has such of {self._dimensions}: another model answers there; "
                "`homespun index --rebuild` computes all of them anew"
            )
        return vectors

    def _limits(self, milliseconds: int, *, retries: int) -> Limits:
        deadline = self._client.clock() + milliseconds / 1000
        return Limits(deadline, cancelled=lambda: self._has_left, retries=retries)

    def _rest(self, seconds: float) -> None:
        end = self._client.clock() + seconds
        while self._client.clock() < end:
            if self._has_left:
                raise self._gone()
            time.sleep(_POLL_SECONDS)

    def _gone(self) -> RemoteRefused:
        return RemoteRefused(f"nothing more is sent to {self.where()} until the next start")


def _form_of(reply: object) -> str:
    """Return how numbers came; a server may not care for how they were asked for."""
    assert isinstance(reply, dict)  # it was checked
    return "base64" if isinstance(reply["data"][0]["embedding"], str) else "float"
