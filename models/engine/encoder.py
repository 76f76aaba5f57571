"""EDGE onnxruntime + tokenizers: texts to unit vectors, batched by length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.cores import within_cores
from homespun.models.errors import ModelDamaged
from homespun.models.runtime import onnxruntime

MAX_TOKENS = 256  # what all-MiniLM-L6-v2 was trained with (sentence_bert_config.json)
_BATCH_TOKENS = 4096  # tokens per run, padding included: bounds memory and keeps both cores busy


class OnnxEncoder:
    """Implements `homespun.models.types.Encoder`."""

    def __init__(self, name: str, directory: Path, *, dimensions: int, threads: int) -> None:
        """Load a served encoder. Raises `ModelDamaged` when its files cannot be read."""
        from tokenizers import Tokenizer

        ort = onnxruntime()

        self.name = name
        self.dimensions = dimensions
        options = ort.SessionOptions()
        options.intra_op_num_threads = within_cores(threads)
        options.log_severity_level = 3
        # Vectors are made in the background: spinning threads would take time from completions.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
            self._session: Any = ort.InferenceSession(
                str(directory / "encoder.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise bare exceptions from native code
            raise ModelDamaged(
                f"{str(directory)!r} cannot be loaded ({error}); "
                f"delete it and run `homespun models fetch {name}` again"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return `(len(texts), dimensions)` float32 with unit-norm rows, in input order."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for rows in _batches([len(row) for row in ids]):
            length = max(len(ids[row]) for row in rows)
            tokens = np.zeros((len(rows), length), np.int64)
            mask = np.zeros((len(rows), length), np.int32)
            for place, row in enumerate(rows):
                tokens[place, : len(ids[row])] = ids[row]
                mask[place, : len(ids[row])] = 1
            (vectors[rows],) = self._session.run(None, {"ids": tokens, "mask": mask})
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, so that padding costs little."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
