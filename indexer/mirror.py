"""The index in memory: what search reads. Immutable snapshots, swapped as a whole.

A mirror has a big base shard and a small delta shard. An update of a few files kills their rows in
the base (a mask) and builds a new delta; when the delta has grown, both are joined into a new base.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from homespun.indexer import bm25
from homespun.indexer.bm25 import Mask, Segment, TokenBlock
from homespun.indexer.store import Rows
from homespun.indexer.types import Chunk, Import, Symbol

_JOIN_ABOVE = 500  # chunks in the delta; below it a join is not worth its time
_JOIN_SHARE = 0.125  # of the base

Vectors = npt.NDArray[np.float32]  # (documents, dimensions), unit-norm rows, zeros where missing


@dataclass(frozen=True, slots=True)
class Shard:
    """Some chunks with everything that ranking needs of them, all in the same order."""

    chunks: list[Chunk]
    text_hashes: list[str]
    words: Segment
    alive: Mask  # (documents,)
    languages: npt.NDArray[np.str_]  # (documents,)
    kinds: npt.NDArray[np.str_]  # (documents,)
    vectors: Vectors | None = None
    has_vector: Mask | None = None  # (documents,)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One consistent state of the index. Document numbers count through base, then delta."""

    base: Shard
    delta: Shard
    imports: dict[str, tuple[Import, ...]] = field(default_factory=dict)  # path -> its imports
    symbols: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)  # path -> its symbols
    by_name: dict[str, tuple[Symbol, ...]] = field(default_factory=dict)  # case folded name
    documents: dict[str, tuple[int, ...]] = field(default_factory=dict)  # path -> live documents

    @property
    def shards(self) -> tuple[Shard, Shard]:
        """Base and delta."""
        return self.base, self.delta

    @property
    def size(self) -> int:
        """Number of documents, dead ones included."""
        return len(self.base.chunks) + len(self.delta.chunks)

    @property
    def alive(self) -> Mask:
        """`(size,)`: which documents count."""
        return np.concatenate([self.base.alive, self.delta.alive])

    @property
    def segments(self) -> list[tuple[Segment, Mask]]:
        """What `bm25.score` wants."""
        return [(shard.words, shard.alive) for shard in self.shards if shard.chunks]

    def chunk(self, document: int) -> Chunk:
        """Return the chunk of a document number."""
        split = len(self.base.chunks)
        if document < split:
            return self.base.chunks[document]
        return self.delta.chunks[document - split]

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


_NO_WORDS = TokenBlock([], np.zeros(0, np.int32), np.zeros(1, np.int64))


def empty() -> Mirror:
    """Return the mirror of an index without files."""
    return Mirror(_no_shard(), _no_shard())


def load(rows: Rows) -> Mirror:
    """Return the mirror of a whole index."""
    base = _shard(rows)
    return _with_tables(Mirror(base, _no_shard(), documents=_documents(base)), rows, gone=())


def updated(mirror: Mirror, rows: Rows, *, gone: Iterable[str]) -> Mirror:
    """Return the mirror with the paths `gone` out and `rows` in."""
    gone = set(gone)
    base = _without(mirror.base, gone)
    old_delta = _without(mirror.delta, gone)
    delta = _join(old_delta, _shard(rows)) if old_delta.chunks else _shard(rows)
    if len(delta.chunks) > max(_JOIN_ABOVE, _JOIN_SHARE * len(base.chunks)):
        base, delta = _join(base, delta), _no_shard()
        documents = _documents(base)
    else:
        # A file lies in one shard only, so what the delta has of it is all there is.
        documents = {path: d for path, d in mirror.documents.items() if path not in gone}
        documents |= _documents(delta, start=len(base.chunks))
    changed = replace(mirror, base=base, delta=delta, documents=documents)
    return _with_tables(changed, rows, gone=gone)


def missing_vectors(mirror: Mirror) -> set[str]:
    """Return the text hashes of live chunks that have no vector here."""
    missing: set[str] = set()
    for shard in mirror.shards:
        lacking = shard.alive if shard.has_vector is None else shard.alive & ~shard.has_vector
        missing.update(shard.text_hashes[row] for row in np.flatnonzero(lacking))
    return missing


def with_vectors(mirror: Mirror, keys: Sequence[str], vectors: Vectors) -> Mirror:
    """Return the mirror with the vectors of these text hashes filled in."""
    if not keys:
        return mirror
    row_of = {key: row for row, key in enumerate(keys)}
    base, delta = (_filled(shard, row_of, vectors) for shard in mirror.shards)
    return replace(mirror, base=base, delta=delta)


def without_vectors(mirror: Mirror) -> Mirror:
    """Return the mirror as if nothing was embedded."""
    base, delta = (replace(shard, vectors=None, has_vector=None) for shard in mirror.shards)
    return replace(mirror, base=base, delta=delta)


def vectors_present(mirror: Mirror) -> int:
    """Return how many live chunks have a vector."""
    return sum(
        int((shard.alive & shard.has_vector).sum())
        for shard in mirror.shards
        if shard.has_vector is not None
    )


def _no_shard() -> Shard:
    return _new_shard([], [], bm25.build(_NO_WORDS))


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
    )


def _without(shard: Shard, gone: set[str]) -> Shard:
    dying = [
        row for row, chunk in enumerate(shard.chunks) if chunk.path in gone and shard.alive[row]
    ]
    if not dying:
        return shard
    alive = shard.alive.copy()
    alive[dying] = False
    return replace(shard, alive=alive)


def _join(first: Shard, second: Shard) -> Shard:
    """Return one shard of the live chunks of both."""
    parts = [part for part in (first, second) if part.chunks]
    rows = [(part, int(row)) for part in parts for row in np.flatnonzero(part.alive)]
    words = bm25.join([(part.words, part.alive) for part in parts])
    joined = _new_shard(
        [part.chunks[row] for part, row in rows],
        [part.text_hashes[row] for part, row in rows],
        words,
    )
    with_vectors = [part for part in parts if part.vectors is not None]
    if not with_vectors:
        return joined
    width = with_vectors[0].vectors.shape[1]  # type: ignore[union-attr]
    matrices, masks = [], []
    for part in parts:
        if part.vectors is None or part.has_vector is None:
            matrices.append(np.zeros((int(part.alive.sum()), width), dtype=np.float32))
            masks.append(np.zeros(int(part.alive.sum()), dtype=np.bool_))
        else:
            matrices.append(part.vectors[part.alive])
            masks.append(part.has_vector[part.alive])
    return replace(joined, vectors=np.concatenate(matrices), has_vector=np.concatenate(masks))


def _filled(shard: Shard, row_of: Mapping[str, int], vectors: Vectors) -> Shard:
    if not shard.chunks:
        return shard
    targets = [row for row, key in enumerate(shard.text_hashes) if key in row_of]
    if not targets:
        return shard
    if shard.vectors is None or shard.has_vector is None:
        matrix = np.zeros((len(shard.chunks), vectors.shape[1]), dtype=np.float32)
        mask = np.zeros(len(shard.chunks), dtype=np.bool_)
    else:
        # The matrix is shared with older snapshots: rows that they count as missing are never read.
        matrix, mask = shard.vectors, shard.has_vector.copy()
    new = [row for row in targets if not mask[row]]
    matrix[new] = vectors[[row_of[shard.text_hashes[row]] for row in new]]
    mask[new] = True
    return replace(shard, vectors=matrix, has_vector=mask)


def _with_tables(mirror: Mirror, rows: Rows, *, gone: Iterable[str]) -> Mirror:
    """Bring the tables by path and by name up to date with the shards."""
    imports, symbols, by_name = dict(mirror.imports), dict(mirror.symbols), dict(mirror.by_name)
    touched: set[str] = set()
    gone = set(gone)
    for path in gone:
        imports.pop(path, None)
        touched.update(symbol.name.casefold() for symbol in symbols.pop(path, ()))
    for name in touched:
        by_name[name] = tuple(s for s in by_name.get(name, ()) if s.path not in gone)
    imports.update(rows.imports)
    new_symbols: dict[str, list[Symbol]] = {path: [] for path in rows.imports}
    new_names: dict[str, list[Symbol]] = {}
    for symbol in rows.symbols:
        new_symbols.setdefault(symbol.path, []).append(symbol)
        new_names.setdefault(symbol.name.casefold(), []).append(symbol)
    symbols.update((path, tuple(found)) for path, found in new_symbols.items())
    for name, found in new_names.items():
        by_name[name] = tuple(
            sorted((*by_name.get(name, ()), *found), key=lambda s: (s.path, s.start_line))
        )
    for name in touched:
        if not by_name[name]:
            del by_name[name]
    return replace(
        mirror,
        imports=imports,
        symbols=symbols,
        by_name=by_name,
    )


def _documents(shard: Shard, *, start: int = 0) -> dict[str, tuple[int, ...]]:
    """Return path -> live documents of a shard whose first document has the number `start`."""
    documents: dict[str, list[int]] = {}
    for row in np.flatnonzero(shard.alive).tolist():
        documents.setdefault(shard.chunks[row].path, []).append(start + row)
    return {path: tuple(found) for path, found in documents.items()}


def _is_tail(tail: str, qualified: str) -> bool:
    return qualified == tail or qualified.endswith("." + tail)
