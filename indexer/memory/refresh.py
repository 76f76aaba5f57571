"""From the state in memory to the one that a manifest names, by what differs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from homespun.indexer.errors import IndexDamaged
from homespun.indexer.memory import snapshot
from homespun.indexer.memory.snapshot import Snapshot
from homespun.indexer.memory.vectors import Vectors
from homespun.indexer.storage.lance import Store
from homespun.indexer.storage.manifest import EncoderStamp, FileStamp, Manifest
from homespun.indexer.storage.rows import Rows
from homespun.models.types import Encoder

_RELOAD_ALL_ABOVE = 500  # changed files; from here on one big read is faster than many small ones


@dataclass(frozen=True, slots=True)
class IndexState:
    """A manifest and the snapshot of what it names."""

    manifest: Manifest
    snapshot: Snapshot
    # (importing path, module, name) -> file; as long as no file comes or goes
    resolved: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    # "", or why the vectors that the store has beside these could not be read
    unread_vectors: str = ""


def followed(
    state: IndexState,
    current: Manifest,
    store: Store,
    *,
    at_hand: Rows | None = None,
) -> IndexState:
    """Return the state that `current` names; rows are read only if `at_hand` are not those wanted.

    Vectors come along in memory; what the store has besides, `with_kept_vectors` reads.

    Raises `IndexDamaged` where the store does not hold what the manifest promises.
    """
    if not current.totals.files:
        return IndexState(current, snapshot.empty())
    if state.manifest.chunk_chars != current.chunk_chars:
        state = IndexState(Manifest(), snapshot.empty())
    changed, gone = _difference(state.manifest, current)
    after = state.snapshot
    if changed or gone:
        after = _changed(state, current, store, changed, gone, at_hand)
    _check("chunks", sum(int(shard.alive.sum()) for shard in after.shards), current.totals.chunks)
    same_files = not gone and all(path in state.snapshot.imports for path in changed)
    return IndexState(current, after, state.resolved if same_files else {})


def with_kept_vectors(state: IndexState, store: Store, encoder: Encoder | None) -> IndexState:
    """Fill in the vectors of this encoder that the store has; none of another.

    Which it has is asked by keys alone, so a vector that is in memory is never read again. Vectors
    that cannot be read take nothing from the words: another process may be making their table.
    """
    stamp = state.manifest.encoder
    if encoder is None or stamp is None:
        return state
    if stamp.name != encoder.name:
        return replace(state, snapshot=snapshot.without_vectors(state.snapshot))
    after = state.snapshot
    missing = snapshot.missing_vectors(after)
    if missing and snapshot.vectors_present(after):
        after = snapshot.with_own_vectors(after, missing)
        missing = snapshot.missing_vectors(after)
    if missing:
        only = missing if snapshot.vectors_present(after) else None
        try:
            after = snapshot.with_vectors(after, *_read(store, stamp, only))
        except IndexDamaged as damaged:
            return replace(state, snapshot=after, unread_vectors=str(damaged))
    return state if after is state.snapshot else replace(state, snapshot=after)


def _check(what: str, found: int, named: int) -> None:
    if found != named:
        raise IndexDamaged(
            f"the index names {named} {what} but {found} can be read; run `homespun index`, "
            "which rebuilds it"
        )


def _difference(old: Manifest, new: Manifest) -> tuple[dict[str, str], list[str]]:
    """Return (path -> hash of what is new or changed, paths that are not indexed any more)."""
    changed: dict[str, str] = {}
    gone = []
    for path in new.files.differing(old.files):
        before, after = _hash(old.files.get(path)), _hash(new.files.get(path))
        if after and after != before:
            changed[path] = after
        elif before and not after:
            gone.append(path)
    return changed, gone


def _hash(stamp: FileStamp | None) -> str:
    return "" if stamp is None or stamp.skipped else stamp.hash


def _changed(
    state: IndexState,
    current: Manifest,
    store: Store,
    changed: dict[str, str],
    gone: list[str],
    at_hand: Rows | None,
) -> Snapshot:
    if at_hand is not None and at_hand.imports.keys() == changed.keys():
        return snapshot.updated(state.snapshot, at_hand, gone=[*changed, *gone])
    if not state.manifest.totals.files or len(changed) > _most_single(current):
        hashes = {path: stamp.hash for path, stamp in current.indexed.items()}
        rows = store.read(current.tables, hashes)
        _check("symbols", len(rows.symbols), current.totals.symbols)
        _check("files", len(rows.imports), current.totals.files)
        return snapshot.load(rows)
    rows = store.read(current.tables, changed, only=list(changed))
    return snapshot.updated(state.snapshot, rows, gone=[*changed, *gone])


def _most_single(current: Manifest) -> int:
    return max(_RELOAD_ALL_ABOVE, current.totals.files // 3)


def _read(
    store: Store, stamp: EncoderStamp, only: Collection[str] | None
) -> tuple[list[str], Vectors]:
    """Return keys and vectors, rounded batch by batch: as float32 they take twice as much."""
    keys: list[str] = []
    parts = [Vectors.zeros(0, stamp.dimensions)]
    for some, matrix in store.vectors(stamp.name, only):
        keys += some
        parts.append(Vectors.of(matrix))
    return keys, Vectors.joined(parts)
