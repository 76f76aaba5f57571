"""Locks between processes: a file that is held, never one that somebody else has put there.

The holder may leave a note beside it, so that whoever has to wait can name him.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.parsing import read_json
from homespun.storage import write_private

if TYPE_CHECKING:
    from filelock import FileLock


NOTE = "lock.json"  # not in the lock file itself: on Windows a locked file cannot be read
_NOTE_BYTES = 10_000
_COMMAND_CHARS = 200


def lock_file(path: Path, *, mode: int = 0o600) -> FileLock:
    """Return the lock that a file stands for, not yet taken; the file is its owner's alone.

    `mode` lets others take it, too, in a folder that is shared.

    Raises `OSError` where a link, a folder or a pipe stands there: the lock would open it.
    """
    from filelock import FileLock  # late: not everything that imports this room takes locks

    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return FileLock(str(path), mode=mode)


def leave_note(folder: Path) -> None:
    """Write into the lock's folder who holds it: this process. Raises `OSError`."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    note = {
        "pid": os.getpid(),
        "command": command[:_COMMAND_CHARS],
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    write_private(folder / NOTE, json.dumps(note))


def holder_of(folder: Path) -> str:
    """Return who holds the lock in a folder, for a sentence: "process 12 ('…', since …)"."""
    try:
        note = read_json(folder / NOTE, max_bytes=_NOTE_BYTES)
        since = datetime.fromisoformat(note["since"]).isoformat(timespec="seconds")
        return f"process {int(note['pid'])} ({note['command']!r}, since {since})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"  # the note is a courtesy; the lock itself is what counts
