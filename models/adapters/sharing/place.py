"""The folder by which a team shares one adapter: immutable objects, and a pointer to the newest.

    PLACE/objects/SHA256    a file of an adapter, or its manifest, under the hash of its bytes
    PLACE/current.json      {"format": 1, "number": N, "id": ID, "adapter": SHA256 of the manifest,
                             "seal": of the team's key, where there is one}

Objects are written first and never changed, the pointer is moved by rename: a half-written upload
is never seen. The place is trusted no more than a clone: nothing there is followed where it is a
link, waited for where it is a pipe, or read beyond its bound, and every object is hashed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from homespun.errors import in_words
from homespun.models.adapters.sealed_folder import identified_bytes
from homespun.models.convert.served_form import file_sha256
from homespun.models.errors import ShareRefused
from homespun.parsing import parse_json
from homespun.storage import (
    copy_bounded,
    make_shared_folder,
    read_bounded,
    shared_draft,
    writing,
)

CURRENT = "current.json"
FORMAT = 1
MAX_FILE_BYTES = 1_000_000_000  # of an object; an adapter of the largest model here has a tenth
_MAX_POINTER_BYTES = 10_000
_MAX_MANIFEST_BYTES = 1_000_000
_MAX_NUMBER = 10**9
_OBJECTS = "objects"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,149}")
_BUCKETS = "mount or synchronise the bucket and give the folder"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which adapter a place offers."""

    number: int  # of the publication, from 1 on
    id: str  # as its maker called it
    adapter: str  # sha256 of the manifest
    seal: str = ""  # HMAC-SHA256 with the team's key over the rest, "" without a key

    def sealed(self, key: bytes) -> Pointer:
        """Return it with the seal of a key."""
        return Pointer(self.number, self.id, self.adapter, self._seal_of(key))

    def is_sealed_by(self, key: bytes) -> bool:
        """Tell whether whoever wrote it has the key."""
        return hmac.compare_digest(self.seal.encode(), self._seal_of(key).encode())

    def to_json(self) -> dict[str, object]:
        """Return what the file holds."""
        body = {"format": FORMAT, "number": self.number, "id": self.id, "adapter": self.adapter}
        return body | ({"seal": self.seal} if self.seal else {})

    def _seal_of(self, key: bytes) -> str:
        content = {name: value for name, value in self.to_json().items() if name != "seal"}
        text = json.dumps(content, sort_keys=True)
        return hmac.new(key, b"homespun team adapter\0" + text.encode(), hashlib.sha256).hexdigest()


class SharedPlace:
    """Reads and writes one shared folder."""

    def __init__(self, where: str) -> None:
        """Take a path or a `file://` address. Raises `ShareRefused` where there is no folder."""
        self.root = _folder_of(where).absolute()
        if not self.root.is_dir():
            raise ShareRefused(
                f"{str(self.root)!r} is no folder, so no adapter is shared there; mount it, or "
                "make it first"
            )
        self.root = self.root.resolve()
        self._objects = self.root / _OBJECTS

    def pointer(self) -> Pointer | None:
        """Return which adapter is offered; None where none was ever. Raises `ShareRefused`."""
        path = self.root / CURRENT
        try:
            return _pointer_of(parse_json(read_bounded(path, max_bytes=_MAX_POINTER_BYTES)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ShareRefused(
                f"{str(path)!r} does not say which adapter is shared ({in_words(error)}); "
                "`homespun adapters publish` writes it anew, once that file is deleted"
            ) from error

    def move_pointer(self, pointer: Pointer) -> None:
        """Offer another adapter, whose objects are there. Raises `StorageFull`."""
        with writing(self.root), shared_draft(self.root / CURRENT) as stream:
            stream.write(json.dumps(pointer.to_json(), indent=1, sort_keys=True).encode() + b"\n")

    def manifest(self, sha256: str) -> dict[str, Any]:
        """Return the manifest of an adapter. Raises `ShareRefused`."""
        path = self._object(sha256)
        try:
            data = read_bounded(path, max_bytes=_MAX_MANIFEST_BYTES)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError("its bytes are others than its name says")
            manifest = parse_json(data)
            if not isinstance(manifest, dict):
                raise ValueError("it is no object")
        except (OSError, ValueError) as error:
            raise _incomplete(path, error) from error
        return manifest

    def size_bytes(self, sha256: str) -> int:
        """Return how large an object says that it is. Raises `ShareRefused`."""
        path = self._object(sha256)
        try:
            return path.lstat().st_size
        except OSError as error:
            raise _incomplete(path, error) from error

    def fetch(self, sha256: str, target: Path) -> None:
        """Copy an object to a file of ours, hashed on the way. Raises `ShareRefused`."""
        path = self._object(sha256)
        try:
            found = copy_bounded(path, target, max_bytes=MAX_FILE_BYTES)
        except (OSError, ValueError) as error:
            raise _incomplete(path, error) from error
        if found != sha256:
            raise _incomplete(path, ValueError(f"its sha256 is {found}"))

    def put_manifest(self, manifest: Mapping[str, Any]) -> str:
        """Write a manifest as an object; return its name. Raises `StorageFull`, `ShareRefused`."""
        data = identified_bytes(manifest)
        sha256 = hashlib.sha256(data).hexdigest()
        with writing(self.root):
            make_shared_folder(self._objects)
            with shared_draft(self._object(sha256)) as stream:
                stream.write(data)
        return sha256

    def put_file(self, source: Path, sha256: str) -> None:
        """Write a file as an object; again where what is there is not it. Raises `StorageFull`."""
        with writing(self.root):
            make_shared_folder(self._objects)
            path = self._object(sha256)
            if _has(path, sha256):
                return
            with shared_draft(path) as stream, source.open("rb") as reader:
                shutil.copyfileobj(reader, stream)

    def _object(self, sha256: str) -> Path:
        """Return where an object is. Raises `ShareRefused` for what is no name of one."""
        try:
            is_folder = stat.S_ISDIR(self._objects.lstat().st_mode)
        except OSError as error:
            raise _incomplete(self._objects, error) from error
        if not is_folder or not _SHA256.fullmatch(sha256):
            raise _incomplete(self._objects / sha256[:64], ValueError("it is no plain file there"))
        return self._objects / sha256


def _folder_of(where: str) -> Path:
    if "://" not in where:
        return Path(where).expanduser()
    address = urlsplit(where)
    if address.scheme != "file" or address.netloc not in ("", "localhost"):
        raise ShareRefused(
            f"adapters are shared by a folder, and {where!r} is none: no bucket or server is "
            f"spoken to; {_BUCKETS}"
        )
    return Path(url2pathname(address.path))


def _pointer_of(body: Mapping[str, Any]) -> Pointer:
    """Read the pointer's object. Raises ValueError, KeyError, TypeError."""
    if body["format"] != FORMAT:
        raise ValueError(f"its format is {body['format']!r}, this version reads {FORMAT}")
    number, identifier, adapter = body["number"], body["id"], body["adapter"]
    if type(number) is not int or not 1 <= number <= _MAX_NUMBER:
        raise ValueError("its number is none")
    if not _IDENTIFIER.fullmatch(identifier) or not _SHA256.fullmatch(adapter):
        raise ValueError("it names no adapter")
    seal = body.get("seal", "")
    if seal and not _SHA256.fullmatch(seal):
        raise ValueError("its seal is none")
    return Pointer(number, identifier, adapter, seal)


def _has(path: Path, sha256: str) -> bool:
    """Tell whether an object is there as it should be."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and file_sha256(path) == sha256
    except OSError:
        return False


def _incomplete(path: Path, error: Exception) -> ShareRefused:
    return ShareRefused(
        f"{str(path)!r} is not as it was published ({in_words(error)}), so nothing is taken; it "
        "may still be on its way: try again later, or have it published again"
    )
