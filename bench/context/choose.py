"""Cursors before names of other files, chosen once and kept in `cursors/`. Needs jedi only.

    python -m bench.context.choose ROOT --sys-path . mcp-types --seed 1 --out OUT.json

What a name means is jedi's word (`goto` through imports and re-exports, receivers inferred), not
that of the product's lookup. A name counts when it has exactly one meaning, a class, function or
assignment of the package, and stands in a function. Also chosen: names that the same file defines
("in-file"), and tokens behind which nothing of the package's other files follows ("none").
Lines whose text stands a second time in the package are left out: a copy would answer them.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import jedi

_SIDELINES = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|migrations|_vendor)/|_pb2|conftest|setup\.py"
)
_MIN_REST = 3
_MAX_REST = 100
_OF_A_FILE = 24  # tried for each stratum, so that long files do not crowd the others out
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A cursor; `needs_*` is where the name right of it is defined."""

    path: str
    line: int  # 1-based
    column: int  # in code points, of the name's first character
    name: str  # "" where nothing is needed
    how: str  # how the name is reached; "in-file", "none"
    needs_path: str
    needs_line: int


class ParsedPackage:
    """All files of a root, parsed, and which names they define."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[str, str] = {}
        self.trees: dict[str, ast.Module] = {}
        self.defined: dict[str, set[str]] = {}  # name -> files that define it anywhere
        self.lines: Counter[str] = Counter()
        for file in sorted(root.rglob("*.py")):
            path = file.relative_to(root).as_posix()
            text = file.read_text(encoding="utf-8")
            self.texts[path], self.trees[path] = text, ast.parse(text)
            self.lines.update(line.strip() for line in text.split("\n"))
            for name in _defined(self.trees[path]):
                self.defined.setdefault(name, set()).add(path)

    def elsewhere(self, name: str, path: str) -> bool:
        """Tell whether a file other than `path` defines the name."""
        return bool(self.defined.get(name, set()) - {path})


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from _target_names(target)


def _target_names(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute):
        yield target.attr


def main() -> int:
    """Write the cursors of one package."""
    args = _arguments()
    root = Path(args.root).resolve()
    package = ParsedPackage(root)
    places = [str((root / place).resolve()) for place in args.sys_path]
    project = jedi.Project(str(root), added_sys_path=places, smart_sys_path=False)
    rng = random.Random(args.seed)
    chosen: list[Chosen] = []
    for path, tree in package.trees.items():
        if not _SIDELINES.search(path):
            script = jedi.Script(code=package.texts[path], path=str(root / path), project=project)
            chosen += _of_file(package, path, tree, script, rng)
            print(f"{path}: {len(chosen)}", file=sys.stderr)
    kept = _sampled(chosen, rng, cross=args.cross, others=args.others)
    rows = ",\n".join(json.dumps(astuple(cursor)) for cursor in kept)
    head = json.dumps([field.name for field in fields(Chosen)])
    Path(args.out).write_text(f"[\n{head},\n{rows}\n]\n", encoding="utf-8")
    print(Counter(cursor.how for cursor in kept), file=sys.stderr)
    return 0


def _of_file(
    package: ParsedPackage, path: str, tree: ast.Module, script: jedi.Script, rng: random.Random
) -> Iterator[Chosen]:
    lines = package.texts[path].split("\n")
    bound = _imported_names(tree)
    cross: list[tuple[ast.expr, int, int, str]] = []
    inside: list[tuple[ast.expr, int, int, str]] = []
    others: list[tuple[int, int]] = []
    for node, line, column, name in _uses(tree):
        rest = lines[line - 1][column:].rstrip()
        if not _is_fit(package, lines[line - 1], rest):
            continue
        is_cross = isinstance(node, ast.Attribute) or name in bound
        if is_cross and package.elsewhere(name, path):
            cross.append((node, line, column, name))
        elif path in package.defined.get(name, ()):
            inside.append((node, line, column, name))
        if not any(
            word in bound or package.elsewhere(word, path) for word in re.findall(r"\w+", rest)
        ):
            others.append((line, column))
    for group, here in ((cross, False), (inside, True)):
        for node, line, column, name in rng.sample(group, min(_OF_A_FILE, len(group))):
            place = _meaning(script, line, column, package.root)
            if place is None or (place[0] == path) != here:
                continue
            how = "in-file" if here else _how(node, tree, script)
            yield Chosen(path, line, column, name, how, *place)
    for line, column in rng.sample(others, min(_OF_A_FILE // 3, len(others))):
        yield Chosen(path, line, column, "", "none", "", 0)


def _is_fit(package: ParsedPackage, line: str, rest: str) -> bool:
    is_alone = package.lines[line.strip()] == 1
    return _MIN_REST <= len(rest) <= _MAX_REST and line.isascii() and is_alone


def _uses(tree: ast.Module) -> Iterator[tuple[ast.expr, int, int, str]]:
    """Yield names read inside of functions, with the place of their first character."""
    seen: set[tuple[int, int]] = set()
    for function in ast.walk(tree):
        if not isinstance(function, _FUNCTIONS):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                place = (node.lineno, node.col_offset, node.id)
            elif isinstance(node, ast.Attribute) and node.end_col_offset is not None:
                line = node.end_lineno or node.lineno
                place = (line, node.end_col_offset - len(node.attr), node.attr)
            else:
                continue
            if place[:2] not in seen and place[2] not in ("self", "cls"):
                seen.add(place[:2])
                yield node, *place


def _imported_names(tree: ast.Module) -> set[str]:
    return {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }


def _meaning(script: jedi.Script, line: int, column: int, root: Path) -> tuple[str, int] | None:
    """Return (file, line) of the one definition that a name has, None where it is not certain."""
    try:
        found = script.goto(line, column, follow_imports=True)
    except Exception as error:  # noqa: BLE001 - jedi gives up on odd code in many ways
        print(f"jedi: {type(error).__name__}", file=sys.stderr)
        return None
    places = set()
    for name in found:
        if name.module_path is None or not name.module_path.is_relative_to(root):
            return None
        if name.type not in ("class", "function", "statement", "property"):
            return None
        places.add((name.module_path.relative_to(root).as_posix(), name.line))
    return places.pop() if len(places) == 1 else None


def _how(node: ast.expr, tree: ast.Module, script: jedi.Script) -> str:
    """Name the way from the cursor to the definition, by the form of the receiver."""
    if isinstance(node, ast.Name):
        return "imported name"
    assert isinstance(node, ast.Attribute)
    owner = node.value
    if isinstance(owner, ast.Attribute) and _is_self(owner.value):
        return "self.x.name"
    if not isinstance(owner, ast.Name):
        return "chain"
    if _is_self(owner):
        return "inherited"
    kinds = {found.type for found in script.infer(owner.lineno, owner.col_offset)}
    if "module" in kinds:
        return "module attribute"
    return _binding(owner, tree)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _binding(owner: ast.Name, tree: ast.Module) -> str:
    """Name how the variable `owner` was last bound in its function."""
    around = [
        f
        for f in ast.walk(tree)
        if isinstance(f, _FUNCTIONS) and f.lineno <= owner.lineno <= (f.end_lineno or f.lineno)
    ]
    for function in sorted(around, key=lambda f: -f.lineno):
        found = [
            (place, how) for place, how in _bindings(function, owner.id) if place <= owner.lineno
        ]
        if found:
            return max(found)[1]
    return "class attribute" if owner.id in _imported_names(tree) else "variable"


def _bindings(function: ast.AST, name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.arg) and node.arg == name:
            yield node.lineno, "annotation" if node.annotation else "variable"
        elif isinstance(node, ast.AnnAssign) and _is_named(node.target, name):
            yield node.lineno, "annotation"
        elif isinstance(node, ast.Assign) and any(_is_named(t, name) for t in node.targets):
            yield node.lineno, _of_value(node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            if _is_named(node.target, name):
                yield node.target.lineno, "loop"
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            if _is_named(node.optional_vars, name):
                yield node.optional_vars.lineno, "with"
        elif isinstance(node, ast.ExceptHandler) and node.name == name:
            yield node.lineno, "except"


def _of_value(value: ast.expr) -> str:
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return "variable"
    callee = value.func
    last = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
    return "constructor" if last.lstrip("_")[:1].isupper() else "return type"


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _sampled(chosen: list[Chosen], rng: random.Random, *, cross: int, others: int) -> list[Chosen]:
    groups = {
        "cross": [c for c in chosen if c.how not in ("in-file", "none")],
        "in-file": [c for c in chosen if c.how == "in-file"],
        "none": [c for c in chosen if c.how == "none"],
    }
    kept = [
        cursor
        for group, found in groups.items()
        for cursor in rng.sample(found, min(cross if group == "cross" else others, len(found)))
    ]
    return sorted(kept, key=lambda c: (c.path, c.line, c.column))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", help="the package's source folder")
    parser.add_argument("--sys-path", nargs="+", default=["."], help="below the root")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cross", type=int, default=700)
    parser.add_argument("--others", type=int, default=120)
    parser.add_argument("--out", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
