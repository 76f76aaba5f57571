"""A file's text -> its sites, whatever its language."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from homespun.training.conventions.base.parsed_file import ParsedSource, RepositoryPaths, parse_with
from homespun.training.conventions.base.rule import Rule, Site
from homespun.training.conventions.javascript import rules as javascript
from homespun.training.conventions.python import imports as python_imports
from homespun.training.conventions.python import rules as python


@dataclass(frozen=True, slots=True)
class _Family:
    """The rules of a family of languages."""

    queries: Mapping[str, tuple[str, ...]]  # language -> files of queries
    sites: Callable[[ParsedSource, RepositoryPaths], Iterator[Site]]
    is_asked: Callable[[str], bool]


_FAMILIES = (
    _Family(python.QUERIES, python.sites, python.is_asked),
    _Family(javascript.QUERIES, javascript.sites, javascript.is_asked),
)
_BY_LANGUAGE = {language: family for family in _FAMILIES for language in family.queries}
RULES: Mapping[str, Rule] = {rule.id: rule for rule in (*python.RULES, *javascript.RULES)}
NAMES = {"python": "Python", "javascript": "JavaScript and TypeScript", "csharp": "C#"} | {
    "cpp": "C++",
    "php": "PHP",
    "typescript": "TypeScript",
    "tsx": "TSX",
}


def has_rules(language: str) -> bool:
    """Tell whether a language has rules of its own, beyond names of definitions."""
    return language in _BY_LANGUAGE


def rule_of(id_: str) -> Rule:
    """Return a rule by its ID; raises KeyError for one that no language with rules has."""
    if id_.startswith(python_imports.IMPORT_OF):
        return python_imports.module_rule(id_.removeprefix(python_imports.IMPORT_OF))
    return RULES[id_]


def parse_source(path: str, language: str, text: str) -> ParsedSource | None:
    """Parse a file for its rules; None where there are none or the parser gives up."""
    family = _BY_LANGUAGE.get(language)
    if family is None or not family.is_asked(path):
        return None
    return parse_with(path, language, text, family.queries[language])


def sites_of(file: ParsedSource, repository: RepositoryPaths) -> list[Site]:
    """Return all sites of a file."""
    return list(_BY_LANGUAGE[file.language].sites(file, repository))
