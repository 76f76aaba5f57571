"""One word for one thing: what a class or a limit may be called."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.layout.house import ROOT, relative, sources

_LIMIT = re.compile(r"_?(MOST|LEAST)(_|$)|.*_(MOST|LEAST)$")


def named() -> list[Path]:
    """Every file whose names are read beside each other: the rooms, the jobs and bench/."""
    return [*sources(), *sorted((ROOT / "bench").rglob("*.py"))]


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def classes(path: Path) -> Iterator[str]:
    """The classes that a file defines, private ones and those inside of others as well."""
    return (node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef))


def constants(path: Path) -> Iterator[str]:
    """The names that a file gives values to at its top level."""
    for node in parsed(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_a_class_name_means_one_thing_in_the_whole_house():
    where = defaultdict(list)
    for path in named():
        for name in classes(path):
            where[name].append(relative(path))
    assert len(where) > 400
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_limit_is_called_max_or_min():
    found = {(relative(path), name) for path in named() for name in constants(path)}
    assert ("homespun/parsing.py", "MAX_DEPTH") in found
    assert {(path, name) for path, name in found if _LIMIT.match(name)} == set()
