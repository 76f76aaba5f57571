"""One definition that the cursor needs, or the heads of several of a file -> a snippet."""

from __future__ import annotations

from homespun.indexer.types import Region, Symbol
from homespun.server.analysis.name_resolution import Files
from homespun.server.context.candidates import Need
from homespun.server.context.snippet_text import definition, python_class
from homespun.server.prompt.render import Snippet


def needed(files: Files, need: Need, window: Region) -> Snippet | None:
    """Return a definition as a snippet; None where the prompt shows it anyway."""
    symbol = need.symbol
    is_own = symbol.path == files.path
    start, end = symbol.start_line, symbol.end_line
    if need.listed:
        start = min(each.start_line for each in need.listed)
        end = max(each.end_line for each in need.listed)
        text = _listed(need)
    elif need.read is not None and need.members is not None:
        names = need.members
        end = max(end, need.read.end_row + 1)
        if is_own:
            rows = {n: need.read.members[n].row + 1 for n in names}
            names = tuple(n for n in names if not overlaps(window, symbol.path, rows[n], rows[n]))
            if not names:
                return None
            start = end = min(rows[n] for n in names)
        text = python_class(symbol, need.read, names)
    elif is_own and overlaps(window, symbol.path, start, end):
        return None
    else:
        text = definition(files, symbol, body=need.body)
    kind = "far" if is_own else "definition"
    return Snippet(symbol.path, start, end, text, round(need.score, 3), kind)


def _listed(need: Need) -> str:
    """Return a line for each definition, in the order of the source: what it is and its name."""
    ordered = sorted(need.listed, key=lambda symbol: symbol.start_line)
    return "\n".join(_named(symbol) for symbol in ordered) + "\n"


def _named(symbol: Symbol) -> str:
    if symbol.kind == "class":
        return f"class {symbol.name}: ..."
    if symbol.kind in ("function", "method"):
        return f"{'async ' * symbol.signature.startswith('async')}def {symbol.name}(...): ..."
    return f"{symbol.name} = ..."


def overlaps(region: Region, path: str, start: int, end: int) -> bool:
    """Tell whether lines of a file are in a region."""
    same = bool(path) and region.path == path
    return same and start <= region.end_line and end >= region.start_line
