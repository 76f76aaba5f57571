"""Writing to disk that may be full or closed to us: one sentence instead of an errno."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homespun.models.errors import StorageFull

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def megabytes(count_bytes: int) -> str:
    """Return a size for a sentence, e.g. "491 MB"."""
    return f"{count_bytes / 1e6:,.0f} MB" if count_bytes >= 1e6 else f"{count_bytes:,} bytes"


def require_space(folder: Path, need_bytes: int) -> None:
    """Raise StorageFull when the disk of `folder` has fewer than `need_bytes` free."""
    free = shutil.disk_usage(_existing(folder)).free
    if free < need_bytes:
        raise StorageFull(
            f"no space for {megabytes(need_bytes)} in {str(folder)!r} ({megabytes(free)} are "
            "free); free some, or set HOMESPUN_HOME to a directory on a larger disk"
        )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an OSError of the block into StorageFull; what is already written stays."""
    try:
        yield
    except OSError as error:
        raise storage_error(folder, error) from error


def storage_error(folder: Path, error: OSError) -> StorageFull:
    """Return the sentence for an OSError met while writing below `folder`."""
    if error.errno in _FULL:
        return StorageFull(
            f"no space left in {str(folder)!r}; free some, or set HOMESPUN_HOME to a directory "
            "on a larger disk, and run it again (what has arrived is kept)"
        )
    return StorageFull(
        f"cannot write in {str(folder)!r} ({error.strerror or error}); give yourself the "
        "permission, or set HOMESPUN_HOME to a directory of your own"
    )


def _existing(folder: Path) -> Path:
    return next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
