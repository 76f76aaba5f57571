"""Lines of the repository's files as they are on the disk, without their secrets."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from homespun.indexer.decode import decode
from homespun.indexer.languages import language_of
from homespun.indexer.secrets import mask
from homespun.indexer.types import Skipped

_MOST_FILES = 64
_MOST_BYTES = 400_000  # reading and masking a bigger file takes longer than a completion may


class SourceLines:
    """A small cache of files; a changed file is read again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: OrderedDict[str, tuple[tuple[int, int], list[str]]] = OrderedDict()

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return lines `first` to `last` (1-based, inclusive); empty when they cannot be read."""
        return self._all(path)[first - 1 : last]

    def _all(self, path: str) -> list[str]:
        file = self._root / path
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                self._known.move_to_end(path)
                return known[1]
            source = file.read_bytes() if status.st_size <= _MOST_BYTES else b""
        except OSError:
            return []  # gone or locked since it was indexed: its signature is enough
        text = decode(source)
        lines = [] if isinstance(text, Skipped) else mask(text, language_of(path)).split("\n")
        self._known[path] = (stamp, lines)
        if len(self._known) > _MOST_FILES:
            self._known.popitem(last=False)
        return lines
