"""Bounds how many connections there are: when they are too many, the oldest one goes."""

from __future__ import annotations

import asyncio


class Places:
    """Room for some connections, which nobody can occupy."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: list[asyncio.StreamWriter] = []  # longest first

    def take(self, writer: asyncio.StreamWriter) -> None:
        """Give a connection a place; without a free one, the oldest is cut off for it."""
        self._taken.append(writer)
        if len(self._taken) > self._most:
            self._taken.pop(0).transport.abort()

    def leave(self, writer: asyncio.StreamWriter) -> bool:
        """Free the place of a connection; say whether it still had one."""
        had = writer in self._taken
        if had:
            self._taken.remove(writer)
        return had

    def close(self) -> None:
        """Cut off whoever has a place."""
        for writer in self._taken:
            writer.transport.abort()
