"""The rules that only TypeScript has."""

from __future__ import annotations

from collections.abc import Iterator

from homespun.training.conventions.base.name_cases import CASES, case_of
from homespun.training.conventions.base.parsed_file import ParsedSource, parent
from homespun.training.conventions.base.rule import Rule, Site

RULES = (
    Rule("javascript/type-names", "naming", "types and interfaces", CASES),
    Rule(
        "javascript/interface-prefix",
        "naming",
        "interfaces are called",
        {"plain": "Thing", "prefix": "IThing"},
    ),
    Rule(
        "javascript/type-imports",
        "imports",
        "types are taken in with",
        {"type": "import type { T }", "inline": "import { type T }"},
    ),
    Rule(
        "javascript/object-types",
        "types",
        "shapes of objects",
        {"interface": "interface A { … }", "alias": "type A = { … }"},
    ),
    Rule(
        "javascript/array-types",
        "types",
        "arrays",
        {"brackets": "T[]", "generic": "Array<T>"},
    ),
    Rule(
        "javascript/unknown-types",
        "types",
        "what can be anything",
        {"unknown": "unknown", "any": "any"},
    ),
    Rule(
        "javascript/absent-values",
        "types",
        "a value that may be absent",
        {"undefined": "T | undefined", "null": "T | null"},
    ),
    Rule(
        "javascript/choices",
        "types",
        "one of a few values",
        {"enum": "enum", "const-enum": "const enum"},
    ),
)


def sites(file: ParsedSource) -> Iterator[Site]:
    """Yield the sites of a TypeScript file."""
    for node in file.nodes("interface"):
        name = file.field(node, "name")
        form = "prefix" if name[:1] == "I" and name[1:2].isupper() and name[2:] else "plain"
        yield file.site("javascript/interface-prefix", form, node)
        yield file.site("javascript/object-types", "interface", node)
    for node in file.nodes("alias"):
        value = node.child_by_field_name("value")
        if value is not None and value.type == "object_type":
            yield file.site("javascript/object-types", "alias", node)
    for node in file.nodes("interface", "alias"):
        case = case_of(file.field(node, "name"))
        if case is not None:
            yield file.site("javascript/type-names", case, node)
    for node in file.nodes("import"):
        text = file.read(node)
        if text.startswith("import type"):
            yield file.site("javascript/type-imports", "type", node)
        elif "{ type " in text or ", type " in text:
            yield file.site("javascript/type-imports", "inline", node)
    yield from _within_types(file)


def _within_types(file: ParsedSource) -> Iterator[Site]:
    for node in file.nodes("array"):
        yield file.site("javascript/array-types", "brackets", node)
    for node in file.nodes("generic"):
        around = node.parent
        if around is not None and file.read(node) == "Array":
            yield file.site("javascript/array-types", "generic", around)
    for node in file.nodes("predefined"):
        name = file.read(node)
        if name in ("any", "unknown"):
            yield file.site("javascript/unknown-types", name, node)
    for node in file.nodes("literal"):
        name = file.read(node)
        if name in ("null", "undefined") and parent(node, "union_type") is not None:
            yield file.site("javascript/absent-values", name, node)
    for node in file.nodes("enum"):
        form = "const-enum" if file.read(node).startswith("const") else "enum"
        yield file.site("javascript/choices", form, node)
