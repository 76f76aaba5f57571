"""The secret that a client over TCP names first: from the environment, or a file of the user's.

It is never an argument: those can be read by everybody on the machine.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
import sys
from pathlib import Path

from homespun.paths import home
from homespun.server.errors import TokenRefused
from homespun.storage import make_private_folder

VARIABLE = "HOMESPUN_TOKEN"
MIN_CHARS = 32
_FILE = "serve-token"
_MAX_BYTES = 4_096


def token_of_environment() -> str | None:
    """Take the token out of the environment, so that no child process gets it; None without one.

    Raises `TokenRefused` for one that could be guessed.
    """
    token = os.environ.pop(VARIABLE, "").strip()
    return _long_enough(token, f"the variable {VARIABLE}") if token else None


def token_of_file() -> tuple[str, Path]:
    """Return the token of the user's file, made at the first call, and where it stands.

    Raises `TokenRefused` where others could read it or have written it.
    """
    path = token_path()
    try:
        make_private_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            _create(path)
        token = _read(path)
    except OSError as error:
        raise TokenRefused(
            f"the token in {str(path)!r} cannot be read or made ({error.strerror or error}); "
            f"delete the file, or set {VARIABLE}"
        ) from error
    return _long_enough(token, f"the file {str(path)!r}"), path


def token_path() -> Path:
    """Return where the user's token stands; it may not exist."""
    return home() / _FILE


def is_token(named: str, token: str) -> bool:
    """Tell whether a client named the token, in a time that does not depend on how much of it."""
    return hmac.compare_digest(named.encode("utf-8", "replace"), token.encode("utf-8", "replace"))


def _create(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(32) + "\n")


def _read(path: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise TokenRefused(f"{str(path)!r} is no file; move it away and start again")
        if sys.platform != "win32" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise TokenRefused(
                f"{str(path)!r} belongs to another user or is open to others (mode "
                f"{found.st_mode & 0o777:04o}); delete it, and the next start makes a new one"
            )
        return stream.read(_MAX_BYTES).decode("utf-8", "replace").strip()


def _long_enough(token: str, origin: str) -> str:
    if len(token) < MIN_CHARS:
        raise TokenRefused(
            f"{origin} holds a token of {len(token)} characters, and {MIN_CHARS} are the least; "
            'make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
    return token
