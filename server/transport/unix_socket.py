"""A Unix socket for one user: in a folder that is closed to others, and asked who is at the end."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from homespun.server.errors import SocketRefused

_CREDENTIALS = struct.Struct("3i")  # of Linux: process, user, group
_ADVICE = "take a folder of your own, e.g. $XDG_RUNTIME_DIR/homespun/serve.sock"


@contextlib.contextmanager
def bound_to(path: Path) -> Iterator[socket.socket]:
    """Give a socket bound to `path`, mode 0600; its folder is made where only it is missing.

    At the end the path is free again. Raises `SocketRefused` where the folder is open to others,
    or where `path` is there and is not a socket of this user's that nobody listens on any more.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise SocketRefused("this Python has no Unix sockets; use --stdio or --tcp")
    try:
        _require_private(path.parent)
        _remove_stale(path)
        bound = _bound(path)
        made = path.lstat()
    except OSError as error:
        raise SocketRefused(
            f"{str(path)!r} cannot be made ({error.strerror or error}); {_ADVICE}"
        ) from error
    try:
        yield bound
    finally:
        bound.close()
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.lstat(), made):  # whatever took its place stays
                path.unlink()


def is_own_user(connection: socket.socket) -> bool:
    """Say whether the other end is of this user; True where the system does not tell.

    There the modes of socket and folder are what keeps others out.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(told)
    return bool(user == os.geteuid())


def _require_private(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise SocketRefused(f"{str(folder)!r} is no folder; {_ADVICE}")
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SocketRefused(
            f"the folder {str(folder)!r} is another user's or lets others in (mode "
            f"{found.st_mode & 0o777:04o}); {_ADVICE}, or `chmod 700` it"
        )


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise SocketRefused(f"{str(path)!r} is there and is no socket of yours; name another path")
    if _is_listened_on(path):
        raise SocketRefused(f"another server listens on {str(path)!r}; name another path")
    path.unlink()


def _is_listened_on(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full queue of a living server must not hold us
        return probe.connect_ex(str(path)) != errno.ECONNREFUSED


def _bound(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # no moment in which the socket is open to others
    try:
        bound.bind(str(path))
    except BaseException:
        bound.close()
        raise
    finally:
        os.umask(before)
    return bound
