"""From the state in memory to the one that a manifest names, by what differs."""

from __future__ import annotations

from dataclasses import dataclass, field

from homespun.indexer.errors import IndexDamaged
from homespun.indexer.memory import snapshot as mirror
from homespun.indexer.memory.snapshot import Mirror
from homespun.indexer.storage.lance import Store
from homespun.indexer.storage.manifest import FileStamp, Manifest
from homespun.indexer.storage.rows import Rows
from homespun.models.types import Encoder

_RELOAD_ALL_ABOVE = 500  # changed files; from here on one big read is faster than many small ones


@dataclass(frozen=True, slots=True)
class State:
    """A manifest and the mirror of what it names."""

    manifest: Manifest
    mirror: Mirror
    # (importing path, module, name) -> file; as long as no file comes or goes
    resolved: dict[tuple[str, str, str], str | None] = field(default_factory=dict)


def followed(
    state: State,
    current: Manifest,
    store: Store,
    encoder: Encoder | None,
    *,
    at_hand: Rows | None = None,
) -> State:
    """Return the state that `current` names; rows are read only if `at_hand` are not those wanted.

    Raises `IndexDamaged` where the store does not hold what the manifest promises.
    """
    if not current.totals.files:
        return State(current, mirror.empty())
    if state.manifest.chunk_chars != current.chunk_chars:
        state = State(Manifest(), mirror.empty())
    changed, gone = _difference(state.manifest, current)
    after = state.mirror
    if changed or gone:
        after = _changed(state, current, store, changed, gone, at_hand)
    _check("chunks", sum(int(shard.alive.sum()) for shard in after.shards), current.totals.chunks)
    same_files = not gone and all(path in state.mirror.imports for path in changed)
    return State(
        current,
        _with_vectors(after, current, store, encoder),
        state.resolved if same_files else {},
    )


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
    state: State,
    current: Manifest,
    store: Store,
    changed: dict[str, str],
    gone: list[str],
    at_hand: Rows | None,
) -> Mirror:
    if at_hand is not None and at_hand.imports.keys() == changed.keys():
        return mirror.updated(state.mirror, at_hand, gone=[*changed, *gone])
    if not state.manifest.totals.files or len(changed) > _most_single(current):
        hashes = {path: stamp.hash for path, stamp in current.indexed.items()}
        rows = store.read(current.tables, hashes)
        _check("symbols", len(rows.symbols), current.totals.symbols)
        _check("files", len(rows.imports), current.totals.files)
        return mirror.load(rows)
    rows = store.read(current.tables, changed, only=list(changed))
    return mirror.updated(state.mirror, rows, gone=[*changed, *gone])


def _most_single(current: Manifest) -> int:
    return max(_RELOAD_ALL_ABOVE, current.totals.files // 3)


def _with_vectors(
    after: Mirror, current: Manifest, store: Store, encoder: Encoder | None
) -> Mirror:
    """Fill in the vectors that the store has of this encoder; none of another."""
    if encoder is None or current.encoder is None:
        return after
    if current.encoder.name != encoder.name:
        return mirror.without_vectors(after)
    missing = mirror.missing_vectors(after)
    if not missing:
        return after
    few = sorted(missing) if len(missing) <= _RELOAD_ALL_ABOVE else None
    keys, vectors = store.vectors(encoder.name, few)
    return mirror.with_vectors(after, keys, vectors)
