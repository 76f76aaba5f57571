"""Rows of a table that somebody else may have written -> what is ranked and shown.

A row is data: a path that steps out, a line that is none or a text beyond every bound makes it no
row. What is shown of a row is masked again (search.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homespun.indexer.memory import snapshot
from homespun.indexer.memory.snapshot import Snapshot
from homespun.indexer.memory.vectors import Float32, Vectors
from homespun.indexer.packs.names import is_repo
from homespun.indexer.storage.rows import Rows, token_block
from homespun.indexer.table.schema import DIMENSIONS
from homespun.indexer.types import Chunk, Symbol
from homespun.parsing import parse_json

COLUMNS = (
    *("repository", "build", "path", "ordinal", "language", "start_line", "end_line", "symbol"),
    *("kind", "header", "text", "words", "defines", "vector"),
)
_MAX_CHARS = {
    "path": 1_000,
    "language": 40,
    "symbol": 1_000,
    "kind": 40,
    "header": 4_000,
    "text": 200_000,
    "words": 400_000,
    "defines": 400_000,
}
_MAX_LINE = 100_000_000
_MAX_DEFINITIONS = 2_000  # of one chunk
_MAX_NAME_CHARS = 1_000

Row = dict[str, Any]
Table = Any  # an Arrow table; pyarrow publishes no types


@dataclass(frozen=True, slots=True)
class Mirror:
    """Some rows in memory, as ranking wants them; each file by a name that no other has."""

    snapshot: Snapshot
    places: dict[str, tuple[str, str]]  # name -> repository and the path in it


def good_rows(table: Table, builds: dict[str, str]) -> list[Row]:
    """Return the rows that count (build -> repository) and can be believed, each once."""
    found: dict[tuple[str, str, int], Row] = {}
    valid = table.select(COLUMNS).filter(pc.is_valid(table["vector"]))
    matrix = _matrix(valid["vector"])
    for row, vector in zip(valid.drop_columns(["vector"]).to_pylist(), matrix, strict=True):
        row["vector"] = vector
        if _is_good(row) and builds.get(row["build"]) == row["repository"]:
            found.setdefault((row["repository"], row["path"], row["ordinal"]), row)
    return list(found.values())


def mirror_of(rows: list[Row]) -> Mirror:
    """Return rows, which are believed, in memory."""
    labels = _labels({row["repository"] for row in rows})
    places: dict[str, tuple[str, str]] = {}
    chunks, symbols = [], []
    for row in rows:
        name = f"{labels[row['repository']]}/{row['path']}"
        places[name] = (row["repository"], row["path"])
        chunks.append(_chunk(row, name))
        symbols += _symbols(row, name)
    keys = [str(number) for number in range(len(rows))]
    tokens = token_block(pa.chunked_array([pa.array([row["words"] for row in rows], pa.string())]))
    loaded = snapshot.load(Rows(chunks, keys, tokens, symbols, {name: () for name in places}))
    vectors = Vectors.of(np.array([row["vector"] for row in rows], np.float32))
    return Mirror(snapshot.with_vectors(loaded, keys, vectors), places)


def _is_good(row: Row) -> bool:
    for name, most in _MAX_CHARS.items():
        if not isinstance(row[name], str) or len(row[name]) > most:
            return False
    numbers = (row["ordinal"], row["start_line"], row["end_line"])
    if not all(isinstance(number, int) and 0 <= number <= _MAX_LINE for number in numbers):
        return False
    if not 1 <= row["start_line"] <= row["end_line"]:
        return False
    return bool(row["repository"]) and is_repo(row["repository"]) and _is_inside(row["path"])


def _is_inside(path: str) -> bool:
    """Tell whether a path is one below a folder, on every system."""
    parts = path.split("/")
    is_plain = all(part not in ("", ".", "..") for part in parts)
    return is_plain and "\\" not in path and "\0" not in path and ":" not in parts[0]


def _labels(repositories: set[str]) -> dict[str, str]:
    """Return what stands before a repository's paths: words that match, and no folder by itself.

    A repository `acme/docs` must not be taken for a folder of documentation.
    """
    labels: dict[str, str] = {}
    for repository in sorted(repositories):
        label = "@" + repository.replace("/", ".")
        labels[repository] = f"{label}~{len(labels)}" if label in labels.values() else label
    return labels


def _chunk(row: Row, name: str) -> Chunk:
    return Chunk(
        path=name,
        language=row["language"],
        start_line=row["start_line"],
        end_line=row["end_line"],
        symbol=row["symbol"],
        kind=row["kind"],
        header=row["header"],
        text=row["text"],
    )


def _symbols(row: Row, name: str) -> list[Symbol]:
    """Return the definitions of a row; none where what stands there is not as we write it."""
    try:
        defined = parse_json(row["defines"])
    except ValueError:
        return []
    if not isinstance(defined, list):
        return []
    found = []
    for entry in defined[:_MAX_DEFINITIONS]:
        if not isinstance(entry, list) or [type(value) for value in entry] != [str, str, str, int]:
            continue
        called, qualified, kind, line = entry
        if max(len(called), len(qualified), len(kind)) <= _MAX_NAME_CHARS and line <= _MAX_LINE:
            of_file = (name, row["language"], line, line)
            found.append(Symbol(called, qualified, kind, *of_file, signature="", doc=""))
    return found


def _matrix(column: Any) -> Float32:  # noqa: ANN401 - an Arrow column
    """Return `(rows, DIMENSIONS)` at unit length; what is no number is nothing."""
    flat = pa.concat_arrays([chunk.flatten() for chunk in column.chunks] or [pa.array([], "f4")])
    matrix = flat.to_numpy(zero_copy_only=False).astype(np.float32).reshape(-1, DIMENSIONS)
    matrix = np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Float32 = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return unit
