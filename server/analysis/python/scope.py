"""The functions and classes around a cursor: their parameters, what they import."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homespun.indexer.types import Import, Symbol
from homespun.server.analysis.python.outline import function_of, indent_of, logical_line

SCOPE_LINES = 400  # above the cursor are read for what binds a name
_LOCAL_IMPORT = re.compile(r"[ \t]+from\s+(\.*[\w.]*)\s+import\s")


class Scope:
    """What stands around the end of a text."""

    def __init__(self, before: str, path: str) -> None:
        """`path` is the document's, in the workspace."""
        self._path = path
        self.lines = before.split("\n")
        self.around = _enclosing(self.lines)  # (kind, name, row), inner first

    def enclosing_class(self) -> Symbol | None:
        """Return the class around the cursor."""
        for kind, name, row in self.around:
            if kind == "class":
                head = self.lines[row].strip()
                return Symbol(name, name, "class", self._path, "python", row + 1, row + 1, head, "")
        return None

    def parameters(self, row: int) -> list[str]:
        """Return the parameters of the function whose head is at a row."""
        function = function_of(logical_line(self.lines, row)[0], row)
        return list(function.params) if function else []

    def local_imports(self) -> list[Import]:
        """Return what the functions around the cursor import."""
        rows = [row for kind, _, row in self.around if kind == "def"]
        if not rows:
            return []
        found: list[Import] = []
        for row in range(max(min(rows), len(self.lines) - SCOPE_LINES), len(self.lines) - 1):
            match = _LOCAL_IMPORT.match(self.lines[row])
            if match:
                text, _ = logical_line(self.lines, row)
                names = text.partition(" import ")[2].strip("() ")
                for part in names.split(","):
                    name, _, alias = part.strip().partition(" as ")
                    if name.isidentifier():
                        found.append(Import(match[1], name, alias.strip() or name, row + 1))
        return found


def _enclosing(lines: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return the functions and classes around the end of a text: (kind, name, row), inner first."""
    found = []
    columns = indent_of(lines[-1]) if lines[-1].strip() else 10_000
    if lines[-1].strip() == "" and lines[-1]:
        columns = len(lines[-1])
    head = re.compile(r"\s*(?:async\s+)?(?P<what>def|class)\s+(?P<name>\w+)")
    own = head.match(lines[-1])
    if own and own["what"] == "def":  # the cursor stands in the head
        found.append(("def", own["name"], len(lines) - 1))
    for row in range(len(lines) - 2, -1, -1):
        line = lines[row]
        if not line.strip() or indent_of(line) >= columns or line.lstrip()[0] in "#)]}":
            continue
        match = head.match(line)
        if match:
            columns = indent_of(line)
            found.append((match["what"], match["name"], row))
        elif row + 1 < len(lines) and not line[0].isspace() and columns == 0:
            break
        else:
            columns = min(columns, indent_of(line)) or columns
        if columns == 0:
            break
    return found
