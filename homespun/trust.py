"""The machine's key, and the seal by which homespun knows again what it wrote here itself.

A folder that one opens may bring an index, an adapter or a training of its own. What this machine
wrote carries a keyed hash (HMAC-SHA256, RFC 2104) over its content, what it is, and where it
stands; a clone cannot make one. The key lies in the user's state folder and never leaves it.

A seal says who wrote a file, not that the file is any good: whoever reads it still checks it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from homespun import paths
from homespun.storage import make_private_folder, read_bounded, writing

logger = logging.getLogger(__name__)

SEAL = "seal"  # the field that holds it
_KEY_FILE = "machine.key"
_KEY_BYTES = 32
_READS = 20  # another process may be writing the key's bytes at this moment
_READ_PAUSE_SECONDS = 0.05


def with_seal(
    body: Mapping[str, Any], *, purpose: str, folder: Path | None = None
) -> dict[str, Any]:
    """Return a JSON object with its seal in the field `seal`.

    `purpose` names the kind of file, so that one kind is never taken for another; `folder` binds it
    to a folder, None lets it be moved. Raises `StorageFull` where no key can be kept.
    """
    content = {name: value for name, value in body.items() if name != SEAL}
    return {**content, SEAL: _seal_of(content, purpose, folder)}


def has_seal(body: Mapping[str, Any], *, purpose: str, folder: Path | None = None) -> bool:
    """Tell whether a JSON object is as this machine sealed it; never raises for what it holds.

    Where the machine has no readable key nothing is its own.
    """
    found = body.get(SEAL)
    if not isinstance(found, str):
        return False
    content = {name: value for name, value in body.items() if name != SEAL}
    try:
        wanted = _seal_of(content, purpose, folder, make_key=False)
    except FileNotFoundError:
        return False  # nothing was ever sealed here
    except (OSError, RecursionError, ValueError) as error:
        logger.warning("the seal of this machine cannot be compared: %s", error)
        return False
    return hmac.compare_digest(found.encode("utf-8", "replace"), wanted.encode())


def _seal_of(
    content: Mapping[str, Any], purpose: str, folder: Path | None, *, make_key: bool = True
) -> str:
    where = "" if folder is None else os.path.normcase(os.path.realpath(folder))
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    signed = b"\0".join([purpose.encode(), os.fsencode(where), text.encode()])
    key = machine_key() if make_key else _known_key()
    return hmac.new(key, signed, hashlib.sha256).hexdigest()


def machine_key() -> bytes:
    """Return this machine's key, 32 bytes; the first call makes it. Raises `StorageFull`."""
    folder = paths.state_home()
    path = folder / _KEY_FILE
    with writing(folder):
        make_private_folder(folder)
        for _ in range(_READS):
            key = _read(path)
            if key is None:
                key = _made(path)
            if key is not None and len(key) == _KEY_BYTES:
                return key
            time.sleep(_READ_PAUSE_SECONDS)
        logger.warning("%s is damaged; a new key is made, and what it sealed is made anew", path)
        path.unlink()
        return _made(path) or machine_key()


def _known_key() -> bytes:
    """Return the machine's key. Raises `OSError` where there is none, or none that can be read."""
    path = paths.state_home() / _KEY_FILE
    for _ in range(_READS):
        key = read_bounded(path, max_bytes=_KEY_BYTES + 1)
        if len(key) == _KEY_BYTES:
            return key
        time.sleep(_READ_PAUSE_SECONDS)
    raise OSError(f"{str(path)!r} is damaged")


def _read(path: Path) -> bytes | None:
    try:
        return read_bounded(path, max_bytes=_KEY_BYTES + 1)
    except FileNotFoundError:
        return None


def _made(path: Path) -> bytes | None:
    """Make the key, None where another process was first."""
    key = secrets.token_bytes(_KEY_BYTES)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        return None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(key)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    return key
