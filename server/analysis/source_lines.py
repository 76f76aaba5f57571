"""Lines of the repository's files as they are on the disk, without their secrets.

Paths come from an index, which a repository may have brought with it: what lies outside of the
root, behind a link, or is no plain file is not read, and neither is a file of secrets.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import language_of
from homespun.indexer.scan import skip, walk
from homespun.indexer.scan.decode import decode
from homespun.indexer.secrets.mask import mask
from homespun.indexer.types import Skipped

_MAX_FILES = 64
# Reading and masking a bigger file takes longer than a completion may.
_READING = IndexConfig(max_file_bytes=400_000)


class SourceLines:
    """A small cache of files; a changed file is read again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: OrderedDict[str, tuple[tuple[int, int], list[str]]] = OrderedDict()

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Return lines `first` to `last` (1-based, inclusive); empty when they cannot be read."""
        return self._all(path)[first - 1 : last]

    def _all(self, path: str) -> list[str]:
        if not walk.is_inside(self._root, path) or skip.reason_by_name(path) == "secret":
            return []
        try:
            status = os.lstat(self._root / path)
        except (OSError, ValueError):
            return []  # gone or locked since it was indexed: its signature is enough
        if not stat.S_ISREG(status.st_mode):
            return []
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            self._known.move_to_end(path)
            return known[1]
        source = walk.read(self._root, path, _READING)
        text = source if isinstance(source, Skipped) else decode(source)
        lines = [] if isinstance(text, Skipped) else mask(text, language_of(path)).split("\n")
        self._known[path] = (stamp, lines)
        if len(self._known) > _MAX_FILES:
            self._known.popitem(last=False)
        return lines
