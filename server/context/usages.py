"""How the function that is being called at the cursor is called elsewhere in the repository."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from homespun.server.analysis.name_resolution import Files
from homespun.server.analysis.python.outline import logical_line
from homespun.server.prompt.render import Snippet

_MAX_USAGES = 2
_MAX_LOOKED_AT = 40
_MAX_LINES = 4
_MAX_CHARS = 240
_TELLING_CHARS = 4
_SCORE, _STEP = 1.1, 0.05


def usages(files: Files, callee: str) -> Iterator[Snippet]:
    """Yield calls of `callee` in other files, the nearest files first; only if one can be meant."""
    owner, _, name = callee.rpartition(".")
    if len(name) < _TELLING_CHARS:
        return
    is_only = len({symbol.path for symbol in files.index.definitions(name)}) == 1
    found = [call for call in files.index.calls_of(name) if call[0] != files.path]
    found.sort(key=lambda call: (_distance(files.path, call[0]), call))
    seen: set[str] = set()
    for path, line in found[:_MAX_LOOKED_AT]:
        if len(seen) == _MAX_USAGES:
            return
        if path in seen or not (is_only or _imports(files, path, owner or name)):
            continue
        snippet = _call(files, path, line, _SCORE - _STEP * len(seen))
        if snippet is not None:
            seen.add(path)
            yield snippet


def _imports(files: Files, path: str, name: str) -> bool:
    return any(imported.alias == name for imported in files.index.imports(path))


def _call(files: Files, path: str, line: int, score: float) -> Snippet | None:
    lines = files.lines(path)
    if not 0 < line <= len(lines):
        return None
    _, end = logical_line(lines, line - 1)
    text = "\n".join(lines[line - 1 : end])
    if end - line + 1 > _MAX_LINES or len(text) > _MAX_CHARS:
        return None
    return Snippet(path, line, end, text + "\n", round(score, 3), "usage")


def _distance(ours: str, theirs: str) -> int:
    """Return how many folders lie between two files, those of tests further away."""
    relative = posixpath.relpath(posixpath.dirname(theirs) or ".", posixpath.dirname(ours) or ".")
    return relative.count("..") + (10 if "test" in theirs else 0)
