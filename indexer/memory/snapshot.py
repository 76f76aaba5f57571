"""The index in memory: what search reads. Immutable snapshots, swapped as a whole.

A snapshot has a few shards, each several times as large as the next. An update of a few files kills
their rows (a mask) and adds a small shard; neighbours that have come near each other in size are
joined. So an update costs what it changes, and a search asks few shards.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from homespun.indexer.memory.file_table import FileTable
from homespun.indexer.memory.vectors import Vectors
from homespun.indexer.storage.overlay import Layered
from homespun.indexer.storage.rows import Rows
from homespun.indexer.types import Call, Chunk, Import, Symbol
from homespun.indexer.words import bm25
from homespun.indexer.words.bm25 import Mask, Segment, TokenBlock

_Value = TypeVar("_Value")

_SHRINK = 8  # a shard has at least so many times the documents of the next


@dataclass(frozen=True, slots=True)
class Shard:
    """Some chunks with everything that ranking needs of them, all in the same order."""

    chunks: list[Chunk]
    text_hashes: list[str]
    words: Segment
    alive: Mask  # (documents,)
    languages: npt.NDArray[np.str_]  # (documents,)
    kinds: npt.NDArray[np.str_]  # (documents,)
    files: FileTable
    vectors: Vectors | None = None  # of each document, zeros where missing
    has_vector: Mask | None = None  # (documents,)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent state of the index. Document numbers count through the shards."""

    shards: tuple[Shard, ...] = ()
    # By path: imports, symbols, calls (JSON [[name, line], …], parsed when asked), live documents.
    imports: Layered[str, tuple[Import, ...]] = field(default_factory=Layered)
    symbols: Layered[str, tuple[Symbol, ...]] = field(default_factory=Layered)
    calls: Layered[str, str] = field(default_factory=Layered)
    documents: Layered[str, tuple[int, ...]] = field(default_factory=Layered)
    by_name: Layered[str, tuple[Symbol, ...]] = field(default_factory=Layered)  # case folded name

    @property
    def size(self) -> int:
        """Number of documents, dead ones included."""
        return sum(len(shard.chunks) for shard in self.shards)

    @property
    def alive(self) -> Mask:
        """`(size,)`: which documents count."""
        return np.concatenate([shard.alive for shard in self.shards] or [np.zeros(0, np.bool_)])

    @property
    def segments(self) -> list[tuple[Segment, Mask]]:
        """What `bm25.score` wants."""
        return [(shard.words, shard.alive) for shard in self.shards]

    def chunk(self, document: int) -> Chunk:
        """Return the chunk of a document number."""
        for shard in self.shards:
            if document < len(shard.chunks):
                return shard.chunks[document]
            document -= len(shard.chunks)
        raise IndexError(f"there is no document {document} behind the last")

    def calls_of(self, name: str) -> list[tuple[str, int]]:
        """Return (path, line) of each call of a name, sorted."""
        quoted = json.dumps(name)  # as it stands in the text; a first look that leaves few files
        return sorted(
            (path, line)
            for path, text in self.calls.items()
            if quoted in text
            for called, line in json.loads(text)
            if called == name
        )

    def calls_in(self, path: str) -> list[Call]:
        """Return the calls in a file, in order."""
        return [Call(name, line) for name, line in json.loads(self.calls.get(path, "[]"))]

    def definitions(self, name: str) -> list[Symbol]:
        """Return definitions of a name, or of a dotted tail of qualified names; exact case first.

        Only where no definition has the exact case do others count.
        """
        tail = name.replace("::", ".").replace("#", ".").strip(".")
        found = self.by_name.get(tail.rsplit(".", 1)[-1].casefold(), ())
        if "." in tail:
            found = tuple(s for s in found if _is_tail(tail.casefold(), s.qualified.casefold()))
        last = tail.rsplit(".", 1)[-1]
        exact = [symbol for symbol in found if symbol.name == last]
        return exact or list(found)


_NO_ROWS = Rows([], [], TokenBlock([], np.zeros(0, np.int32), np.zeros(1, np.int64)), [], {})


def empty() -> Snapshot:
    """Return the snapshot of an index without files."""
    return Snapshot((_shard(_NO_ROWS),))


def load(rows: Rows) -> Snapshot:
    """Return the snapshot of a whole index."""
    return updated(empty(), rows, gone=())


def updated(snapshot: Snapshot, rows: Rows, *, gone: Iterable[str]) -> Snapshot:
    """Return the snapshot with the paths `gone` out and `rows` in.

    A text of `gone` that comes again keeps its vector.
    """
    gone = set(gone)
    dying = [document for path in gone for document in snapshot.documents.get(path, ())]
    added = _filled(_shard(rows), *_held(_rows_by_shard(snapshot, dying)))
    shards = _joined([*_without(snapshot, dying), added])
    kept = _kept(snapshot.shards, shards)
    documents = snapshot.documents.changed({}, gone).changed(_documents(shards, kept))
    changed = replace(snapshot, shards=shards, documents=_settled(documents))
    return _with_tables(changed, rows, gone)


def missing_vectors(snapshot: Snapshot) -> set[str]:
    """Return the text hashes of live chunks that have no vector here."""
    missing: set[str] = set()
    for shard in snapshot.shards:
        lacking = shard.alive if shard.has_vector is None else shard.alive & ~shard.has_vector
        missing.update(shard.text_hashes[row] for row in np.flatnonzero(lacking))
    return missing


def missing_chunks(snapshot: Snapshot) -> dict[str, Chunk]:
    """Return text hash -> a live chunk, for those that have no vector here."""
    missing: dict[str, Chunk] = {}
    for shard in snapshot.shards:
        lacking = shard.alive if shard.has_vector is None else shard.alive & ~shard.has_vector
        for row in np.flatnonzero(lacking).tolist():
            missing[shard.text_hashes[row]] = shard.chunks[row]
    return missing


def with_vectors(snapshot: Snapshot, keys: Sequence[str], vectors: Vectors) -> Snapshot:
    """Return the snapshot with the vectors of these text hashes filled in."""
    return _with(snapshot, {key: row for row, key in enumerate(keys)}, vectors)


def with_own_vectors(snapshot: Snapshot, keys: Container[str]) -> Snapshot:
    """Return the snapshot with the vectors of these text hashes that another chunk here has."""
    by_shard = (
        (shard, [row for row, key in enumerate(shard.text_hashes) if key in keys])
        for shard in snapshot.shards
        if shard.vectors is not None
    )
    return _with(snapshot, *_held(by_shard))


def without_vectors(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as if nothing was embedded."""
    shards = (replace(shard, vectors=None, has_vector=None) for shard in snapshot.shards)
    return replace(snapshot, shards=tuple(shards))


def vectors_present(snapshot: Snapshot) -> int:
    """Return how many live chunks have a vector."""
    return sum(
        int((shard.alive & shard.has_vector).sum())
        for shard in snapshot.shards
        if shard.has_vector is not None
    )


def _shard(rows: Rows) -> Shard:
    return _new_shard(rows.chunks, rows.text_hashes, bm25.build(rows.tokens))


def _new_shard(chunks: list[Chunk], text_hashes: list[str], words: Segment) -> Shard:
    return Shard(
        chunks=chunks,
        text_hashes=text_hashes,
        words=words,
        alive=np.ones(len(chunks), dtype=np.bool_),
        languages=np.array([chunk.language for chunk in chunks], dtype=np.str_),
        kinds=np.array([chunk.kind for chunk in chunks], dtype=np.str_),
        files=FileTable(chunks, words.lengths),
    )


def _without(snapshot: Snapshot, dying: Sequence[int]) -> list[Shard]:
    """Return the shards with these documents dead."""
    shards = []
    for shard, rows in _rows_by_shard(snapshot, dying):
        if rows:
            alive = shard.alive.copy()
            alive[rows] = False
            shard = replace(shard, alive=alive)
        shards.append(shard)
    return shards


def _rows_by_shard(
    snapshot: Snapshot, documents: Sequence[int]
) -> Iterator[tuple[Shard, list[int]]]:
    """Yield every shard with its rows of these documents."""
    numbers = np.sort(np.array(documents, dtype=np.int64))
    start = 0
    for shard in snapshot.shards:
        end = start + len(shard.chunks)
        first, last = np.searchsorted(numbers, (start, end))
        yield shard, (numbers[first:last] - start).tolist()
        start = end


def _joined(shards: list[Shard]) -> tuple[Shard, ...]:
    """Join the last shards until each is several times as large as the next."""
    shards = list(shards)
    while len(shards) > 1 and _live(shards[-2]) < _SHRINK * _live(shards[-1]):
        shards[-2:] = [_join(shards[-2], shards[-1])]
    while len(shards) > 1 and not _live(shards[-1]):
        shards.pop()
    if 2 * _live(shards[0]) < len(shards[0].chunks):
        shards = [_join(*shards)]  # most of it is dead
    return tuple(shards)


def _live(shard: Shard) -> int:
    return int(shard.alive.sum())


def _kept(old: Sequence[Shard], new: Sequence[Shard]) -> int:
    """Return how many shards at the beginning still have their documents' numbers."""
    kept = 0
    for one, other in zip(old, new, strict=False):
        if one.chunks is not other.chunks:
            break
        kept += 1
    return kept


def _join(*shards: Shard) -> Shard:
    """Return one shard of the live chunks of all."""
    parts = [part for part in shards if part.alive.any()]
    if not parts:
        return _shard(_NO_ROWS)
    if len(parts) == 1 and parts[0].alive.all():
        return parts[0]
    rows = [(part, row) for part in parts for row in np.flatnonzero(part.alive).tolist()]
    words = bm25.join([(part.words, part.alive) for part in parts])
    joined = _new_shard(
        [part.chunks[row] for part, row in rows],
        [part.text_hashes[row] for part, row in rows],
        words,
    )
    width = next((part.vectors.dimensions for part in parts if part.vectors is not None), None)
    if width is None:
        return joined
    vectors, masks = [], []
    for part in parts:
        if part.vectors is None or part.has_vector is None:
            vectors.append(Vectors.zeros(int(part.alive.sum()), width))
            masks.append(np.zeros(int(part.alive.sum()), dtype=np.bool_))
        else:
            vectors.append(part.vectors.taken(part.alive))
            masks.append(part.has_vector[part.alive])
    return replace(joined, vectors=Vectors.joined(vectors), has_vector=np.concatenate(masks))


def _held(by_shard: Iterable[tuple[Shard, list[int]]]) -> tuple[dict[str, int], Vectors | None]:
    """Return the vectors that these rows have, and which text hash is where among them."""
    row_of: dict[str, int] = {}
    parts: list[Vectors] = []
    count = 0
    for shard, rows in by_shard:
        if shard.vectors is None or shard.has_vector is None:
            continue
        having = [row for row in rows if shard.has_vector[row]]
        keys = (shard.text_hashes[row] for row in having)
        row_of.update((key, row) for row, key in enumerate(keys, start=count))
        parts.append(shard.vectors.taken(having))
        count += len(having)
    return row_of, Vectors.joined(parts) if parts else None


def _with(snapshot: Snapshot, row_of: Mapping[str, int], vectors: Vectors | None) -> Snapshot:
    if vectors is None or not row_of:
        return snapshot
    shards = tuple(_filled(shard, row_of, vectors) for shard in snapshot.shards)
    return replace(snapshot, shards=shards)


def _filled(shard: Shard, row_of: Mapping[str, int], vectors: Vectors | None) -> Shard:
    if vectors is None or not row_of or not shard.chunks:
        return shard
    lacking = shard.alive if shard.has_vector is None else shard.alive & ~shard.has_vector
    hashes = shard.text_hashes
    targets = [row for row in np.flatnonzero(lacking).tolist() if hashes[row] in row_of]
    if not targets:
        return shard
    if shard.vectors is None or shard.has_vector is None:
        matrix = Vectors.zeros(len(shard.chunks), vectors.dimensions)
        mask = np.zeros(len(shard.chunks), dtype=np.bool_)
    else:
        # The matrix is shared with older snapshots: rows that they count as missing are never read.
        matrix, mask = shard.vectors, shard.has_vector.copy()
    matrix.put(targets, vectors.taken([row_of[hashes[row]] for row in targets]))
    mask[targets] = True
    return replace(shard, vectors=matrix, has_vector=mask)


def _with_tables(snapshot: Snapshot, rows: Rows, gone: set[str]) -> Snapshot:
    """Bring the tables by path and by name up to date with the shards."""
    outdated = {s.name.casefold() for path in gone for s in snapshot.symbols.get(path, ())}
    symbols: dict[str, list[Symbol]] = {path: [] for path in rows.imports}
    names: dict[str, list[Symbol]] = {name: [] for name in outdated}
    for symbol in rows.symbols:
        symbols.setdefault(symbol.path, []).append(symbol)
        names.setdefault(symbol.name.casefold(), []).append(symbol)
    by_name = {}
    for name, found in names.items():
        others = [s for s in snapshot.by_name.get(name, ()) if s.path not in gone]
        by_name[name] = tuple(sorted((*others, *found), key=lambda s: (s.path, s.start_line)))
    nameless = [name for name, found in by_name.items() if not found]
    for name in nameless:
        del by_name[name]
    imports = snapshot.imports.changed({}, gone).changed(rows.imports)
    by_path = {path: tuple(found) for path, found in symbols.items()}
    return replace(
        snapshot,
        imports=_settled(imports),
        symbols=_settled(snapshot.symbols.changed({}, gone).changed(by_path)),
        calls=_settled(snapshot.calls.changed({}, gone).changed(rows.calls)),
        by_name=_settled(snapshot.by_name.changed(by_name, nameless)),
    )


def _settled(layers: Layered[str, _Value]) -> Layered[str, _Value]:
    return layers.folded() if layers.wants_folding else layers


def _documents(shards: Sequence[Shard], first: int) -> dict[str, tuple[int, ...]]:
    """Return path -> live documents of the shards from number `first` on."""
    documents: dict[str, list[int]] = {}
    start = sum(len(shard.chunks) for shard in shards[:first])
    for shard in shards[first:]:
        for row in np.flatnonzero(shard.alive).tolist():
            documents.setdefault(shard.chunks[row].path, []).append(start + row)
        start += len(shard.chunks)
    return {path: tuple(found) for path, found in documents.items()}


def _is_tail(tail: str, qualified: str) -> bool:
    return qualified == tail or qualified.endswith("." + tail)
