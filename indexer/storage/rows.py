"""EDGE pyarrow: what the parser found <-> the columns of the tables; no file is touched here.

Three tables hold rows of files, every row with its file's content hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from homespun.indexer.types import Chunk, Import, ParsedFile, Symbol
from homespun.indexer.words.bm25 import TokenBlock
from homespun.indexer.words.tokens import searched_words

FILE_TABLES = ("chunks", "symbols", "files")

_KEY = [("path", pa.string()), ("hash", pa.string()), ("language", pa.string())]
SCHEMAS = {
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
            ("tokens", pa.string()),  # the words of tokens.searched_words, joined by spaces
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
# Columns with few different values: one Python string for each value, not for each row.
_SHARED = frozenset({"path", "language", "kind", "symbol"})

Table = Any  # an Arrow table; pyarrow publishes no types
Tables = dict[str, Table]


@dataclass(frozen=True, slots=True)
class Rows:
    """What the store holds of some files; chunks in order of path and place."""

    chunks: list[Chunk]
    text_hashes: list[str]  # of each chunk, the key of its vector
    tokens: TokenBlock  # of each chunk
    symbols: list[Symbol]
    imports: dict[str, tuple[Import, ...]]
    calls: dict[str, str] = field(default_factory=dict)  # path -> JSON [[name, line], …], unread


def text_hash(chunk: Chunk) -> str:
    """Return the key of a chunk's vector: moves and branch switches do not change it."""
    return hashlib.sha256(embedding_text(chunk).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def embedding_text(chunk: Chunk) -> str:
    """Return what an encoder reads of a chunk."""
    return f"{chunk.symbol}\n{chunk.text}" if chunk.symbol else chunk.text


def tables_of(files: Sequence[ParsedFile]) -> Tables:
    """Return the rows of some files (in order of path), a table each."""
    return {
        "chunks": _chunk_table(files),
        "symbols": _symbol_table(files),
        "files": _file_table(files),
    }


def rows_of(files: Sequence[ParsedFile], tables: Tables) -> Rows:
    """Return what reading `tables_of(files)` back would give, without reading."""
    return Rows(
        chunks=[chunk for file in files for chunk in file.chunks],
        text_hashes=tables["chunks"]["text_hash"].to_pylist(),
        tokens=token_block(tables["chunks"]["tokens"]),
        symbols=[symbol for file in files for symbol in file.symbols],
        imports={file.path: file.imports for file in files},
        calls=_by_path(tables["files"], "calls"),
    )


def read_rows(tables: Tables) -> Rows:
    """Return the contents of three tables."""
    chunks = _in_order(tables["chunks"])
    imports = _by_path(_in_order(tables["files"]), "imports")
    return Rows(
        chunks=_objects(Chunk, chunks),
        text_hashes=chunks["text_hash"].to_pylist(),
        tokens=token_block(chunks["tokens"]),
        symbols=_objects(Symbol, _in_order(tables["symbols"])),
        imports={
            path: tuple(Import(*values) for values in json.loads(text)) if text != "[]" else ()
            for path, text in imports.items()
        },
        calls=_by_path(tables["files"], "calls"),
    )


def concatenated(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several batches, one after the other."""
    return Rows(
        chunks=[chunk for part in parts for chunk in part.chunks],
        text_hashes=[key for part in parts for key in part.text_hashes],
        tokens=_concatenated_blocks([part.tokens for part in parts]),
        symbols=[symbol for part in parts for symbol in part.symbols],
        imports={path: found for part in parts for path, found in part.imports.items()},
        calls={path: text for part in parts for path, text in part.calls.items()},
    )


def _concatenated_blocks(blocks: Sequence[TokenBlock]) -> TokenBlock:
    vocabulary: dict[str, int] = {}
    ids = [np.zeros(0, np.int32)]
    offsets, end = [np.zeros(1, np.int64)], 0
    for block in blocks:
        terms = [vocabulary.setdefault(term, len(vocabulary)) for term in block.terms]
        ids.append(np.array(terms, np.int32)[block.ids])
        offsets.append(block.offsets[1:] + end)  # none where no file of the batch has a chunk
        end += len(block.ids)
    return TokenBlock(list(vocabulary), np.concatenate(ids), np.concatenate(offsets))


def only_current(table: Table, hashes: Mapping[str, str]) -> Table:
    """Return the rows whose path has this content hash."""
    if not len(table):
        return table
    current = pa.table(
        {"path": pa.array(list(hashes), pa.string()), "hash": pa.array(list(hashes.values()))}
    )
    of_path = pc.index_in(table["path"], value_set=current["path"])
    wanted = pc.take(current["hash"], of_path)
    return table.filter(pc.fill_null(pc.equal(table["hash"], wanted), False))


def token_block(column: Table) -> TokenBlock:
    """Return the words of a column of texts of words, which spaces part."""
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


def _chunk_table(files: Sequence[ParsedFile]) -> Table:
    chunks = [chunk for file in files for chunk in file.chunks]
    tokens = [" ".join(words) for file in files for words in searched_words(file)]
    return _table(
        "chunks",
        _key([(file, len(file.chunks)) for file in files])
        | {
            "start_line": [chunk.start_line for chunk in chunks],
            "end_line": [chunk.end_line for chunk in chunks],
            "symbol": [chunk.symbol for chunk in chunks],
            "kind": [chunk.kind for chunk in chunks],
            "header": [chunk.header for chunk in chunks],
            "text": [chunk.text for chunk in chunks],
            "text_hash": [text_hash(chunk) for chunk in chunks],
            "tokens": tokens,
        },
    )


def _symbol_table(files: Sequence[ParsedFile]) -> Table:
    symbols = [symbol for file in files for symbol in file.symbols]
    return _table(
        "symbols",
        _key([(file, len(file.symbols)) for file in files])
        | {
            "name": [symbol.name for symbol in symbols],
            "qualified": [symbol.qualified for symbol in symbols],
            "kind": [symbol.kind for symbol in symbols],
            "start_line": [symbol.start_line for symbol in symbols],
            "end_line": [symbol.end_line for symbol in symbols],
            "signature": [symbol.signature for symbol in symbols],
            "doc": [symbol.doc for symbol in symbols],
        },
    )


def _file_table(files: Sequence[ParsedFile]) -> Table:
    imports = [[[i.module, i.name, i.alias, i.line] for i in file.imports] for file in files]
    calls = [[[call.name, call.line] for call in file.calls] for file in files]
    return _table(
        "files",
        _key([(file, 1) for file in files])
        | {
            "imports": [json.dumps(found) for found in imports],
            "calls": [json.dumps(found) for found in calls],
        },
    )


def _key(counted: Sequence[tuple[ParsedFile, int]]) -> dict[str, list[Any]]:
    """Return the columns that all tables have, for so many rows of each file."""
    return {
        "path": [path for file, count in counted for path in [file.path] * count],
        "hash": [value for file, count in counted for value in [file.content_hash] * count],
        "language": [value for file, count in counted for value in [file.language] * count],
        "ordinal": [number for _, count in counted for number in range(count)],
    }


def _table(name: str, columns: dict[str, list[Any]]) -> Table:
    return pa.table(columns, schema=SCHEMAS[name])


def _in_order(table: Table) -> Table:
    return table.sort_by([("path", "ascending"), ("ordinal", "ascending")])


def _by_path(table: Table, column: str) -> dict[str, str]:
    return dict(zip(table["path"].to_pylist(), table[column].to_pylist(), strict=True))


def _objects(kind: type[Any], rows: Table) -> list[Any]:
    """Return a dataclass instance a row, its fields taken from the columns of the same names."""
    columns = [_values(rows[name], shared=name in _SHARED) for name in kind.__dataclass_fields__]
    return [kind(*values) for values in zip(*columns, strict=True)]


def _values(column: Table, *, shared: bool) -> list[Any]:
    if not shared or not len(column):
        values: list[Any] = column.to_pylist()
        return values
    encoded = column.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    return [names[number] for number in np.asarray(encoded.indices).tolist()]
