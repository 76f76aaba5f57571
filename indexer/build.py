"""The pipeline: files -> parse -> store -> manifest, batch by batch, only what has changed.

The caller holds the write lock. Every batch ends with a manifest, so a killed run goes on where it
was; whatever it left half done is swept by the next one (`_opened`).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexLocked, IndexMissing, StoreFull
from homespun.indexer.scan import walk
from homespun.indexer.scan.walk import FileScan, FoundFile
from homespun.indexer.storage import manifest
from homespun.indexer.storage.lance import Store
from homespun.indexer.storage.manifest import Files, FileStamp, Manifest
from homespun.indexer.storage.rows import Rows, concatenated
from homespun.indexer.storage.write_lock import write_lock
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.syntax.parser_process import LARGE_BYTES, ParserProcess
from homespun.indexer.types import IndexReport, ParsedFile, Skipped
from homespun.progress import Progress
from homespun.storage import workspace_folder

logger = logging.getLogger(__name__)

_BATCH_FILES = 200  # a commit costs tens of milliseconds whatever its size
_OPTIMIZE_AFTER_VERSIONS = 40  # of a table, two a save, before it is worth compacting
_CHUNKS_A_VERSION = 200  # compacting costs what the index holds, so a large one waits longer
_RACY_NS = 2_000_000_000  # a file this young may still change within the same time stamp
_EXAMPLES = 5  # paths kept for each reason


@dataclass(slots=True)
class _Batch:
    """What one commit changes."""

    parsed: list[ParsedFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # paths whose rows go
    stamps: dict[str, FileStamp] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a run has brought about."""

    report: IndexReport
    manifest: Manifest  # as it stands on the disk
    rows: Rows  # of every file that was parsed, as they went into the store


def update(
    root: Path,
    config: IndexConfig,
    store: Store,
    *,
    known: Manifest | None,
    only: Sequence[str] | None,
    progress: Progress,
    cancelled: Callable[[], bool],
    parser: ParserProcess | None = None,
) -> BuildResult:
    """Bring the index of `root` up to date, or only what it says of the paths `only`.

    `known` is the manifest if it is at hand as it stands on the disk; a `parser` is left running.
    """
    began = time.monotonic()
    report = IndexReport()
    before = current = _opened(root, config, store, report, known)
    wanted = frozenset(only) if only is not None else None
    scan = _scanned(root, config, current, wanted)
    if _is_brought_along(current, scan):
        reason = "git tracks its files, so any commit may have changed them"
        before = current = _emptied(root, store, report, reason)
    files = current.files
    candidates = [file for file in scan.files if wanted is not None or _may_differ(file, files)]
    gone = _vanished(scan, files, wanted)
    written = []
    progress.start("indexing", len(candidates), "files")
    is_save = wanted is not None and len(candidates) == 1
    lent = nullcontext(parser) if parser else ParserProcess(LARGE_BYTES if is_save else 0)
    for batch in _batches(root, config, candidates, gone, files, lent, progress, cancelled):
        current, rows = _committed(root, config, store, current, batch)
        written.append(rows)
    progress.finish()
    if cancelled():
        report.notes.append("stopped before the end; the next run goes on from here")
    _fill(report, scan, before, current, wanted)
    report.seconds = time.monotonic() - began
    return BuildResult(report, current, written[0] if len(written) == 1 else concatenated(written))


def folder_of(root: Path) -> Path:
    """Return the folder of an index, whether it exists or not."""
    return root / manifest.FOLDER


def begin(root: Path) -> None:
    """Make an index's folder, which keeps itself out of git, and an empty manifest if need be.

    Raises `StoreFull`, and `FolderRefused` where the folder is a link or another user's.
    """
    folder = folder_of(root)
    try:
        workspace_folder(root)
    except OSError as error:
        raise StoreFull(
            f"cannot write the index to {str(folder)!r}: {error.strerror or error}; "
            "free some space or check the folder's permissions"
        ) from error
    try:
        if manifest.identity(folder) is None:
            with write_lock(folder, wait_seconds=0):
                if manifest.identity(folder) is None:
                    manifest.save(folder, Manifest())
    except IndexLocked:
        return  # another process is about to make it


# --- before: a manifest that can be trusted


def _opened(
    root: Path, config: IndexConfig, store: Store, report: IndexReport, known: Manifest | None
) -> Manifest:
    """Return a manifest that agrees with the store: repaired, or empty after a rebuild."""
    folder = folder_of(root)
    try:
        current = known or manifest.load(folder)
    except IndexMissing:
        manifest.sweep(folder, Manifest())
        store.wipe()
        return Manifest(store=store.name)
    except IndexDamaged as damaged:
        return _emptied(root, store, report, str(damaged))
    if known is None:
        manifest.sweep(folder, current)
        store.sweep(keep=current.store)
    if not current.store:
        return replace(current, store=store.name)  # begun and never filled
    reason = manifest.stale(current, config)
    try:
        store.follow(current.store)
        store.catch_up(fully=known is None)
        if reason:
            report.notes.append(f"the index was rebuilt: the settings have changed ({reason})")
            manifest.remove(folder)
            store.forget_files()
            return Manifest(encoder=current.encoder, store=current.store)
        if store.versions() == current.tables:
            return current
        return _repaired(root, store, current, report)
    except IndexDamaged as damaged:
        return _emptied(root, store, report, str(damaged))


def _emptied(root: Path, store: Store, report: IndexReport, reason: str) -> Manifest:
    report.notes.append(f"the index was rebuilt: {reason.split(': run `homespun')[0]}")
    manifest.remove(folder_of(root))
    store.wipe()
    return Manifest(store=store.name)


def _repaired(root: Path, store: Store, current: Manifest, report: IndexReport) -> Manifest:
    """Forget what the store and the manifest do not agree on: a writer died between the two."""
    indexed = current.indexed
    expected = {
        "chunks": {(path, s.hash): s.chunks for path, s in indexed.items() if s.chunks},
        "symbols": {(path, s.hash): s.symbols for path, s in indexed.items() if s.symbols},
        "files": {(path, s.hash): 1 for path, s in indexed.items()},
    }
    odd: set[str] = set()
    for name, counted in store.census().items():
        odd.update(path for (path, _), _ in counted.items() ^ expected[name].items())
    if odd:
        store.replace(sorted(odd), [])
        report.notes.append(f"an interrupted run was repaired ({len(odd)} files)")
    current = replace(current.changed({}, odd), tables=store.versions())
    return manifest.save(folder_of(root), current)


def _is_brought_along(current: Manifest, scan: FileScan) -> bool:
    """Tell whether git knows the files that the manifest names: they are the repository's then."""
    stamps = f"{manifest.FOLDER}/{current.stamps}".casefold()
    store = f"{manifest.FOLDER}/{current.store}/".casefold()
    tracked = [path.casefold() for path in scan.tracked_state]
    return bool(current.store) and any(path == stamps or path.startswith(store) for path in tracked)


# --- which files


def _scanned(
    root: Path, config: IndexConfig, current: Manifest, wanted: frozenset[str] | None
) -> FileScan:
    """Walk; or look at single files, if the index knows them all (ignore rules need a walk)."""
    if wanted is None:
        return walk.walk(root, config)
    scan = FileScan()
    for path in sorted(wanted):
        found = walk.judge(root, path, config)
        if isinstance(found, FoundFile) and path not in current.files:
            scan = walk.walk(root, config)
            scan.files = [file for file in scan.files if file.path in wanted]
            break
        if isinstance(found, FoundFile):
            scan.files.append(found)
        elif found is not None:
            scan.skip(path, found.reason)
    return scan


def _may_differ(file: FoundFile, known: Files) -> bool:
    stamp = known.get(file.path)
    return stamp is None or (stamp.size, stamp.mtime_ns) != (file.size, file.mtime_ns)


def _vanished(scan: FileScan, known: Files, wanted: frozenset[str] | None) -> list[str]:
    present = {file.path for file in scan.files}
    looked_at = known if wanted is None else wanted
    return sorted(path for path in looked_at if path not in present and path in known)


# --- the work, batch by batch


def _batches(
    root: Path,
    config: IndexConfig,
    candidates: Sequence[FoundFile],
    gone: list[str],
    known: Files,
    lent: AbstractContextManager[ParserProcess],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Iterator[_Batch]:
    batch = _Batch(gone=gone)
    with lent as parser:
        for done, file in enumerate(candidates, start=1):
            if cancelled():
                break
            _take(root, config, parser, file, known.get(file.path), batch)
            progress.advance(1)
            if done % _BATCH_FILES == 0:
                yield batch
                batch = _Batch()
    if batch.gone or batch.stamps:
        yield batch


def _take(
    root: Path,
    config: IndexConfig,
    parser: ParserProcess,
    file: FoundFile,
    stamp: FileStamp | None,
    batch: _Batch,
) -> None:
    """Read one file; parse it if its content is new."""
    source = walk.read(root, file.path, config)
    if isinstance(source, Skipped):
        _leave_out(batch, file, stamp, FileStamp("", file.size, 0, skipped=source.reason))
        return
    digest = hashlib.sha256(source).hexdigest()
    mtime_ns = file.mtime_ns if time.time_ns() - file.mtime_ns > _RACY_NS else 0
    if stamp is not None and stamp.hash == digest:
        if mtime_ns != stamp.mtime_ns or file.size != stamp.size:
            batch.stamps[file.path] = replace(stamp, size=file.size, mtime_ns=mtime_ns)
        return
    parsed = _parsed(file.path, source, config, parser)
    if isinstance(parsed, Skipped):
        skipped = FileStamp(digest, file.size, mtime_ns, skipped=parsed.reason)
        _leave_out(batch, file, stamp, skipped)
        return
    batch.parsed.append(parsed)
    batch.stamps[file.path] = FileStamp(
        hash=parsed.content_hash,
        size=file.size,
        mtime_ns=mtime_ns,
        language=parsed.language,
        chunks=len(parsed.chunks),
        symbols=len(parsed.symbols),
        partial=parsed.partial,
    )


def _parsed(
    path: str, source: bytes, config: IndexConfig, parser: ParserProcess
) -> ParsedFile | Skipped:
    """Parse one file. Whatever a parser of foreign text may raise costs that file only."""
    try:
        if len(source) >= parser.smallest_bytes:
            return parser.parse(path, source, config)
        return parse_file(path, source, config)
    except Exception as error:
        logger.warning("%r cannot be parsed and is skipped: %s", path, error, exc_info=error)
        return Skipped("unparsable")


def _leave_out(batch: _Batch, file: FoundFile, old: FileStamp | None, new: FileStamp) -> None:
    if old == new:
        return
    if old is not None and not old.skipped:
        batch.gone.append(file.path)
    batch.stamps[file.path] = new


def _committed(
    root: Path, config: IndexConfig, store: Store, current: Manifest, batch: _Batch
) -> tuple[Manifest, Rows]:
    """Rows first, then the manifest that names them."""
    outdated = [*batch.gone, *(file.path for file in batch.parsed)]
    outdated = [path for path in outdated if _has_rows(current, path)]
    rows = store.replace(outdated, batch.parsed) if batch.parsed or outdated else concatenated([])
    gone = [path for path in batch.gone if path not in batch.stamps]
    current = replace(
        current.changed(batch.stamps, gone),
        chunk_chars=config.chunk_chars,
        tables=store.versions(),
    )
    return manifest.save(folder_of(root), current), rows


def _has_rows(current: Manifest, path: str) -> bool:
    stamp = current.files.get(path)
    return stamp is not None and not stamp.skipped


# --- after


def care(root: Path, store: Store, current: Manifest) -> Manifest:
    """Create missing indexes, compact on a schedule; return the manifest with the new versions.

    Nobody who searches waits for it, but it takes seconds and the write lock.
    """
    if not wants_care(current):
        return current
    store.ensure_indexes()
    if _versions_since(current) >= _most_versions(current):
        # The versions that the manifest on disk names are not swept away under its readers: they
        # are young, because a commit has just written them.
        store.optimize()
    tables = store.versions()
    current = replace(current, tables=tables, optimized=tables["chunks"])
    return manifest.save(folder_of(root), current)


def wants_care(current: Manifest) -> bool:
    """Tell whether `care` has anything to do."""
    if not current.totals.files:
        return False
    return not current.optimized or _versions_since(current) >= _most_versions(current)


def is_care_overdue(current: Manifest) -> bool:
    """Tell whether so much was written since the last `care` that it cannot wait any longer."""
    return bool(current.optimized) and _versions_since(current) >= 4 * _most_versions(current)


def _most_versions(current: Manifest) -> int:
    return max(_OPTIMIZE_AFTER_VERSIONS, current.totals.chunks // _CHUNKS_A_VERSION)


def _versions_since(current: Manifest) -> int:
    return current.tables["chunks"] - current.optimized


def _fill(
    report: IndexReport,
    scan: FileScan,
    before: Manifest,
    after: Manifest,
    wanted: frozenset[str] | None,
) -> None:
    """Count what has happened."""
    report.files = after.totals.files
    report.chunks = after.totals.chunks
    report.symbols = after.totals.symbols
    report.partial = after.totals.partial
    for path in after.files.differing(before.files):
        had, has = _has_rows(before, path), _has_rows(after, path)
        report.added += has and not had
        report.removed += had and not has
        report.changed += had and has and before.files[path].hash != after.files[path].hash
    report.unchanged = report.files - report.added - report.changed
    for path in after.files if wanted is None else sorted(wanted):
        stamp = after.files.get(path)
        if stamp is not None and stamp.skipped:
            scan.skip(path, stamp.skipped)
    report.skipped = dict(sorted(scan.skipped.items()))
    report.skipped_examples = {why: scan.examples[why][:_EXAMPLES] for why in report.skipped}
    report.notes.extend(scan.notes)
