"""Follow changes of files and keep the index up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from watchfiles import Change
from watchfiles import watch as watch_files

from homespun.errors import FolderRefused, HomespunError
from homespun.indexer.errors import IndexerError, NotADirectory
from homespun.indexer.index import Index
from homespun.indexer.scan.skip import TOOL_FOLDERS
from homespun.indexer.types import IndexReport
from homespun.models.errors import RemoteError

DEBOUNCE_MS = 200  # editors and git write in bursts

_MANY = 500  # changed paths; from here on a walk costs less than looking at each
_RETRY_MS = 1000  # after trouble (another writer, a full disk) the same paths are tried again
_RULES = frozenset({".gitignore", ".homespunignore", "homespun.toml"})  # say which files count


def watch(
    index: Index,
    *,
    stop: threading.Event,
    on_update: Callable[[IndexReport], None],
    on_trouble: Callable[[HomespunError], None],
    debounce_ms: int = DEBOUNCE_MS,
) -> None:
    """Update the index after each burst of changes until `stop` is set.

    Trouble is told once and the update tried again: what has changed meanwhile is not forgotten.
    Vectors follow each update where the index has an encoder; those that a server does not answer
    wait for the next change. Raises `NotADirectory` when the
    folder itself is gone.
    """
    pending: set[str] = set()
    look_at_all = True  # once, as what changed before the watcher listened has no event
    for changes in watch_files(
        index.root,
        watch_filter=lambda change, path: _is_ours(index.root, path),
        debounce=debounce_ms,
        rust_timeout=_RETRY_MS,
        yield_on_timeout=True,
        stop_event=stop,
    ):
        if not index.root.is_dir():
            raise NotADirectory(f"{str(index.root)!r} is gone; nothing is left to watch")
        pending |= _relative(index.root, changes)
        if not pending and not look_at_all:
            continue
        try:
            paths = None if look_at_all else _to_look_at(index.root, pending)
            report = index.update(paths=paths)
            report.embedded = _embedded(index, on_trouble)
        except NotADirectory:
            raise
        except (IndexerError, FolderRefused) as error:
            on_trouble(error)
            continue
        pending.clear()
        look_at_all = False
        if report.added or report.changed or report.removed:
            on_update(report)


def _embedded(index: Index, on_trouble: Callable[[HomespunError], None]) -> int:
    try:
        return index.embed()
    except RemoteError as error:
        on_trouble(error)
        return 0


def _is_ours(root: Path, path: str) -> bool:
    try:
        parts = Path(path).relative_to(root).parts
    except ValueError:
        return False
    return not any(part in TOOL_FOLDERS for part in parts)


def _relative(root: Path, changes: Iterable[tuple[Change, str]]) -> set[str]:
    return {Path(path).relative_to(root).as_posix() for _, path in changes} - {"."}


def _to_look_at(root: Path, pending: set[str]) -> list[str] | None:
    """Return the files to look at; None = all, where single files do not tell the whole story."""
    if len(pending) > _MANY:
        return None
    for path in pending:
        # A folder that came or went brings or takes files that have no event of their own.
        if PurePosixPath(path).name in _RULES or not (root / path).is_file():
            return None
    return sorted(pending)
