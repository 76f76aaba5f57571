"""Parsed files of one repository -> rows of the table `chunks`, and their vectors."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from homespun.indexer.storage.rows import embedding_text
from homespun.indexer.table.schema import CHUNK_SCHEMA, DIMENSIONS
from homespun.indexer.types import Chunk, ParsedFile, Symbol
from homespun.indexer.words.tokens import searched_words
from homespun.models.types import Encoder

_TEXTS_AT_ONCE = 1024  # that the encoder gets

Table = Any  # an Arrow table; pyarrow publishes no types


def rows_of(repository: str, build: str, files: Sequence[ParsedFile], encoder: Encoder) -> Table:
    """Return a row a chunk of some files, in order of path and place."""
    files = sorted(files, key=lambda file: file.path)
    pairs = [(file, chunk) for file in files for chunk in file.chunks]
    chunks = [chunk for _, chunk in pairs]
    defined = [symbols for file in files for symbols in _by_chunk(file)]
    columns = {
        "repository": [repository] * len(chunks),
        "build": [build] * len(chunks),
        "path": [chunk.path for chunk in chunks],
        "hash": [file.content_hash for file, _ in pairs],
        "language": [chunk.language for chunk in chunks],
        "ordinal": [number for file in files for number in range(len(file.chunks))],
        "start_line": [chunk.start_line for chunk in chunks],
        "end_line": [chunk.end_line for chunk in chunks],
        "symbol": [chunk.symbol for chunk in chunks],
        "kind": [chunk.kind for chunk in chunks],
        "header": [chunk.header for chunk in chunks],
        "text": [chunk.text for chunk in chunks],
        "words": [" ".join(words) for file in files for words in searched_words(file)],
        "names": [sorted({s.name.casefold() for s in symbols}) for symbols in defined],
        "defines": [_defines(symbols) for symbols in defined],
        "vector": _vectors(chunks, encoder),
    }
    return pa.table(columns, schema=CHUNK_SCHEMA)


def _by_chunk(file: ParsedFile) -> list[list[Symbol]]:
    """Return for each chunk the definitions that begin in it, as `searched_words` counts them."""
    starts = [chunk.start_line for chunk in file.chunks]
    found: list[list[Symbol]] = [[] for _ in starts]
    for symbol in file.symbols:
        number = bisect_right(starts, symbol.start_line) - 1
        if number >= 0:
            found[number].append(symbol)
    return found


def _defines(symbols: Sequence[Symbol]) -> str:
    return json.dumps([[s.name, s.qualified, s.kind, s.start_line] for s in symbols])


def _vectors(chunks: Sequence[Chunk], encoder: Encoder) -> Any:  # noqa: ANN401 - an Arrow array
    parts = [
        encoder.encode([embedding_text(chunk) for chunk in chunks[start : start + _TEXTS_AT_ONCE]])
        for start in range(0, len(chunks), _TEXTS_AT_ONCE)
    ]
    matrix = np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *parts]).astype(np.float32)
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), DIMENSIONS)
