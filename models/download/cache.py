"""The local cache of official files: where they are, which are verified, what is missing.

A file counts only if its sha256 is the pinned one. That verdict is remembered in `verified.json`
beside the file together with size and modification time, so that half a gigabyte is not hashed
at each start; a file that changed since is hashed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homespun import paths
from homespun.models.catalogue import CatalogueEntry, ModelFile
from homespun.models.errors import WrongHash
from homespun.progress import NoProgress, Progress
from homespun.storage import open_private, replace, write_private

_STAMP = "verified.json"
_BLOCK_BYTES = 1 << 20
_log = logging.getLogger(__name__)


def file_path(entry: CatalogueEntry, file: ModelFile) -> Path:
    """Return where an official file belongs."""
    return paths.source_dir(entry.name) / file.name


def partial_path(entry: CatalogueEntry, file: ModelFile) -> Path:
    """Return where an unfinished file grows; whatever the source, it is a prefix of the file."""
    return paths.source_dir(entry.name) / f"{file.name}.partial"


def is_here(entry: CatalogueEntry) -> bool:
    """Say, without hashing, whether all files exist in the pinned sizes."""
    return all(size_of(file_path(entry, file)) == file.bytes for file in entry.files)


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def check(entry: CatalogueEntry, file: ModelFile, progress: Progress | None = None) -> bool:
    """Return True for a verified file, False for a missing one. Raises WrongHash, file deleted."""
    path = file_path(entry, file)
    if not path.is_file():
        return False
    if not is_verified(entry, file):
        accept(path, file, source="the local cache", progress=progress)
        remember(path, file)
    return True


def is_verified(entry: CatalogueEntry, file: ModelFile) -> bool:
    """Say, without hashing, whether the file is as it was when its hash was checked."""
    path = file_path(entry, file)
    return path.is_file() and _marks(path.with_name(_STAMP)).get(file.name) == _mark(path, file)


def accept(path: Path, file: ModelFile, *, source: str, progress: Progress | None = None) -> None:
    """Hash `path`. Raises WrongHash, naming both hashes and the source, and deletes the file."""
    with stage(progress, f"verifying {file.name}", size_of(path), "B") as advance:
        found = sha256_of(path, advance)
    if found != file.sha256:
        path.unlink()
        raise WrongHash(
            f"{file.name} from {source} has sha256 {found}, but {file.sha256} is pinned; "
            "the file was deleted"
        )


def keep(entry: CatalogueEntry, file: ModelFile) -> None:
    """Give a verified `NAME.partial` its name; it is on the disk before it is remembered."""
    partial, path = partial_path(entry, file), file_path(entry, file)
    with open_private(partial, append=True) as stream:
        os.fsync(stream.fileno())
    replace(partial, path)
    remember(path, file)


def sha256_of(path: Path, advance: Callable[[int], None] = lambda _: None) -> str:
    """Return the file's sha256 in lower-case hex; `advance` hears of each block's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()


def remember(path: Path, file: ModelFile) -> None:
    """Write down that `path` has the pinned hash; a read-only cache is hashed each time."""
    stamp = path.with_name(_STAMP)
    marks = _marks(stamp) | {file.name: _mark(path, file)}
    try:
        write_private(stamp, json.dumps(marks, indent=1) + "\n")
    except OSError as error:
        _log.warning("cannot remember in %s that %s is verified: %s", stamp, file.name, error)


@contextmanager
def stage(
    progress: Progress | None, name: str, total: int, unit: str
) -> Iterator[Callable[[int], None]]:
    """Run one stage of `progress`, yielding its `advance`; the stage ends whatever happens."""
    listener = progress or NoProgress()
    listener.start(name, total, unit)
    try:
        yield listener.advance
    finally:
        listener.finish()


def _mark(path: Path, file: ModelFile) -> dict[str, object]:
    status = path.stat()
    return {"sha256": file.sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}


def _marks(stamp: Path) -> dict[str, Any]:
    """Return what the stamp says; a damaged one says nothing and costs one hashing."""
    try:
        marks = json.loads(stamp.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        _log.warning("ignoring the unreadable %s (%s); the files are hashed again", stamp, error)
        return {}
    return marks if isinstance(marks, dict) else {}
