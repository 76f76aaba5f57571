"""Talks to the shop's service."""

from __future__ import annotations

import os
import os.path as osp
from collections.abc import (
    Iterator,  # lazily
    Mapping as Map,
)

from . import errors
from ..core.retry import *

TIMEOUT_SECONDS = 30
logger = get_logger(__name__)
Rows = list[dict[str, int]]


# How a request is signed.
# Two lines of it.
def sign(
    body: bytes,
    *,
    key: str = "",  # from the vault
) -> str:
    return hashing.digest(body, key)


@dataclass(frozen=True)
class Session(Base, metaclass=Meta):
    """One conversation with the service.

    Holds a connection.
    """

    url: str

    class Options:
        retries = 3

    @property
    def name(self) -> str:
        """The session's name."""
        return self.url

    @retry(
        times=3,
    )
    async def request(self, path: str, **options: int) -> Map:
        def attempt() -> None:
            sign(b"")

        return await self.pool.acquire(attempt).send(path)


if os.name == "nt":
    EOL = "\r\n"

    def newline() -> str:
        return EOL
