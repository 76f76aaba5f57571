"""Import statements -> `Import`s; resolve.py says which file of the repository one means.

Captures: `@import.module` with `@import.name` and `@import.alias`; `@import.default` (the default
export, bound to that name); `@import.relative` (a path that starts at the file's folder);
`@import.tree` and `@import.statement` (read from their text); `@import.submodule` (Rust `mod x;`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from homespun.indexer.imports.resolve import resolve_import
from homespun.indexer.types import Import

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["read_imports", "resolve_import", "text_of"]

Captures = dict[str, "list[Node]"]

_MAX_STATEMENT_CHARS = 20_000
_MAX_BRACES = 200  # nesting is read by recursion
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def read_imports(language: str, found: Iterable[Captures], source: bytes) -> list[Import]:
    """Return the imports among the captures, in the order of the source."""
    imports: dict[tuple[int, str, str, str], Import] = {}
    for captures in found:
        for imported in _read(language, captures, source):
            key = (imported.line, imported.module, imported.name, imported.alias)
            imports.setdefault(key, imported)
    return sorted(_without_shadows(list(imports.values())), key=lambda imported: imported.line)


def _without_shadows(imports: list[Import]) -> list[Import]:
    """Drop what two patterns gave twice: a name once with and once without alias, a bare module."""
    renamed = {(i.line, i.module, i.name) for i in imports if i.name and i.alias != i.name}
    bound = {(i.line, i.module) for i in imports if i.alias != i.module}
    return [
        i
        for i in imports
        if (i.alias != i.name or (i.line, i.module, i.name) not in renamed)
        and (i.name or i.alias != i.module or (i.line, i.module) not in bound)
    ]


def _read(language: str, captures: Captures, source: bytes) -> Iterator[Import]:
    for key in ("tree", "statement"):
        if f"import.{key}" in captures:
            node = captures[f"import.{key}"][0]
            text = _COMMENT.sub(" ", text_of(node, source)[:_MAX_STATEMENT_CHARS])
            if text.count("{") <= _MAX_BRACES:
                yield from _READERS[language](text, node.start_point[0] + 1)
            return
    if "import.submodule" in captures:
        node = captures["import.submodule"][0]
        name = text_of(node, source)
        yield Import("self", name, name, node.start_point[0] + 1)
        return
    yield _captured(language, captures, source)


def _captured(language: str, captures: Captures, source: bytes) -> Import:
    module = _module(language, captures, source)
    name = _first(captures, "name", source).strip("\"'`")
    alias = _first(captures, "alias", source).removeprefix(":")
    if "import.default" in captures:
        name, alias = "default", _first(captures, "default", source)
    if not alias:
        alias = name or (module.rsplit("/", 1)[-1] if language == "go" else module)
    nodes = captures.get("import.name") or captures.get("import.default")
    node = (nodes or captures.get("import.module") or captures["import.relative"])[0]
    return Import(module, name, alias, node.start_point[0] + 1)


def _module(language: str, captures: Captures, source: bytes) -> str:
    if "import.relative" in captures:
        path = _first(captures, "relative", source).strip("\"'")
        if language == "bash":
            return path
        return path if path.startswith(".") else "./" + path.lstrip("/")
    text = _first(captures, "module", source)
    if language in ("c", "cpp"):
        return text.strip('<>"')
    return text.strip("\"'`") if language != "python" else "".join(text.split())


def _first(captures: Captures, key: str, source: bytes) -> str:
    nodes = captures.get(f"import.{key}")
    return text_of(nodes[0], source) if nodes else ""


def text_of(node: Node, source: bytes) -> str:
    """Return the text of a node; `node.text` asks the parser's reader again, 20 times slower."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


# --- statements that are read from their text


def _rust(text: str, line: int) -> Iterator[Import]:
    yield from _expanded(text, line, separator="::")


def _java(text: str, line: int) -> Iterator[Import]:
    body = re.sub(r"^\s*import\s+(?:static\s+)?|;\s*$", "", text)
    yield from _expanded("".join(body.split()), line, separator=".")


def _kotlin(text: str, line: int) -> Iterator[Import]:
    yield from _expanded(re.sub(r"^\s*import\s+", "", text), line, separator=".")


def _scala(text: str, line: int) -> Iterator[Import]:
    for part in _split_outside_braces(re.sub(r"^\s*import\s+", "", text)):
        renamed = re.sub(r"\s*=>\s*", " as ", part)
        yield from _expanded(re.sub(r"(?<![\w$])_(?![\w$])", "*", renamed), line, separator=".")


def _php(text: str, line: int) -> Iterator[Import]:
    body = re.sub(r"^\s*use\s+(?:function\s+|const\s+)?|;\s*$", "", text)
    for part in _split_outside_braces(body):
        yield from _expanded(part.lstrip("\\"), line, separator="\\")


def _csharp(text: str, line: int) -> Iterator[Import]:
    body = re.sub(r"^\s*(?:global\s+)?using\s+|;\s*$", "", text).strip()
    if body.startswith("static "):
        module = "".join(body.split()[1:])
        yield Import(module, "*", "*", line)
        return
    alias, equals, module = body.rpartition("=")
    module = "".join(module.split())
    yield Import(module, "", alias.strip() if equals else module, line)


_ELIXIR = re.compile(
    r"\s*(?P<what>alias|import|use|require)[\s(]+(?P<module>[A-Z_][\w.]*?)\.?"
    r"(?:\{(?P<inside>[^}]*)\})?\s*(?:,|\)|$)"
)
_ELIXIR_ALIAS = re.compile(r"\bas:\s*([\w.]+)")


def _elixir(text: str, line: int) -> Iterator[Import]:
    found = _ELIXIR.match(text)
    if found is None:
        return  # `import unquote(module)`
    module = found["module"]
    if found["what"] == "import":
        yield Import(module, "*", "*", line)
        return
    inside = (found["inside"] or "").split(",")
    alias = _ELIXIR_ALIAS.search(text)
    for part in (part.strip() for part in inside):
        whole = f"{module}.{part}" if part else module
        yield Import(whole, "", alias[1] if alias else whole.rpartition(".")[2], line)


_HASKELL = re.compile(
    r"import\s+(?:safe\s+)?(?P<qualified>qualified\s+)?(?:\"[^\"]*\"\s*)?(?P<module>[A-Z][\w.']*)"
    r"(?P<later>\s+qualified)?(?:\s+as\s+(?P<alias>[\w.]+))?"
    r"(?P<hiding>\s+hiding)?\s*(?:\((?P<names>.*)\))?",
    re.DOTALL,
)
_HASKELL_COMMENT = re.compile(r"--[^\n]*|\{-.*?-\}", re.DOTALL)
_PARENTHESES = re.compile(r"\([^()]*\)")


def _haskell(text: str, line: int) -> Iterator[Import]:
    found = _HASKELL.match(_HASKELL_COMMENT.sub(" ", text))
    if found is None:
        return
    module = found["module"]
    if found["qualified"] or found["later"] or found["alias"]:
        yield Import(module, "", found["alias"] or module, line)
    if found["qualified"] or found["later"]:
        return
    if found["names"] is None or found["hiding"]:
        yield Import(module, "*", "*", line)
        return
    for part in _PARENTHESES.sub("", found["names"]).split(","):
        name = part.strip().removeprefix("type ").removeprefix("pattern ").strip()
        if name:
            yield Import(module, name, name, line)


_READERS: dict[str, Callable[[str, int], Iterator[Import]]] = {
    "csharp": _csharp,
    "elixir": _elixir,
    "haskell": _haskell,
    "java": _java,
    "kotlin": _kotlin,
    "php": _php,
    "rust": _rust,
    "scala": _scala,
}


def _expanded(text: str, line: int, *, separator: str) -> Iterator[Import]:
    """`a::{b, c::d as e}` -> a::b and a::c::d, bound to e."""
    for path, alias in _paths(text.strip(), "", separator):
        if path.endswith(separator + "self"):
            path = path[: -len(separator) - 4]
        module, _, name = path.rpartition(separator)
        if not module:
            module, name = name, ""
        yield Import(module, name, alias or name or module, line)


def _paths(text: str, prefix: str, separator: str) -> Iterator[tuple[str, str]]:
    head, brace, rest = text.partition("{")
    if brace:
        for part in _split_outside_braces(rest.rstrip().removesuffix("}")):
            yield from _paths(part, prefix + "".join(head.split()), separator)
        return
    path, _, alias = re.sub(r"\s+", " ", text).strip().partition(" as ")
    if path:
        yield prefix + path.replace(" ", ""), alias.strip()


def _split_outside_braces(text: str) -> Iterator[str]:
    depth = start = 0
    for index, character in enumerate(text):
        if character == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
        depth += (character == "{") - (character == "}")
    yield text[start:].strip()
