"""Locks between processes: a file that is held, never one that somebody else has put there."""

from __future__ import annotations

import errno
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


def lock_file(path: Path) -> FileLock:
    """Return the lock that a file stands for, not yet taken; the file is its owner's alone.

    Raises `OSError` where a link, a folder or a pipe stands there: the lock would open it.
    """
    from filelock import FileLock  # late: not everything that imports this room takes locks

    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return FileLock(str(path), mode=0o600)
