"""Languages without rules of their own: how their definitions and files are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from homespun.indexer.types import ParsedFile
from homespun.training.conventions.base.name_cases import CASES, case_of
from homespun.training.conventions.base.rule import Rule, Site

_KINDS = {
    "function": "functions",
    "method": "methods",
    "class": "classes",
    "struct": "classes",
    "interface": "types",
    "trait": "types",
    "enum": "types",
    "type": "types",
    "constant": "constants",
    "module": "modules",
    "field": "fields",
    "property": "fields",
}


def rule_of(language: str, what: str) -> Rule:
    """Return the rule that asks how one kind of thing is called in a language."""
    return Rule(f"{language}/{what}-names", "naming", what, CASES)


def sites(parsed: ParsedFile) -> Iterator[tuple[Rule, Site]]:
    """Yield the names of a file's definitions, and its own."""
    for symbol in parsed.symbols:
        what = _KINDS.get(symbol.kind)
        case = case_of(symbol.name) if what else None
        if what and case:
            if (
                what in ("classes", "types")
                and symbol.name[:1].isupper()
                and "_" not in symbol.name
            ):
                case = "pascal"  # `URL` and `T` are called like other types
            rule = rule_of(parsed.language, what)
            yield rule, Site(rule.id, case, symbol.start_line)
    case = case_of(PurePosixPath(parsed.path).name.split(".")[0])
    if case is not None:
        rule = rule_of(parsed.language, "files")
        yield rule, Site(rule.id, case, 1)
