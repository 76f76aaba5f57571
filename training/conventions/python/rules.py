"""The rules for Python, and where they find their sites."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.training.conventions.base.parsed_file import ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Rule, Site
from homespun.training.conventions.python import (
    definitions,
    docs,
    errors,
    idioms,
    imports,
    names,
    strings,
    testing,
    types,
)

QUERIES = {"python": ("python/python.scm",)}
_PARTS = (names, imports, strings, errors, docs, types, definitions, idioms, testing)
RULES: tuple[Rule, ...] = tuple(rule for part in _PARTS for rule in part.RULES)


_NOT_ASKED = re.compile(
    r".*\.py[ix]|(?:.*/)?migrations/\d{4}_\w+\.py|(?:.*/)?docs?/(?:\w+/)?conf\.py"
)


def is_asked(path: str) -> bool:
    """Tell whether people write a file as they like.

    Stubs, Cython, Django's migrations and Sphinx's settings have rules of their own.
    """
    return _NOT_ASKED.fullmatch(path) is None


def sites(file: ParsedSource, repository: RepositoryPaths) -> Iterator[Site]:
    """Yield the sites of all rules in a file."""
    for part in _PARTS:
        yield from part.sites(file, repository)
