"""Under which name a Python file is imported from another repository; pure, by paths alone.

Below `src`, `lib` or `python` all folders count, else those that are packages up from the file. No
build file is read, so a package without `__init__.py` outside of these is called by its last part.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection

MAX_MODULE_CHARS = 300
_ROOTS = ("src", "lib", "python")
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
# What a repository has beside what it offers to others.
_ASIDE = frozenset(
    """test tests testing doc docs example examples sample samples bench benchmark benchmarks
    script scripts tool tools setup conftest noxfile tasks""".split()
)
_TEST = re.compile(r"test_\w+|\w+_test|conftest")


def module_of(path: str, paths: Collection[str]) -> str:
    """Return the dotted name of a file, "" where others import it under none.

    `paths` are all files of its repository; they should answer `in` quickly.
    """
    stem, dot, ending = path.rpartition(".")
    if not dot or ending not in ("py", "pyi"):
        return ""
    parts = stem.split("/")
    start = _start(parts, paths)
    if not _ASIDE.isdisjoint(parts[:start]):
        return ""
    inside = parts[start:]
    if inside and inside[-1] == "__init__":
        inside = inside[:-1]
    name = ".".join(inside)
    return name if is_offered(name) else ""


def is_offered(name: str) -> bool:
    """Tell whether a repository may offer a module: no test, and nothing of Python's own."""
    if len(name) > MAX_MODULE_CHARS or not _MODULE.fullmatch(name):
        return False
    first, *rest = name.split(".")
    if first in sys.stdlib_module_names or first in _ASIDE or _TEST.fullmatch(first):
        return False
    return not any(part in ("test", "tests") or _TEST.fullmatch(part) for part in rest)


def is_named_so(path: str, module: str, name: str) -> bool:
    """Tell whether a file's path ends as a module's does, or as what is taken from it."""
    stem = "/" + path.rpartition(".")[0].removesuffix("/__init__")
    inside = "/" + module.replace(".", "/")
    return stem.endswith((inside, f"{inside}/{name}"))


def _start(parts: list[str], paths: Collection[str]) -> int:
    """Return the number of the part that a module's name begins with."""
    folders = parts[:-1]
    for number in range(len(folders) - 1, -1, -1):
        is_root = folders[number] == "src" or (number == 0 and folders[0] in _ROOTS)
        if is_root and "/".join([*folders[: number + 1], "__init__.py"]) not in paths:
            return number + 1
    start = len(folders)
    while start and "/".join([*folders[:start], "__init__.py"]) in paths:
        start -= 1
    return start
