"""The rules for Python, and where they find their sites."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.training import conventions_python_definitions as definitions
from homespun.training import conventions_python_docs as docs
from homespun.training import conventions_python_errors as errors
from homespun.training import conventions_python_idioms as idioms
from homespun.training import conventions_python_imports as imports
from homespun.training import conventions_python_names as names
from homespun.training import conventions_python_strings as strings
from homespun.training import conventions_python_testing as testing
from homespun.training import conventions_python_types as types
from homespun.training.conventions_page import Page, Repository
from homespun.training.conventions_rules import Rule, Site

QUERIES = {"python": ("conventions_python.scm",)}
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


def sites(page: Page, repository: Repository) -> Iterator[Site]:
    """Yield the sites of all rules in a file."""
    for part in _PARTS:
        yield from part.sites(page, repository)
