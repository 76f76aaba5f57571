"""The floor of everything that touches the disk: one writer, one bounded reader, one `.homespun`.

What stands in an opened folder is a stranger's: a link there must lead no write outside, a pipe
must not block a read, a file must not be larger than was thought. And a disk may be full or closed
to us: one sentence instead of an errno.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from homespun.errors import FolderRefused, StorageFull
from homespun.paths import WORKSPACE_FOLDER

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows knows no quota error
_CLOSED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EFBIG,  # beyond the limit for a file of this process
}
_BLOCK_BYTES = 1 << 20
_RENAMES = 10  # on Windows a reader that has the old file open is in the way
_RENAME_PAUSE_SECONDS = 0.02
_CACHE_TAG = (  # https://bford.info/cachedir/
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# What homespun knows about this folder. It can be deleted: `homespun index` makes it again.\n"
)


def workspace_folder(root: Path) -> Path:
    """Return `root/.homespun`, made where it is missing: private, ignored by git, a plain folder.

    Cheap enough to ask before every write. Raises `FolderRefused` where it is a link, no folder,
    or another user's, and `OSError`.
    """
    folder = root / WORKSPACE_FOLDER
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    check_plain(folder)
    if os.name == "posix" and stat.S_IMODE(folder.lstat().st_mode) & 0o077:
        folder.chmod(0o700)
    for name, content in ((".gitignore", "*\n"), ("CACHEDIR.TAG", _CACHE_TAG)):
        if not _says(folder / name, content):
            write_private(folder / name, content)
    return folder


def check_plain(folder: Path) -> None:
    """Raise `FolderRefused` unless a `.homespun` is a real folder of this user's.

    Raises `OSError` where there is none.
    """
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode) or is_junction(folder):
        raise _refused(folder, "is a link")
    if not stat.S_ISDIR(status.st_mode):
        raise _refused(folder, "is no folder")
    if os.name == "posix" and status.st_uid != os.geteuid():
        raise _refused(folder, f"belongs to another user (number {status.st_uid})")


def check_workspace_folder(root: Path) -> None:
    """Raise `FolderRefused` where `root/.homespun` is there and no plain folder without links.

    Asked whenever one is opened, before anything of it is read.
    """
    folder = root / WORKSPACE_FOLDER
    with suppress(FileNotFoundError):
        check_plain(folder)
        check_without_links(folder)


def check_without_links(folder: Path) -> None:
    """Raise `FolderRefused` where a `.homespun`, a plain folder, holds a link at any depth."""
    pending = [folder]
    while pending:
        # A writer may take away what it needs no longer while we look.
        with suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_symlink() or is_junction(Path(entry.path)):
                    name = Path(entry.path).relative_to(folder).as_posix()
                    raise _refused(folder, f"holds a link ({name!r})")
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))


def write_private(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Put a file in place in one step, readable by its owner alone (mode 600).

    What stood there is replaced, never written into: no link is followed. `durable` waits for the
    disk. Raises `OSError`; the old file then stays, and no draft.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with _draft(path, mode=0o600, durable=durable) as stream:
        stream.write(data)


def open_private(path: Path, *, append: bool = False) -> IO[bytes]:
    """Open a file that is written piece by piece, readable by its owner alone (mode 600).

    It begins empty unless `append`. Raises `OSError`; also where there is a link, a pipe, or a file
    that has another name elsewhere.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise OSError(errno.EINVAL, "it is no regular file of ours", str(path))
        if not append:
            os.ftruncate(handle, 0)
        return os.fdopen(handle, "ab" if append else "wb")
    except BaseException:
        os.close(handle)
        raise


def copy_private(source: Path, target: Path) -> None:
    """Copy a file's bytes; the copy is its owner's alone. Raises `OSError`."""
    with source.open("rb") as reader, open_private(target) as writer:
        shutil.copyfileobj(reader, writer)


def copy_bounded(source: Path, target: Path, *, max_bytes: int) -> str:
    """Copy a regular file that is no link into one of ours; return the sha256 of what was read.

    Raises `OSError`, and `ValueError` above `max_bytes`, or where it is no regular file.
    """
    digest, left = hashlib.sha256(), max_bytes
    with _open_regular(source) as reader, open_private(target) as writer:
        while block := reader.read(min(_BLOCK_BYTES, left + 1)):
            left -= len(block)
            if left < 0:
                raise ValueError(f"it is larger than {megabytes(max_bytes)}")
            digest.update(block)
            writer.write(block)
    return digest.hexdigest()


def shared_draft(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Give a file to write that takes the place of `path` once the block has ended well.

    Who may read it is as the user's umask says: it is for others. No link is followed. Raises
    `OSError`; the old file then stays, and no draft.
    """
    return _draft(path, mode=0o666, durable=True)


def rewrite(path: Path, content: bytes) -> None:
    """Put a file of the user's own in place in one step; who may read it stays as it was.

    A new one is as the umask says. No link is followed: one that stands there would be replaced.
    Raises `OSError`; the old file then stays, and no draft.
    """
    mode = None
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(path.lstat().st_mode)
    with _draft(path, mode=0o666 if mode is None else 0o600, durable=True) as stream:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(stream.fileno(), mode)
        stream.write(content)


@contextmanager
def _draft(path: Path, *, mode: int, durable: bool) -> Iterator[IO[bytes]]:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(draft, flags, mode), "wb") as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        replace(draft, path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def make_shared_folder(folder: Path) -> None:
    """Make a folder in one that others use, too. Raises `OSError`, also where a link is there."""
    with suppress(FileExistsError):
        folder.mkdir()
    if not stat.S_ISDIR(folder.lstat().st_mode) or is_junction(folder):
        raise OSError(errno.ENOTDIR, "it is no plain folder", str(folder))


def replace(draft: Path, target: Path) -> None:
    """Rename over what is there; on Windows a reader may be in the way for a moment."""
    for _ in range(_RENAMES):
        try:
            os.replace(draft, target)
        except PermissionError:
            time.sleep(_RENAME_PAUSE_SECONDS)
        else:
            return
    os.replace(draft, target)


def make_private_folder(folder: Path) -> None:
    """Make a folder that its owner alone may enter, and its parents; one that is there stays."""
    if not folder.is_dir():
        if folder.parent != folder:
            make_private_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)


def remove_whatever(path: Path) -> None:
    """Remove what stands there, if anything: a file, a link, a folder with all that is in it.

    What a link points to stays. Raises `OSError`.
    """
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode) and not is_junction(path):
            shutil.rmtree(path)
        else:
            path.unlink()


def read_bounded(path: Path, *, max_bytes: int, follow_links: bool = False) -> bytes:
    """Return a regular file's bytes. Raises `OSError`, and `ValueError` above `max_bytes`.

    A link is followed only where that is asked for; a pipe or a device never blocks.
    """
    data = read_beginning(path, most_bytes=max_bytes + 1, follow_links=follow_links)
    if len(data) > max_bytes:
        raise ValueError(f"it is larger than {megabytes(max_bytes)}")
    return data


def read_beginning(path: Path, *, most_bytes: int, follow_links: bool = False) -> bytes:
    """Return the first bytes of a regular file, as `read_bounded` does. Raises `OSError`."""
    with _open_regular(path, follow_links=follow_links) as stream:
        return stream.read(most_bytes)


@contextmanager
def _open_regular(path: Path, *, follow_links: bool = False) -> Iterator[IO[bytes]]:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow_links:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        with os.fdopen(handle, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(handle)


def _says(path: Path, content: str) -> bool:
    try:
        return read_bounded(path, max_bytes=4096) == content.encode()
    except (OSError, ValueError):
        return False


def is_link(path: Path) -> bool:
    """Tell whether there is a link of any sort."""
    return path.is_symlink() or is_junction(path)


def is_junction(path: Path | str) -> bool:
    """Tell whether there is a Windows junction: a link that calls itself a directory."""
    # The test came with Python 3.12.
    is_junction = getattr(os.path, "isjunction", None)
    return is_junction is not None and bool(is_junction(path))


def _refused(folder: Path, what: str) -> FolderRefused:
    return FolderRefused(
        f"{str(folder)!r} {what}, so nothing is read from it and nothing written to it; "
        "delete it, and homespun makes its own"
    )


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


def is_full_or_closed(error: OSError) -> bool:
    """Tell whether a disk is full or may not be written: what the user can mend."""
    return error.errno in _FULL | _CLOSED


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
