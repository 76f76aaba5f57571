"""Places of the repository as an editor lists them: a URI to open and a line to know them by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from homespun.indexer.packs.names import is_foreign
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.types import SourceLocation
from homespun.showable import showable_line

PREVIEW_CHARS = 100
# Comments, decorators, attributes and imports: they stand before what a place is about.
_LEADING = re.compile(
    r"#|//|/\*|\*(?:\s|/|$)|--|<!--|@|\"\"\"|'''"
    r"|(?:import|from|use|using|package|require|include|namespace)\b"
)
_WORD = re.compile(r"\w")


def described(sources: Iterable[SourceLocation], root: Path | None) -> list[dict[str, object]]:
    """Return sources with "uri" and "preview"; reads files, so not on the event loop.

    `root` is the folder that their paths are relative to; None where it is closed by now.
    """
    if root is None:
        return [source.to_json() | {"uri": None, "preview": ""} for source in sources]
    files = SourceLines(root)
    return [source.to_json() | _seen(source, root, files) for source in sources]


def _seen(source: SourceLocation, root: Path, files: SourceLines) -> dict[str, object]:
    """Return where a source is opened and what it looks like; a package's lines are not here."""
    if source.is_learnt:
        return {"uri": None, "preview": _marked(source, source.path)}
    line = preview(files.lines(source.path, source.start_line, source.end_line))
    uri = None if is_foreign(source.path) else uri_of(root, source.path)
    return {"uri": uri, "preview": _marked(source, line)}


def _marked(source: SourceLocation, line: str) -> str:
    """Return a preview that says the licence of lines that the suggestion is the same as."""
    return f"[the same, licence {source.licence}] {line}" if source.licence else line


def uri_of(root: Path, path: str) -> str:
    """Return the file URI of a path in a folder."""
    return (root / path).absolute().as_uri()


def preview(lines: Sequence[str]) -> str:
    """Return the first line that says what these are about, at most `PREVIEW_CHARS` long."""
    worded = [line.strip() for line in lines if _WORD.search(line)]
    telling = next((line for line in worded if not _LEADING.match(line)), "")
    line = showable_line(telling or next(iter(worded), ""))
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"
