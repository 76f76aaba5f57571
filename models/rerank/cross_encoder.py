"""EDGE onnxruntime + tokenizers: a cross-encoder of the user's reads question and text together.

Any ONNX graph for sequence classification with one score: inputs `input_ids`, `attention_mask` and
perhaps `token_type_ids`, one output of (pairs,) or (pairs, 1); of two classes the last one counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.cores import within_cores
from homespun.models.errors import ModelDamaged, RerankerSlow, UnsupportedModel
from homespun.models.runtime import onnxruntime

MAX_TOKENS = 512  # of question and text together; BERT's positions
_PAIRS_AT_ONCE = 8  # the time is looked at between two runs
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class OnnxCrossEncoder:
    """Implements `homespun.models.types.Reranker`."""

    def __init__(
        self,
        graph: Path,
        tokenizer: Path,
        *,
        timeout_ms: int,
        threads: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load a graph. Raises `ModelDamaged`, and `UnsupportedModel` for another kind of one."""
        from tokenizers import Tokenizer

        ort = onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = within_cores(threads)
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
            self._session: Any = ort.InferenceSession(
                str(graph), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions from native code
            raise ModelDamaged(
                f"the cross-encoder {str(graph)!r} cannot be loaded ({error}); export it to ONNX "
                "again, with its tokenizer.json beside it"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._names = {each.name for each in self._session.get_inputs()}
        if not {"input_ids", "attention_mask"} <= self._names <= _INPUTS:
            raise UnsupportedModel(
                f"{str(graph)!r} wants the inputs {', '.join(sorted(self._names))}; a "
                f"cross-encoder has {', '.join(sorted(_INPUTS))}, the last one perhaps not"
            )
        self._graph = graph
        self._timeout_ms = timeout_ms
        self._clock = clock

    @property
    def name(self) -> str:
        """The folder that it was loaded from."""
        return str(self._graph.parent)

    def relevance(self, query: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts),)` scores. Raises `RerankerSlow` where the time is up before."""
        end = self._clock() + self._timeout_ms / 1000
        encoded = self._tokenizer.encode_batch([(query, text) for text in texts])
        scores = np.zeros(len(texts), np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(encoded[row].ids))
        for start in range(0, len(order), _PAIRS_AT_ONCE):
            if self._clock() > end:
                raise RerankerSlow(
                    f"the cross-encoder has judged {start} of {len(texts)} hits in "
                    f"{self._timeout_ms} ms; raise search.reranker_timeout_ms or lower "
                    "search.reranker_candidates"
                )
            rows = order[start : start + _PAIRS_AT_ONCE]
            scores[rows] = self._run([encoded[row] for row in rows])
        return scores

    def _run(self, encoded: Sequence[Any]) -> npt.NDArray[np.float32]:
        length = max(len(each.ids) for each in encoded)
        inputs = {name: np.zeros((len(encoded), length), np.int64) for name in self._names}
        for row, each in enumerate(encoded):
            for name, values in (
                ("input_ids", each.ids),
                ("attention_mask", [1] * len(each.ids)),
                ("token_type_ids", each.type_ids),
            ):
                if name in inputs:
                    inputs[name][row, : len(values)] = values
        try:
            found = np.asarray(self._session.run(None, inputs)[0], np.float32)
        except Exception as error:  # as above
            raise ModelDamaged(f"the cross-encoder {self.name!r} failed: {error}") from error
        if found.ndim == 2 and 1 <= found.shape[1] <= 2:
            found = found[:, -1] - (found[:, 0] if found.shape[1] == 2 else 0)
        if found.shape != (len(encoded),) or not np.isfinite(found).all():
            raise UnsupportedModel(
                f"the cross-encoder {self.name!r} answers {len(encoded)} pairs with shape "
                f"{found.shape}, or with no numbers; it wants a graph with one score a pair"
            )
        return found
