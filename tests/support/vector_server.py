"""What a server of vectors and ranks answers, computed by an encoder of the test's choice.

Replies for `model_server.ModelServer`, in the shape that OpenAI's `/v1/embeddings` and Jina's
`/v1/rerank` have in their own documentation.
"""

from __future__ import annotations

import base64
import threading

import numpy as np

from homespun.models.fakes import FakeEncoder
from tests.support.model_server import answer

EMBEDDINGS = "/v1/embeddings"
RERANK = "/v1/rerank"


class VectorServer:
    """Replies to `/v1/embeddings`; `texts` are all that came, in order."""

    def __init__(self, encoder=None, *, scale=1.0, takes_base64=True, backwards=False):
        self.encoder = encoder or FakeEncoder(dimensions=16)
        self.texts = []
        self.faults = {}  # number of a request (from 1) -> what is answered instead, once
        self.requests = 0
        self._scale, self._takes_base64, self._backwards = scale, takes_base64, backwards
        self._lock = threading.Lock()

    @property
    def replies(self):
        return {EMBEDDINGS: self.reply}

    def reply(self, asked):
        with self._lock:
            self.requests += 1
            if (fault := self.faults.pop(self.requests, None)) is not None:
                return fault(asked) if callable(fault) else fault
            wants_base64 = asked.body.get("encoding_format") == "base64"
            if wants_base64 and not self._takes_base64:
                return answer({"error": {"message": "encoding_format: float only"}}, status=400)
            self.texts += asked.body["input"]
            vectors = self.encoder.encode(asked.body["input"]) * np.float32(self._scale)
        return answer({"data": self.rows(vectors, in_base64=wants_base64), "model": "m"})

    def rows(self, vectors, *, in_base64):
        rows = [
            {"object": "embedding", "index": place, "embedding": packed(vector, in_base64)}
            for place, vector in enumerate(vectors)
        ]
        return rows[::-1] if self._backwards else rows


def packed(vector, in_base64):
    """A vector as the API packs it."""
    if in_base64:
        return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
    return [float(each) for each in vector]


def ranks(judge, key="results"):
    """A reply of `/v1/rerank`: `judge(query, text)` scores each, the best comes first."""

    def reply(asked):
        scores = [judge(asked.body["query"], text) for text in asked.body["documents"]]
        rows = [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]
        rows.sort(key=lambda row: -row["relevance_score"])
        return answer({key: rows[: asked.body["top_n"]]})

    return reply
