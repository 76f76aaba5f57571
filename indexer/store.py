"""EDGE: the only file that knows LanceDB and Arrow; their errors end here.

Three tables hold rows of files (`chunks`, `symbols`, `files`), every row with its file's content
hash; one table for each encoder holds vectors by the hash of the chunk's text. The store does what
it is told and decides nothing: which rows count is the manifest's word (manifest.py).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.index import FTS, Bitmap, BTree

from homespun.indexer.bm25 import TokenBlock
from homespun.indexer.config import CHUNKER_VERSION
from homespun.indexer.errors import IndexDamaged, StoreFull
from homespun.indexer.tokens import path_words, split_identifiers
from homespun.indexer.types import Chunk, Import, ParsedFile, Symbol

FILE_TABLES = ("chunks", "symbols", "files")

_KEEP_VERSIONS = timedelta(minutes=10)  # a reader may still be loading the one before
_PATHS_A_DELETE = 500  # an IN list of this length is still parsed in a millisecond

_KEY = [("path", pa.string()), ("hash", pa.string()), ("language", pa.string())]
_SCHEMAS = {
    "chunks": pa.schema(
        [
            *_KEY,
            ("ordinal", pa.int32()),  # place in the file
            ("start_line", pa.int32()),
            ("end_line", pa.int32()),
            ("symbol", pa.string()),
            ("kind", pa.string()),
            ("header", pa.string()),
            ("text", pa.string()),
            ("text_hash", pa.string()),
            ("tokens", pa.string()),  # split words of text and path, joined by spaces
        ]
    ),
    "symbols": pa.schema(
        [
            *_KEY,
            ("ordinal", pa.int32()),
            ("name", pa.string()),
            ("qualified", pa.string()),
            ("kind", pa.string()),
            ("start_line", pa.int32()),
            ("end_line", pa.int32()),
            ("signature", pa.string()),
            ("doc", pa.string()),
        ]
    ),
    "files": pa.schema(
        [*_KEY, ("ordinal", pa.int32()), ("imports", pa.string()), ("calls", pa.string())]
    ),
}
# LanceDB's defaults stem, drop stop words and fold accents: wrong for code.
_WORDS = FTS(stem=False, remove_stop_words=False, ascii_folding=False, max_token_length=128)
_INDEXES = {
    "chunks": {"path": BTree(), "language": Bitmap(), "tokens": _WORDS},
    "symbols": {"path": BTree(), "language": Bitmap()},
    "files": {"path": BTree()},
}
_NO_SPACE = re.compile(
    r"no space left|os error (28|13|30|27|122|112)\b|permission denied|file too large"
    r"|read-only file system|quota",
    re.IGNORECASE,
)
_RUST_PLACE = re.compile(r",?\s*\S+\.rs:\d+(:\d+)?")  # where in Lance's own source


@dataclass(frozen=True, slots=True)
class Rows:
    """What the store holds of some files; chunks in order of path and place."""

    chunks: list[Chunk]
    text_hashes: list[str]  # of each chunk, the key of its vector
    tokens: TokenBlock  # of each chunk
    symbols: list[Symbol]
    imports: dict[str, tuple[Import, ...]]


class Store:
    """The tables under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with self._mapped("opening"):
            self._db = lancedb.connect(folder)
            self._names = set(self._db.list_tables(limit=1000).tables)
            self._writable: dict[str, Any] = {}  # open tables at their latest version

    def catch_up(self) -> None:
        """See what another process has written; a writer calls it once it holds the lock."""
        with self._mapped("opening"):
            self._names = set(self._db.list_tables(limit=1000).tables)
            self._writable.clear()

    def wipe(self) -> None:
        """Drop everything, readable or not."""
        try:
            if self._folder.is_dir():
                shutil.rmtree(self._folder)
            self._folder.unlink(missing_ok=True)
        except OSError as error:
            raise StoreFull(
                f"cannot remove the old index in {str(self._folder)!r}: {error}; close what uses "
                "it or check the folder's permissions, then run again"
            ) from error
        with self._mapped("opening"):
            self._db = lancedb.connect(self._folder)
            self._names = set()
            self._writable.clear()

    def forget_files(self) -> None:
        """Drop the tables of files; vectors stay, many texts will be the same again."""
        with self._mapped("writing to"):
            for name in self._names & set(FILE_TABLES):
                self._db.drop_table(name)
            self._names -= set(FILE_TABLES)
            self._writable.clear()

    # Files

    def replace(self, outdated: Sequence[str], files: Sequence[ParsedFile]) -> None:
        """Drop all rows of the paths `outdated`, then add the rows of `files`.

        Not atomic, and needs not be: readers look at the versions that the manifest names.
        """
        with self._mapped("writing to"):
            for name, rows in _rows_of(files).items():
                table = self._table(name)
                for start in range(0, len(outdated), _PATHS_A_DELETE):
                    table.delete(_path_in(outdated[start : start + _PATHS_A_DELETE]))
                if rows:
                    table.add(pa.Table.from_pylist(rows, schema=_SCHEMAS[name]))

    def versions(self) -> dict[str, int]:
        """Return the current version of each table of files."""
        with self._mapped("reading"):
            return {name: int(self._table(name).version) for name in FILE_TABLES}

    def census(self) -> dict[str, Counter[tuple[str, str]]]:
        """Return for each table of files how many rows each (path, hash) has."""
        counted = {}
        with self._mapped("reading"):
            for name in FILE_TABLES:
                columns = self._table(name).search().select(["path", "hash"]).to_arrow()
                pairs = zip(*(columns[key].to_pylist() for key in ("path", "hash")), strict=True)
                counted[name] = Counter(pairs)
        return counted

    def read(
        self,
        versions: Mapping[str, int],
        hashes: Mapping[str, str],
        *,
        only: Sequence[str] | None = None,
    ) -> Rows:
        """Return the rows whose (path, hash) is in `hashes`, of the paths in `only` if given."""
        with self._mapped("reading"):
            tables = {name: self._rows(name, versions, hashes, only) for name in FILE_TABLES}
            chunks = tables["chunks"]
            rows = Rows(
                chunks=_objects(Chunk, chunks),
                text_hashes=chunks["text_hash"].to_pylist(),
                tokens=_token_block(chunks["tokens"]),
                symbols=_objects(Symbol, tables["symbols"]),
                imports={
                    row["path"]: tuple(Import(*fields) for fields in json.loads(row["imports"]))
                    for row in tables["files"].select(["path", "imports"]).to_pylist()
                },
            )
        if only is None:
            del chunks, tables
            pa.default_memory_pool().release_unused()  # a third of the process, after a big read
        return rows

    # Vectors

    def vector_keys(self, encoder: str) -> set[str]:
        """Return the text hashes that have a vector of this encoder."""
        name = _vector_table(encoder)
        if name not in self._names:
            return set()
        with self._mapped("reading"):
            keys = self._db.open_table(name).search().select(["key"]).to_arrow()["key"]
            return set(keys.to_pylist())

    def add_vectors(
        self, encoder: str, keys: Sequence[str], vectors: npt.NDArray[np.float32]
    ) -> None:
        """Keep `(len(keys), dimensions)` float32 vectors."""
        dimensions = vectors.shape[1]
        column = pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel()), dimensions
        )
        rows = pa.table({"key": pa.array(keys, pa.string()), "vector": column})
        name = _vector_table(encoder)
        with self._mapped("writing to"):
            if name in self._names:
                self._db.open_table(name).add(rows)
            else:
                self._db.create_table(name, rows)
                self._names.add(name)

    def vectors(
        self, encoder: str, keys: Sequence[str] | None = None
    ) -> tuple[list[str], npt.NDArray[np.float32]]:
        """Return keys and `(len, dimensions)` float32 vectors: all, or those of `keys`."""
        name = _vector_table(encoder)
        if name not in self._names:
            self._names = set(self._db.list_tables(limit=1000).tables)
        if name not in self._names:
            return [], np.zeros((0, 0), dtype=np.float32)
        with self._mapped("reading"):
            query = self._db.open_table(name).search()
            if keys is not None:
                query = query.where(_in("key", keys)).limit(len(keys) * 2)
            rows = query.to_arrow().combine_chunks()
            column = rows["vector"]
            dimensions = column.type.list_size
            flat = [np.asarray(chunk.flatten()) for chunk in column.chunks]
            matrix = np.concatenate(flat) if flat else np.zeros(0, dtype=np.float32)
            return rows["key"].to_pylist(), matrix.reshape(-1, dimensions)

    # Care

    def ensure_indexes(self) -> None:
        """Create the missing indexes of tables that have rows (on an empty one they cover none)."""
        with self._mapped("writing to"):
            for name, wanted in _INDEXES.items():
                table = self._table(name)
                if not table.count_rows():
                    continue
                present = {index.columns[0] for index in table.list_indices()}
                for column, kind in wanted.items():
                    if column not in present:
                        table.create_index(column, config=kind)

    def indexes(self) -> dict[str, dict[str, tuple[str, int]]]:
        """Return table -> column -> (kind of index, rows that it does not cover yet)."""
        with self._mapped("reading"):
            return {
                name: {
                    index.columns[0]: (index.index_type, index.num_unindexed_rows or 0)
                    for index in self._table(name).list_indices()
                }
                for name in FILE_TABLES
            }

    def optimize(self) -> None:
        """Compact, bring the indexes up to date, drop versions that no reader can be loading.

        The caller holds the write lock, so a file that no version names is a dead writer's.
        """
        with self._mapped("writing to"):
            for name in sorted(self._names):
                table = self._table(name)
                table.optimize(cleanup_older_than=_KEEP_VERSIONS, delete_unverified=True)

    def disk_bytes(self) -> int:
        """Return the size of all files of the store."""
        files = (path for path in self._folder.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)

    def _table(self, name: str) -> Any:  # noqa: ANN401 - lancedb publishes no types
        if name not in self._writable:
            self._writable[name] = (
                self._db.open_table(name)
                if name in self._names
                else self._db.create_table(name, schema=_SCHEMAS[name], exist_ok=True)
            )
            self._names.add(name)
        return self._writable[name]

    def _rows(
        self,
        name: str,
        versions: Mapping[str, int],
        hashes: Mapping[str, str],
        only: Sequence[str] | None,
    ) -> Any:  # noqa: ANN401 - an Arrow table
        table = self._db.open_table(name)
        if name in versions:
            table.checkout(versions[name])
        if only is None:
            rows = table.to_arrow()
        elif not only:
            rows = _SCHEMAS[name].empty_table()
        else:
            rows = table.search().where(_path_in(only)).to_arrow()
        pairs = zip(rows["path"].to_pylist(), rows["hash"].to_pylist(), strict=True)
        rows = rows.filter(
            pa.array([hashes.get(path) == hash_ for path, hash_ in pairs], pa.bool_())
        )
        return rows.sort_by([("path", "ascending"), ("ordinal", "ascending")])

    @contextmanager
    def _mapped(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError, KeyError, NotImplementedError) as error:
            raise self._translated(doing, error) from error
        except BaseException as error:
            # A panic inside Lance on bytes that make no sense arrives as a BaseException.
            if type(error).__name__ != "PanicException":
                raise
            raise self._translated(doing, error) from error

    def _translated(self, doing: str, error: BaseException) -> IndexDamaged | StoreFull:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        first_line = _RUST_PLACE.sub("", first_line)[:200]
        if isinstance(error, PermissionError) or _NO_SPACE.search(str(error)):
            return StoreFull(
                f"{doing} the index in {str(self._folder)!r} failed: {first_line}; free some space "
                "or check the folder's permissions, then run again: what was indexed before is kept"
            )
        root = self._folder.parent.parent
        return IndexDamaged(
            f"{doing} the index in {str(self._folder)!r} failed: {first_line}; "
            f"run `homespun index {root}`, which rebuilds it"
        )


def text_hash(chunk: Chunk) -> str:
    """Return the key of a chunk's vector: moves and branch switches do not change it."""
    return hashlib.sha256(embedding_text(chunk).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def embedding_text(chunk: Chunk) -> str:
    """Return what an encoder reads of a chunk."""
    return f"{chunk.symbol}\n{chunk.text}" if chunk.symbol else chunk.text


def _rows_of(files: Sequence[ParsedFile]) -> dict[str, list[dict[str, object]]]:
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in FILE_TABLES}
    for file in files:
        key = {"path": file.path, "hash": file.content_hash, "language": file.language}
        words = path_words(file.path)
        for ordinal, chunk in enumerate(file.chunks):
            tokens = " ".join([*split_identifiers(chunk.text), *words])
            extra = {"ordinal": ordinal, "text_hash": text_hash(chunk), "tokens": tokens}
            rows["chunks"].append(asdict(chunk) | key | extra)
        for ordinal, symbol in enumerate(file.symbols):
            rows["symbols"].append(asdict(symbol) | key | {"ordinal": ordinal})
        imports = [[item.module, item.name, item.alias, item.line] for item in file.imports]
        calls = [[call.name, call.line] for call in file.calls]
        facts = {"ordinal": 0, "imports": json.dumps(imports), "calls": json.dumps(calls)}
        rows["files"].append(key | facts)
    return rows


def _objects(kind: type[Any], rows: Any) -> list[Any]:  # noqa: ANN401 - an Arrow table
    """Return a dataclass instance a row, its fields taken from the columns of the same names."""
    columns = [rows[name].to_pylist() for name in kind.__dataclass_fields__]
    return [kind(*values) for values in zip(*columns, strict=True)]


def _token_block(column: Any) -> TokenBlock:  # noqa: ANN401 - an Arrow column
    lists = pc.split_pattern(column, " ").combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    encoded = lists.flatten().dictionary_encode()
    return TokenBlock(
        terms=encoded.dictionary.to_pylist(),
        ids=np.asarray(encoded.indices, dtype=np.int32),
        offsets=np.concatenate([[0], np.cumsum(np.asarray(pc.list_value_length(lists)))]).astype(
            np.int64
        ),
    )


def _vector_table(encoder: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", encoder)
    return f"vectors.{slug}.{CHUNKER_VERSION}"


def _path_in(paths: Sequence[str]) -> str:
    return _in("path", paths)


def _in(column: str, values: Sequence[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"
