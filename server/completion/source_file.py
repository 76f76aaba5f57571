"""A cursor in a file of a folder, as a request."""

from __future__ import annotations

from pathlib import Path

from homespun.indexer.languages import language_of
from homespun.indexer.scan.decode import decode
from homespun.indexer.types import Skipped
from homespun.server.errors import SourceUnreadable
from homespun.server.types import CompletionRequest


def request_at(file: Path, *, folder: Path, line: int, column: int) -> CompletionRequest:
    """Return the request that somebody makes by hand at a cursor of a file.

    Lines and columns count from 1, columns count characters. Raises `SourceUnreadable`.
    """
    text = read_source(file)
    path = path_in(file, folder)
    return CompletionRequest(
        text=text,
        offset=offset_of(text, line, column),
        path=path,
        language="" if path else language_of(file.name),
        explicit=True,
    )


def read_source(file: Path) -> str:
    """Return a file's text. Raises `SourceUnreadable`."""
    try:
        text = decode(file.read_bytes())
    except OSError as error:
        raise SourceUnreadable(
            f"{str(file)!r} cannot be read: {error.strerror or error}; check the path"
        ) from error
    if isinstance(text, Skipped):
        raise SourceUnreadable(f"{str(file)!r} is no text ({text.reason}), nothing to complete")
    return text


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a 1-based line and column, -1 where the text has none such.

    The column behind the last character of a line is one, too.
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        return -1
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def path_in(file: Path, folder: Path) -> str:
    """Return the path in the folder with "/", "" outside of it."""
    resolved, root = file.resolve(), folder.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else ""
