"""A reranker at an address: the request that vLLM, Jina, Cohere and llama.cpp's server share.

{"model", "query", "documents", "top_n"}  ->  {"results": [{"index", "relevance_score"}, …]}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from homespun.models.errors import RemoteFailed, RemoteRefused
from homespun.models.remote.wire.client import Cancelled, Limits, RemoteClient
from homespun.models.rerank.options import RerankerOptions

_ENDINGS = ("/rerank", "/reranking")
_PATHS = ("/v1/rerank", "/rerank")  # where the address does not say which
_MAX_QUERY_CHARS = 4_000
_MAX_TEXT_CHARS = 6_000  # of a hit; models read some hundred tokens of it


class RemoteReranker:
    """Implements `homespun.models.types.Reranker`; safe on any thread."""

    def __init__(
        self, client: RemoteClient, options: RerankerOptions, *, mask: Callable[[str], str]
    ) -> None:
        """`mask` replaces secrets, and goes over every text."""
        self._client = client
        self._options = options
        self._mask = mask
        ends = client.address.path.endswith(_ENDINGS)
        self._paths = [""] if ends else [*_PATHS]  # the first that answers is kept

    @property
    def name(self) -> str:
        """The model, where it has a name, and the server."""
        model = self._options.reranker_model
        where = self._client.address.shown
        return f"{model}@{where}" if model else where

    def relevance(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts),)` scores. Raises `RemoteError`."""
        body = {
            "query": self._mask(query[:_MAX_QUERY_CHARS]),
            "documents": [self._mask(text)[:_MAX_TEXT_CHARS] for text in texts],
            "top_n": len(texts),
        }
        if self._options.reranker_model:
            body["model"] = self._options.reranker_model
        deadline = self._client.clock() + self._options.reranker_timeout_ms / 1000
        limits = Limits(deadline, cancelled=lambda: False, retries=0)
        return self._scores(self._answer(body, limits), len(texts))

    def _answer(self, body: Mapping[str, object], limits: Limits) -> object:
        for path in tuple(self._paths):
            try:
                found: object = self._client.answer(path, body, limits=limits)
            except Cancelled as error:  # the process ends
                raise RemoteFailed(f"{self._client.address.shown} was left") from error
            except RemoteRefused as error:
                if error.status not in (404, 405) or path == self._paths[-1]:
                    raise
                self._client.breaker.succeeded()  # it is there, only not at this path
                continue
            self._paths = [path]
            return found
        raise AssertionError("the last path answers or raises")

    def _scores(self, reply: object, count: int) -> npt.NDArray[np.float32]:
        rows = reply.get("results", reply.get("data")) if isinstance(reply, dict) else None
        if not isinstance(rows, list):
            raise self._failed("answers something that holds no results")
        if len(rows) != count:
            raise self._failed(f"judges {len(rows)} of {count} texts")
        scores = np.full(count, np.nan, np.float32)
        for row in rows:
            row = row if isinstance(row, dict) else {}
            place, score = row.get("index"), row.get("relevance_score")
            if not isinstance(place, int) or not 0 <= place < count:
                raise self._failed("does not say which score belongs to which text")
            if not isinstance(score, int | float) or not math.isfinite(score):
                raise self._failed("returns something in place of a score")
            scores[place] = score
        if not np.isfinite(scores).all():
            raise self._failed("judges a text twice and another one never")
        return scores

    def _failed(self, what: str) -> RemoteFailed:
        return RemoteFailed(f"{self._client.address.shown} {what}")
