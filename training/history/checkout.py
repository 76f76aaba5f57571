"""The tree of one revision in a folder, moved from commit to commit by what changed.

Files are written as git stores them: no filters, no line ends, no attributes of the repository have
an effect, links and submodules are left out. `.gitignore` files are left out, too: what is
committed counts, ignored or not.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan.skip import in_tool_folder, reason_by_name
from homespun.storage import make_private_folder, write_private
from homespun.training.history.repository import Repository, TreeFile

_MODES = ("100644", "100755", "100664")
_MAX_BYTES = IndexConfig().max_file_bytes


def is_indexable(path: str) -> bool:
    """Tell whether the indexer would read a file of this name."""
    if path.rpartition("/")[2] == ".gitignore" or in_tool_folder(path):
        return False
    return reason_by_name(path) is None


class Checkout:
    """A folder that holds the files of one revision."""

    def __init__(
        self,
        repository: Repository,
        folder: Path,
        *,
        wanted: Callable[[str], bool] = is_indexable,
        most_bytes: int = _MAX_BYTES,
    ) -> None:
        """`folder` is made if it is missing and must be empty; nothing is written yet."""
        self.folder = folder
        self.revision = ""
        self._repository = repository
        self._wanted = wanted
        self._most_bytes = most_bytes
        make_private_folder(folder)

    def move(self, revision: str) -> list[str]:
        """Bring the folder to a revision; return the paths that were written or removed, sorted."""
        if revision == self.revision:
            return []
        changed = self._changed(revision)
        # What goes first makes room: a file may become a folder.
        touched = [path for path, blob in changed if not blob and self._remove(path)]
        touched += [path for path, blob in changed if blob and self._write(path, blob)]
        self.revision = revision
        return sorted(touched)

    def _changed(self, revision: str) -> list[tuple[str, str]]:
        """Return (path, blob) of what is to be written; blob is "" for what is to be removed."""
        if not self.revision:
            files = self._repository.files(revision)
            return [(file.path, file.blob) for file in files if self._takes(file)]
        listed = self._repository.changed_between(self.revision, revision)
        return [
            (path, blob if mode in _MODES else "")
            for path, mode, blob in listed
            if self._wanted(path) and _is_safe(path)
        ]

    def _takes(self, file: TreeFile) -> bool:
        return (
            file.is_regular
            and file.size <= self._most_bytes
            and self._wanted(file.path)
            and _is_safe(file.path)
        )

    def _remove(self, path: str) -> bool:
        place = self.folder / path
        try:
            place.unlink()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        for parent in place.parents:
            if parent == self.folder:
                break
            with suppress(OSError):  # not empty
                parent.rmdir()
        return True

    def _write(self, path: str, blob: str) -> bool:
        source = self._repository.blob(blob)
        if source is None or len(source) > self._most_bytes:
            return self._remove(path)
        place = self.folder / path
        make_private_folder(place.parent)
        write_private(place, source)
        return True


def _is_safe(path: str) -> bool:
    """Refuse names that a tree may hold and a folder must not: steps out of it, odd ones."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        return False
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in path and not (os.name == "nt" and set(path) & set('\\:*?"<>|'))
