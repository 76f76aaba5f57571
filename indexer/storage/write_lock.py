"""One writer at a time. The holder leaves a note beside the lock so that a loser can name it.

A reader takes no lock, so it may meet an index that is half taken away or half made. What it finds
damaged or missing is that only where nobody writes: `read_beside_writers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import Timeout

from homespun.indexer.errors import IndexDamaged, IndexLocked, IndexMissing, StoreFull
from homespun.locks import holder_of, leave_note, lock_file
from homespun.storage import check_plain

_LOCK = "lock"
_READ_AGAIN_SECONDS = 1.0  # a long rebuild can be read once its first files are in the store

Found = TypeVar("Found")


@contextmanager
def write_lock(folder: Path, *, wait_seconds: float) -> Iterator[None]:
    """Hold the write lock of an index folder; the system frees it when the process dies.

    Raises `IndexLocked` naming the holder after `wait_seconds` (0 = do not wait), `FolderRefused`
    where the folder is a link or another user's, and `StoreFull`.
    """
    try:
        check_plain(folder)
        lock = lock_file(folder / _LOCK)
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


def read_beside_writers(folder: Path, read: Callable[[], Found], *, wait_seconds: float) -> Found:
    """Return what `read` does, without a lock; where it fails beside a writer, what it does later.

    Raises `IndexDamaged` and `IndexMissing` of `read` where they are true, which is known under the
    lock, and `IndexLocked` where it still fails and another process still writes after
    `wait_seconds`.
    """
    waited = 0.0
    while True:
        try:
            return read()
        except (IndexDamaged, IndexMissing) as trouble:
            if not (folder / _LOCK).exists():
                raise  # nobody has ever written here
            pause = min(_READ_AGAIN_SECONDS, wait_seconds - waited)
            try:
                with write_lock(folder, wait_seconds=pause):
                    return read()
            except StoreFull as closed:  # closed to us, so nobody of ours writes there
                raise trouble from closed
            except IndexLocked as locked:
                waited += pause
                if waited >= wait_seconds:
                    raise IndexLocked(_reader_sentence(folder, wait_seconds)) from locked


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


def _reader_sentence(folder: Path, wait_seconds: float) -> str:
    return (
        f"the index in {str(folder)!r} cannot be read yet: it is being written by "
        f"{holder_of(folder)}; waited {wait_seconds:g} s: try again when it is done"
    )
