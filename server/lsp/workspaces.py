"""Workspace folders: from a document's URI to its folder and its path in there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pygls.uris import to_fs_path

from homespun.server.lsp.notebooks import file_of

# The names that editors use, where the syntax trees' name differs.
_LANGUAGES = {
    "bat": "",
    "javascriptreact": "javascript",
    "plaintext": "",
    "sh": "bash",
    "shellscript": "bash",
    "text": "",
    "typescriptreact": "tsx",
}
_WITHOUT_TREE = {"plaintext": "text"}  # as `language_of` calls a path that it does not know


def path_of(uri: str) -> Path | None:
    """Return the file of a `file:` URI or of a notebook's cell, None for any other document."""
    path = to_fs_path(file_of(uri))
    return Path(_without_prefix(path)) if path else None


def _without_prefix(path: str) -> str:
    r"""Return a path of Windows without the mark of a long one, `\\?\` or `\\?\UNC\`."""
    if path.startswith("\\\\?\\UNC\\"):
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")


def language_name(language_id: str) -> str:
    """Return the syntax tree's name of an editor's language id, "" = decide by path."""
    return _LANGUAGES.get(language_id, language_id)


def switched_off(languages: Iterable[str]) -> tuple[str, ...]:
    """Return the syntax trees' names of languages that a user has listed, in an editor's words too.

    An editor writes the id that it has for the document: "typescriptreact", "plaintext".
    """
    return tuple(language_name(name) or _WITHOUT_TREE.get(name, name) for name in languages)


class Root:
    """A folder as the client named it and as the disk knows it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.resolved = path.resolve()

    def relative(self, path: Path) -> str | None:
        """Return a file's path in this folder with "/", None outside of it."""
        if path.is_relative_to(self.path):
            return path.relative_to(self.path).as_posix()
        resolved = path.resolve()
        if resolved.is_relative_to(self.resolved):
            return resolved.relative_to(self.resolved).as_posix()
        return self._by_its_folder(resolved)

    def _by_its_folder(self, path: Path) -> str | None:
        """Return the path below a folder that is this one in other letters: `/Users` and `/users`.

        Where upper and lower case are the same, only the disk knows it (macOS, Windows).
        """
        folder = type(path)(*path.parts[: len(self.resolved.parts)])
        if str(folder).casefold() != str(self.resolved).casefold():
            return None
        with suppress(OSError):
            if os.path.samefile(folder, self.resolved):
                return path.relative_to(folder).as_posix()
        return None

    def refusal(self) -> str:
        """Say why this folder is not indexed by itself, "" where it may be."""
        if self.resolved == self.resolved.parent or self.resolved == Path.home():
            return (
                f"{str(self.path)!r} is not a project, it is not indexed by itself; open a "
                "project's folder, or run `homespun index` there"
            )
        if not self.resolved.is_dir():
            return f"{str(self.path)!r} is no folder on this machine; completing without retrieval"
        return ""
