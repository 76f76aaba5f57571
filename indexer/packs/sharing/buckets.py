"""EDGE obstore: packs in a bucket (`s3://`, `gs://`, `az://`), the only file that imports it.

Credentials come from the environment, as the cloud's own tools take them. The library is the extra
`buckets`; without it a folder is all that is spoken to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from homespun.indexer.errors import PackRefused, PointerMoved
from homespun.indexer.packs.sharing.objects import Listed, Stored
from homespun.models.errors import RemoteRefused
from homespun.models.remote.wire.address import address_of
from homespun.models.remote.wire.setting_names import SettingNames
from homespun.storage import megabytes

_SECONDS = "20s"  # for one answer
_RETRIES = 2
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")  # of a store of one's own
_MAX_LISTED = 10_000  # objects of one repository


class BucketStore:
    """A bucket, or a part of one."""

    def __init__(self, root: str, *, opened: Any = None) -> None:  # noqa: ANN401 - untyped library
        """Open an address; `opened` is an open store of the library. Raises `PackRefused`."""
        self.where = repr(root)
        try:
            import obstore
            from obstore import exceptions, store
        except ImportError as error:
            raise PackRefused(
                f"{self.where} is a bucket, and the library that speaks to buckets is not here: "
                "`pip install 'homespun[buckets]'`, or mount the bucket and give the folder"
            ) from error
        self._library, self._errors = obstore, exceptions
        with self._asked():
            self._store = opened or store.from_url(
                root,
                client_options={"timeout": _SECONDS, "allow_http": is_near(self.where)},
                retry_config={"max_retries": _RETRIES},
            )

    def read(self, key: str, *, max_bytes: int, unless: str = "") -> Stored | None:
        """Return an object, as `PackStore` says."""
        with self._asked(key):
            try:
                options = {"if_none_match": unless} if unless else None
                found = self._library.get(self._store, key, options=options)
            except self._errors.NotModifiedError:
                return None
            if found.meta["size"] > max_bytes:
                raise PackRefused(
                    f"{key!r} at {self.where} is larger than {megabytes(max_bytes)}, so it is not "
                    "read"
                )
            parts, size = [], 0
            for part in found.stream():
                parts.append(bytes(part))
                size += len(parts[-1])
                if size > max_bytes:
                    raise PackRefused(f"{key!r} at {self.where} is larger than it says")
            return Stored(b"".join(parts), str(found.meta["e_tag"] or ""))

    def put(self, key: str, data: bytes) -> None:
        """Write an object, as `PackStore` says."""
        with self._asked(key):
            self._library.put(self._store, key, data, use_multipart=False)

    def swap(self, key: str, data: bytes, *, expected: str) -> str:
        """Write an object under If-Match, or If-None-Match for a new one, as `PackStore` says."""
        mode: Any = {"e_tag": expected} if expected else "create"
        with self._asked(key):
            try:
                done = self._library.put(self._store, key, data, mode=mode, use_multipart=False)
            except (
                self._errors.PreconditionError,
                self._errors.AlreadyExistsError,
                FileNotFoundError,  # it was there, and somebody has deleted it
            ) as error:
                raise PointerMoved(f"{key!r} at {self.where} was changed meanwhile") from error
        etag = str(done["e_tag"] or "")
        if not etag:
            raise PackRefused(f"{self.where} gives no marks of objects, so nothing is published")
        return etag

    def listed(self, folder: str) -> list[Listed]:
        """Return the objects right below a folder."""
        found = []
        with self._asked(folder):
            for batch in self._library.list(self._store, prefix=folder):
                for each in batch:
                    name = each["path"].removeprefix(f"{folder}/")
                    if "/" not in name and name != each["path"]:
                        found.append(Listed(name, each["last_modified"].timestamp()))
                if len(found) > _MAX_LISTED:
                    break
        return found

    def delete(self, key: str) -> None:
        """Delete an object."""
        with self._asked(key):
            try:
                self._library.delete(self._store, key)
            except FileNotFoundError:
                return

    @contextmanager
    def _asked(self, key: str = "") -> Iterator[None]:
        """Turn the library's errors into sentences; what is not there is `FileNotFoundError`."""
        try:
            yield
        except (PackRefused, PointerMoved):
            raise
        except FileNotFoundError:
            raise FileNotFoundError(key) from None
        except (OSError, ValueError, self._errors.BaseError) as error:
            said = str(error).strip().partition("\n")[0][:200]
            raise PackRefused(f"{self.where} does not answer as it should: {said}") from error


def is_near(where: str) -> bool:
    """Tell whether the environment names a store by plain http on this machine or near it.

    Raises `PackRefused` where it names one by plain http that is further away.
    """
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    if not endpoint.lower().startswith("http://"):
        return False
    try:
        address_of(endpoint, SettingNames(url="the endpoint of the store"))
    except RemoteRefused as error:
        raise PackRefused(f"{where} is not asked: {error}") from error
    return True
