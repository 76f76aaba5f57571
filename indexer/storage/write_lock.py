"""One writer at a time. The holder leaves a note beside the lock so that a loser can name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from homespun.indexer.errors import IndexLocked, StoreFull
from homespun.locks import holder_of, leave_note, lock_file
from homespun.storage import check_plain


@contextmanager
def write_lock(folder: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the write lock of an index folder; the system frees it when the process dies.

    Raises `IndexLocked` naming the holder after `wait_seconds` (0 = do not wait), `FolderRefused`
    where the folder is a link or another user's, and `StoreFull`.
    """
    try:
        check_plain(folder)
        lock = lock_file(folder / "lock")
        lock.acquire(timeout=wait_seconds, poll_interval=0.05)
    except Timeout as error:
        raise IndexLocked(_sentence(folder, wait_seconds)) from error
    except OSError as error:
        raise StoreFull(
            f"cannot lock the index in {str(folder)!r}: {error.strerror or error}; "
            "check the folder's permissions and the space left"
        ) from error
    try:
        _leave_note(folder)
        yield
    finally:
        lock.release()


def _leave_note(folder: Path) -> None:
    try:
        leave_note(folder)
    except OSError as error:
        raise StoreFull(
            f"cannot write to the index in {str(folder)!r}: {error.strerror or error}; "
            "free some space or check the folder's permissions, then run again"
        ) from error


def _sentence(folder: Path, wait_seconds: float) -> str:
    return (
        f"the index in {str(folder)!r} is being written by {holder_of(folder)}; "
        f"waited {wait_seconds:g} s: try again when it is done, or wait longer with --wait"
    )
