"""One writer at a time. The holder leaves a note beside the lock so that a loser can name it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import Timeout

from homespun.indexer.errors import IndexLocked, StoreFull
from homespun.locks import lock_file
from homespun.parsing import read_json
from homespun.storage import check_plain, write_private

_NOTE = "lock.json"  # not in the lock file itself: on Windows a locked file cannot be read
_NOTE_BYTES = 10_000


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
    note = {
        "pid": os.getpid(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    try:
        write_private(folder / _NOTE, json.dumps(note))
    except OSError as error:
        raise StoreFull(
            f"cannot write to the index in {str(folder)!r}: {error.strerror or error}; "
            "free some space or check the folder's permissions, then run again"
        ) from error


def _sentence(folder: Path, wait_seconds: float) -> str:
    try:
        note = read_json(folder / _NOTE, max_bytes=_NOTE_BYTES)
        since = datetime.fromisoformat(note["since"]).isoformat(timespec="seconds")
        holder = f"process {int(note['pid'])} ({note['command']!r}, since {since})"
    except (OSError, ValueError, KeyError, TypeError):
        holder = "another process"  # the note is a courtesy; the lock itself is what counts
    return (
        f"the index in {str(folder)!r} is being written by {holder}; waited {wait_seconds:g} s: "
        "try again when it is done, or wait longer with --wait"
    )
