"""Cursors as an editor would have them: the document in two states, and what the rest needs.

- "written": the file as it was while its author wrote this line. What follows in the function is
  not there yet; the functions below it are.
- "finished": the whole file, only the rest of the line is missing.

A cursor is "first" where the document as shown holds the needed name nowhere but in imports, else
"again" (RepoBench's cross_file_first and the rest). "in-file" and "none" are the control groups:
the name is the file's own, or nothing of another file follows on the line.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["written", "finished"]
STATES: tuple[State, ...] = ("written", "finished")
GROUPS = ("first", "again", "in-file", "none")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class NameCursor:
    """One cursor in one state of its document."""

    package: str
    path: str
    line: int  # 1-based
    column: int
    name: str  # what is needed, "" in the group "none"
    how: str
    needs_path: str
    needs_line: int
    state: State
    group: str  # one of GROUPS
    before: str
    after: str
    rest: str  # of the line, which is to be completed

    @property
    def is_cross(self) -> bool:
        """Whether another file defines what is needed."""
        return self.group in ("first", "again")


def load(package: str, file: Path, root: Path) -> list[NameCursor]:
    """Return the cursors of a package in both states, by file and line."""
    rows = json.loads(file.read_text(encoding="utf-8"))[1:]
    texts: dict[str, str] = {}
    ends: dict[str, list[tuple[int, int]]] = {}
    found = []
    for path, line, column, name, how, needs_path, needs_line in rows:
        if path not in texts:
            texts[path] = (root / path).read_text(encoding="utf-8")
            ends[path] = outer_functions(texts[path])
        for state in STATES:
            before, rest, after = cut(texts[path], line, column, state, ends[path])
            group = how if how in ("in-file", "none") else _group(name, before + after)
            found.append(
                NameCursor(
                    package=package,
                    path=path,
                    line=line,
                    column=column,
                    name=name,
                    how=how,
                    needs_path=needs_path,
                    needs_line=needs_line,
                    state=state,
                    group=group,
                    before=before,
                    after=after,
                    rest=rest,
                )
            )
    return found


def cut(
    text: str, line: int, column: int, state: State, functions: list[tuple[int, int]]
) -> tuple[str, str, str]:
    """Return what stands before the cursor, the rest of its line, and what stands after that."""
    lines = text.split("\n")
    before = "\n".join([*lines[: line - 1], lines[line - 1][:column]])
    rest = lines[line - 1][column:]
    end = line
    if state == "written":
        end = max((last for first, last in functions if first <= line <= last), default=line)
    below = lines[end:]
    return before, rest, "\n" + "\n".join(below) if below else ""


def outer_functions(text: str) -> list[tuple[int, int]]:
    """Return the lines of the functions that lie in no other one, decorators included."""
    spans: list[tuple[int, int]] = []
    open_nodes: list[ast.AST] = [ast.parse(text)]
    while open_nodes:
        for node in ast.iter_child_nodes(open_nodes.pop()):
            if isinstance(node, _FUNCTIONS):
                spans.append((node.lineno, node.end_lineno or node.lineno))
            else:
                open_nodes.append(node)
    return spans


def _group(name: str, shown: str) -> str:
    """Tell whether the document holds the name outside of its imports."""
    try:
        tree = ast.parse(shown)
    except SyntaxError:
        return "again" if _outside_imports(name, shown) else "first"
    lines = shown.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for number in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[number] = ""
    return "again" if re.search(rf"\b{re.escape(name)}\b", "\n".join(lines)) else "first"


def _outside_imports(name: str, shown: str) -> bool:
    """Tell the same of a text that does not parse, as most do at a cursor."""
    without = re.sub(
        r"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*\)|[^\n]*)|import[ \t]+[^\n]*)",
        "",
        shown,
        flags=re.MULTILINE,
    )
    return bool(re.search(rf"\b{re.escape(name)}\b", without))
