"""File operations as Windows has them: no rename over a file, nothing of an open one is removed.

A simulation, named so: there is no Windows here. `os.replace`, `os.rename`, `os.unlink` and
`os.rmdir` look through what this process has open or mapped. Python opens files so that others may
read and write them meanwhile, but nobody may delete or replace them (no FILE_SHARE_DELETE).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

_MAPS = Path("/proc/self/maps")
_OPEN = Path("/proc/self/fd")


def in_use() -> set[str]:
    """Return the paths of all files that this process has open or mapped."""
    found = {line.split(maxsplit=5)[5] for line in _mapped() if len(line.split(maxsplit=5)) == 6}
    for entry in _OPEN.iterdir():
        try:
            found.add(os.readlink(entry))
        except OSError:
            continue
    return found


@contextmanager
def like_windows(below: Path) -> Iterator[list[str]]:
    """Have renames and removals below a folder refused as Windows does; yields what was refused."""
    files = _Files(below.resolve())
    names = ("replace", "rename", "unlink", "rmdir")
    fakes = {name: getattr(files, name) for name in names} | {"remove": files.unlink}
    # Windows has no removal by a folder's descriptor, so trees are removed by their paths.
    by_path = patch.object(shutil, "_use_fd_functions", False)
    with patch.multiple(os, **fakes), by_path:
        yield files.refused


class _Files:
    def __init__(self, below: Path) -> None:
        self.refused: list[str] = []
        self._below = str(below)
        self._replace, self._unlink, self._rmdir = os.replace, os.unlink, os.rmdir

    def replace(self, source, target):
        self._check(source, "replace by")
        self._check(target, "replace")
        if os.path.isdir(target):
            raise PermissionError(errno.EACCES, "Access is denied", os.fspath(target))
        self._replace(source, target)

    def rename(self, source, target):
        self._check(source, "rename")
        if os.path.lexists(target):
            self.refused.append(f"rename onto {os.fspath(target)}")
            raise FileExistsError(errno.EEXIST, "Cannot create a file that exists", target)
        self._replace(source, target)

    def unlink(self, path):
        self._check(path, "unlink")
        self._unlink(path)

    def rmdir(self, path):
        self._check(path, "rmdir")
        self._rmdir(path)

    def _check(self, path: str | os.PathLike[str], doing: str) -> None:
        folder, name = os.path.split(os.fspath(path))
        full = os.path.join(os.path.realpath(folder), name)
        is_below = full.startswith(self._below)
        if is_below and any(used == full or used.startswith(full + os.sep) for used in in_use()):
            self.refused.append(f"{doing} {full}")
            raise PermissionError(errno.EACCES, "The process cannot access the file", full)


def _mapped() -> list[str]:
    return _MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
