"""The folder of a workspace's adapters: who may change it, and who is reading one of them.

Whoever changes anything there holds its lock. Whoever reads an adapter for longer, to merge or to
write it elsewhere, holds a mark of his own beside it, a locked file that the system frees when he
dies; so that nobody deletes what another process is loading.
"""

from __future__ import annotations

import logging
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import Timeout

from homespun.errors import FolderRefused
from homespun.locks import lock_file
from homespun.models.adapters.aliases import ALIASES
from homespun.models.errors import AdapterBusy, AdapterDamaged
from homespun.storage import check_plain, make_private_folder, workspace_folder

logger = logging.getLogger(__name__)

BUILDING = ".building-"
REMOVED = ".removed-"
_READING = ".reading-"
_LOCK_SECONDS = 30.0


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of adapters, which is made where it is missing.

    Raises `AdapterBusy`, and `FolderRefused` where a write would follow a link.
    """
    _make(folder)
    lock = lock_file(folder / "lock")
    try:
        lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.05)
    except Timeout as error:
        raise AdapterBusy(
            f"the adapters in {str(folder)!r} are being changed by another process; "
            f"waited {_LOCK_SECONDS:g} s: try again when it is done"
        ) from error
    try:
        _clear_leftovers(folder)
        yield
    finally:
        lock.release()


@contextmanager
def reading(directory: Path) -> Iterator[None]:
    """Keep an adapter from being removed while it is read.

    Where nothing can be written it is read all the same: nobody removes anything there either.
    Raises `AdapterDamaged` where it was removed a moment before.
    """
    with ExitStack() as held:
        try:
            with changing(directory.parent):
                if not directory.is_dir():
                    raise AdapterDamaged(
                        f"adapter {directory.name!r} was removed a moment ago; "
                        "`homespun adapters list` shows what there is"
                    )
                held.enter_context(_marked(directory))
        except (AdapterBusy, OSError) as error:
            logger.info("adapter %s is read without a mark: %s", directory.name, error)
        yield


def is_being_read(directory: Path) -> bool:
    """Tell whether a process reads an adapter; the folder's lock is held. Clears dead marks."""
    name = re.compile(rf"{re.escape(_READING + directory.name)}-[0-9a-f]{{16}}\.lock")
    return any(
        [_is_held(path) for path in list(directory.parent.iterdir()) if name.fullmatch(path.name)]
    )


@contextmanager
def _marked(directory: Path) -> Iterator[None]:
    path = directory.with_name(f"{_READING}{directory.name}-{secrets.token_hex(8)}.lock")
    try:
        with lock_file(path).acquire(timeout=0):
            yield
    finally:
        path.unlink(missing_ok=True)


def _is_held(mark: Path) -> bool:
    try:
        with lock_file(mark).acquire(timeout=0):
            pass
    except (Timeout, OSError) as error:
        logger.info("%s is held: %s", mark, error)
        return True
    mark.unlink(missing_ok=True)
    return False


def _make(folder: Path) -> None:
    """Make the folder; raises `FolderRefused` where a write would follow a link."""
    workspace = folder.parents[1]
    make_private_folder(workspace)
    workspace_folder(workspace)
    make_private_folder(folder)
    check_plain(folder)
    if (folder / "lock").is_symlink():
        raise FolderRefused(
            f"{str(folder / 'lock')!r} is a link, so nothing is written there; delete it"
        )


def _clear_leftovers(folder: Path) -> None:
    """Remove what a killed process was building or removing."""
    for entry in folder.iterdir():
        if entry.name.startswith((BUILDING, REMOVED)):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.startswith(f".{ALIASES}."):
            entry.unlink(missing_ok=True)
