"""Where packs lie: a folder, or a bucket (`buckets.py`); four verbs, one of them conditional.

    ROOT/acme/auth/current             which pack is offered
    ROOT/acme/auth/SHA256.parquet      packs, never changed

A folder is trusted no more than a bucket: nothing in it is followed where it is a link, waited for
where it is a pipe, or read beyond its bound.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from homespun.errors import in_words
from homespun.indexer.errors import PackRefused, PointerMoved
from homespun.indexer.packs.names import folder_path, scheme_of
from homespun.indexer.packs.sharing.objects import Listed, Stored
from homespun.locks import lock_file
from homespun.storage import (
    is_junction,
    make_shared_folder,
    read_bounded,
    shared_draft,
)

_LOCK = ".lock"
_LOCK_SECONDS = 30.0
_MAX_SWAPPED_BYTES = 1_000_000
_SHARED = 0o666  # less what the umask takes: others publish there, too


class PackStore(Protocol):
    """What is asked of a place. All raise `PackRefused` where it does not answer as it should."""

    where: str  # for sentences

    def read(self, key: str, *, max_bytes: int, unless: str = "") -> Stored | None:
        """Return an object; None while it is still the one with the mark `unless`.

        Raises `FileNotFoundError` where there is none.
        """

    def put(self, key: str, data: bytes) -> None:
        """Write an object under a name that its bytes alone have."""

    def swap(self, key: str, data: bytes, *, expected: str) -> str:
        """Write an object if it still has the mark `expected` ("": if there is none).

        Returns its new mark. Raises `PointerMoved`.
        """

    def listed(self, folder: str) -> list[Listed]:
        """Return the objects right below a folder."""

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone is no error."""


def open_store(root: str) -> PackStore:
    """Open the place at an address. Raises `PackRefused`."""
    scheme = scheme_of(root)
    if scheme == "file":
        return FolderStore(Path(folder_path(root)).expanduser())
    from homespun.indexer.packs.sharing.buckets import BucketStore

    return BucketStore(root)


def check_conditions(store: PackStore, repo: str) -> None:
    """Raise `PackRefused` where a store takes a conditional write whose condition does not hold.

    Two publishers would overwrite each other there. Tried with an object of our own.
    """
    key = f"{repo}/probe-{secrets.token_hex(8)}"
    try:
        etag = store.swap(key, b"first\n", expected="")
        for wrong in ("", _other(etag)):
            try:
                store.swap(key, b"second\n", expected=wrong)
            except PointerMoved:
                continue
            raise PackRefused(
                f"{store.where} does not keep to conditions of a write, so two publishers could "
                "overwrite each other; nothing is published: take a place that knows If-Match"
            )
    except PointerMoved as error:
        raise PackRefused(f"{store.where} refuses a new object; nothing is published") from error
    finally:
        store.delete(key)


def _other(etag: str) -> str:
    """Return a mark of the same form that is not this one."""
    place = max(n for n, character in enumerate(etag) if character.isalnum())
    return etag[:place] + ("1" if etag[place] == "0" else "0") + etag[place + 1 :]


class FolderStore:
    """A folder, shared as folders are."""

    def __init__(self, root: Path) -> None:
        """Take a folder that is there. Raises `PackRefused`."""
        self.where = repr(str(root))
        if not root.is_dir():
            raise PackRefused(
                f"{self.where} is no folder, so no packs are there; mount it, or make it first"
            )
        self._root = root.resolve()

    def read(self, key: str, *, max_bytes: int, unless: str = "") -> Stored | None:
        """Return an object, as `PackStore` says."""
        path = self._path(key)
        with self._asked():
            try:
                data = read_bounded(path, max_bytes=max_bytes)
            except ValueError as error:
                raise PackRefused(f"{str(path)!r} is refused: {error}") from error
        etag = hashlib.sha256(data).hexdigest()
        return None if etag == unless else Stored(data, etag)

    def put(self, key: str, data: bytes) -> None:
        """Write an object, as `PackStore` says."""
        path = self._path(key)
        with self._asked():
            self._make_folders(path.parent)
            with shared_draft(path) as stream:
                stream.write(data)

    def swap(self, key: str, data: bytes, *, expected: str) -> str:
        """Write an object if nobody else has, as `PackStore` says."""
        from filelock import Timeout

        path = self._path(key)
        with self._asked():
            self._make_folders(path.parent)
            lock = lock_file(path.with_name(_LOCK), mode=_SHARED)
            try:
                with lock.acquire(timeout=_LOCK_SECONDS):
                    if _mark(path) != expected:
                        raise PointerMoved(f"{str(path)!r} was changed by somebody else")
                    with shared_draft(path) as stream:
                        stream.write(data)
            except Timeout:
                raise PackRefused(
                    f"somebody has published to {str(path.parent)!r} for {_LOCK_SECONDS:.0f} "
                    "seconds; try again"
                ) from None
        return hashlib.sha256(data).hexdigest()

    def listed(self, folder: str) -> list[Listed]:
        """Return the plain files of a folder."""
        with self._asked():
            try:
                with os.scandir(self._path(f"{folder}/any").parent) as entries:
                    return [
                        Listed(entry.name, entry.stat(follow_symlinks=False).st_mtime)
                        for entry in entries
                        if entry.is_file(follow_symlinks=False)
                    ]
            except FileNotFoundError:
                return []

    def delete(self, key: str) -> None:
        """Delete a file; of a link the link itself."""
        with self._asked(), suppress(FileNotFoundError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        """Return where an object lies. Raises `PackRefused` where a folder on the way is a link."""
        path = self._root
        *folders, name = key.split("/")
        for folder in folders:
            path = path / folder
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(path.lstat().st_mode) or is_junction(path):
                    raise PackRefused(
                        f"{str(path)!r} is a link or no folder, and nothing there is followed; "
                        "delete it, and have the repository published again"
                    )
        return path / name

    def _make_folders(self, folder: Path) -> None:
        path = self._root
        for part in folder.relative_to(self._root).parts:
            path = path / part
            make_shared_folder(path)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Turn an OSError of the block into a sentence; what is not there stays that."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise PackRefused(f"{self.where} does not answer: {in_words(error)}") from error


def _mark(path: Path) -> str:
    """Return what a file is known by, "" where there is none; a link that stands there is none."""
    try:
        return hashlib.sha256(read_bounded(path, max_bytes=_MAX_SWAPPED_BYTES)).hexdigest()
    except (FileNotFoundError, ValueError):
        return ""
    except OSError:
        if path.is_symlink():
            return ""
        raise
