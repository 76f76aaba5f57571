"""Python: turning strings, types, imports, calls and statements into their other form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from homespun.training.conventions.base.parsed_file import (
    ParsedSource,
    first_child,
    named_children,
    parent,
)
from homespun.training.conventions.python.testing import ASSERT_METHODS
from homespun.training.probes.rewrites.base import (
    Edit,
    Rewrite,
    indentation,
    is_plain,
    replaced,
    swapped,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_RETURNS = re.compile(r"\breturn[ (]|\byield\b")


# --- types


def _optional(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    hint = node if node.type == "type" else parent(node, "type")
    while hint is not None and (outer := parent(hint, "type")) is not None:
        hint = outer
    if hint is None:
        return None
    text = file.read(hint)
    if form == "optional":
        inner = re.sub(r"\s*\|\s*None$|^None\s*\|\s*", "", text)
        if inner == text or "|" in inner or "None" in inner or "\n" in text:
            return None
        return [replaced(hint, f"Optional[{inner}]")]
    found = re.fullmatch(r"(?:\w+\.)?Optional\[([^\[\]'\"]+(?:\[[^\[\]'\"]*\])?)\]", text)
    return [replaced(hint, f"{found[1]} | None")] if found else None


_TYPING = {"list": "List", "dict": "Dict", "tuple": "Tuple", "set": "Set"} | {
    "frozenset": "FrozenSet",
    "type": "Type",
}
_BUILTIN = {name: builtin for builtin, name in _TYPING.items()}


def _collection(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    name = node if node.type == "identifier" else first_child(node)
    if name is None or name.type != "identifier":
        return None
    other = (_TYPING if form == "typing" else _BUILTIN).get(file.read(name))
    return [replaced(name, other)] if other else None


def _parameters(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    edits = []
    for child in named_children(node.child_by_field_name("parameters")):
        hint = child.child_by_field_name("type")
        if hint is None:
            continue
        name = first_child(child)
        if name is None:
            return None
        value = child.child_by_field_name("value")
        edits.append(Edit(name.end_byte, hint.end_byte, ""))
        if value is not None:
            edits.append(Edit(hint.end_byte, value.start_byte, "="))
    return edits or None


def _returned(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    parameters, hint = (
        node.child_by_field_name("parameters"),
        node.child_by_field_name("return_type"),
    )
    if parameters is None:
        return None
    if form == "missing":
        return [Edit(parameters.end_byte, hint.end_byte, "")] if hint is not None else None
    if _RETURNS.search(file.field(node, "body")):
        return None
    return [Edit(parameters.end_byte, parameters.end_byte, " -> None")]


def _isinstance(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    types = named_children(node.child_by_field_name("arguments"))[-1]
    if form == "bar":
        return [replaced(types, " | ".join(file.read(child) for child in named_children(types)))]
    return [replaced(types, f"({file.read(types).replace(' | ', ', ')})")]


# --- imports


def _own(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    module = node.child_by_field_name("module_name")
    folders = list(PurePosixPath(file.path).parts[:-1])
    if folders[:1] and folders[0] in ("src", "lib", "python"):
        folders = folders[1:]
    if module is None or not folders:
        return None
    name = file.read(module)
    if form == "absolute":
        dots = len(name) - len(name.lstrip("."))
        base = folders[: len(folders) - dots + 1]
        rest = name.lstrip(".")
        return [replaced(module, ".".join([*base, *([rest] if rest else [])]))] if base else None
    parts = name.split(".")
    if folders[0] not in parts[:2]:
        return None
    parts = parts[parts.index(folders[0]) :]
    same = 0
    while same < min(len(parts) - 1, len(folders)) and parts[same] == folders[same]:
        same += 1
    climbed = "." * (len(folders) - same + 1)
    return [replaced(module, climbed + ".".join(parts[same:]))] if same else None


def _module(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    """Import the module by its own name, in place of names of it or another name."""
    if node.type == "import_from_statement":
        name = file.field(node, "module_name")
        return [replaced(node, f"import {name}")]
    names = node.children_by_field_name("name")
    if len(names) != 1 or names[0].type != "aliased_import":
        return None
    return [replaced(names[0], file.field(names[0], "name"))]


def _abstract(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    module = node.child_by_field_name("module_name")
    return [replaced(module, form)] if module is not None else None


# --- classes and functions


def _bases(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    name, listed = node.child_by_field_name("name"), node.child_by_field_name("superclasses")
    if name is None:
        return None
    if form == "bare":
        return [replaced(listed, "")] if listed is not None else None
    return [Edit(name.end_byte, name.end_byte, "(object)")] if listed is None else None


def _super(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    arguments = node.child_by_field_name("arguments")
    owner, function = parent(node, "class_definition"), parent(node, "function_definition")
    if arguments is None or owner is None or function is None:
        return None
    if form == "bare":
        return [replaced(arguments, "()")]
    first = first_child(function.child_by_field_name("parameters") or function)
    if first is None or file.read(first) not in ("self", "cls"):
        return None
    return [replaced(arguments, f"({file.field(owner, 'name')}, {file.read(first)})")]


def _branched(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "flat":
        return _flattened(file, node)
    block = node.parent
    following: list[Node] = []
    sibling = node.next_named_sibling
    while sibling is not None and len(following) < 4:
        following.append(sibling)
        sibling = sibling.next_named_sibling
    is_block = block is not None and block.type == "block"
    if not following or sibling is not None or not is_block or file.is_test:
        return None
    first, last = node.end_point[0] + 1, following[-1].end_point[0]
    if last - node.start_point[0] > 9 or following[0].start_point[0] < first:
        return None
    blanks = indentation(file, node)
    rest = [line for line in file.lines[first : last + 1] if line.strip()]
    indented = "\n".join(f"    {line}" for line in rest)
    end = following[-1].end_byte
    return [Edit(node.end_byte, end, f"\n{blanks}else:\n{indented}")]


def _flattened(file: ParsedSource, node: Node) -> list[Edit] | None:
    clause = node.child_by_field_name("alternative")
    body = clause.child_by_field_name("body") if clause is not None else None
    if clause is None or body is None or body.start_point[0] == clause.start_point[0]:
        return None
    first, last = body.start_point[0], clause.end_point[0]
    if last - node.start_point[0] > 9:
        return None
    blanks = indentation(file, node)
    extra = len(indentation(file, body)) - len(blanks)
    rest = "\n".join(line[extra:] for line in file.lines[first : last + 1])
    start = file.source.rfind(b"\n", 0, clause.start_byte) + 1
    return [Edit(start, clause.end_byte, rest)]


def _looped(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    name, value = node.child_by_field_name("left"), node.child_by_field_name("right")
    if name is None or value is None or name.type != "identifier":
        return None
    if re.search(rf"\b{file.read(name)}\b", file.read(value)):
        return None  # `x = [… for … in x]`
    parts = named_children(value)
    body, clauses = parts[0], parts[1:]
    kinds = [clause.type for clause in clauses]
    if kinds not in (["for_in_clause"], ["for_in_clause", "if_clause"]):
        return None
    if node.child_by_field_name("type") is not None or node.start_point[0] != node.end_point[0]:
        return None
    blanks = indentation(file, node)
    lines = [f"{file.read(name)} = []", f"{blanks}{file.read(clauses[0])}:"]
    deeper = blanks + "    "
    if len(clauses) == 2:
        lines.append(f"{deeper}{file.read(clauses[1])}:")
        deeper += "    "
    lines.append(f"{deeper}{file.read(name)}.append({file.read(body)})")
    return [replaced(node, "\n".join(lines))]


# --- idioms, files


def _empty(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    other = {"[]": "list()", "{}": "dict()", "list()": "[]", "dict()": "{}"}
    return [replaced(node, other[file.read(node)])]


def _keywords(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    pairs = named_children(node)
    if node.start_point[0] != node.end_point[0] or any(pair.type != "pair" for pair in pairs):
        return None
    given = [f"{file.field(pair, 'key')[1:-1]}={file.field(pair, 'value')}" for pair in pairs]
    return [replaced(node, f"dict({', '.join(given)})")]


def _length(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    text = file.read(node)
    if form == "length":
        return [replaced(node, f"len({text.removeprefix('not ')}) == 0")]
    name = re.match(r"len\(([\w.]+)\) ?(==|!=|>|<|>=) ?([01])", text)
    if name is None:
        return None
    is_empty = (name[2], name[3]) in (("==", "0"), ("<", "1"))
    return [replaced(node, f"not {name[1]}" if is_empty else name[1])]


_OS_OF = {"is_file": "isfile", "is_dir": "isdir", "is_absolute": "isabs"}
_PATHLIB_OF = {"isfile": "is_file", "isdir": "is_dir", "exists": "exists"} | {
    "isabs": "is_absolute"
}


def _path(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    function = node.child_by_field_name("function")
    if function is None or function.type != "attribute":
        return None
    owner, name = file.field(function, "object"), file.field(function, "attribute")
    given = [file.read(child) for child in named_children(node.child_by_field_name("arguments"))]
    if form == "os":
        if name not in _OS_OF:
            return None
        return [replaced(node, f"os.path.{_OS_OF[name]}({', '.join([owner, *given])})")]
    if name in _PATHLIB_OF and len(given) == 1:
        return [replaced(node, f"Path({given[0]}).{_PATHLIB_OF[name]}()")]
    if name == "join" and len(given) > 1 and all(is_plain(one.strip("\"'")) for one in given):
        return [replaced(node, " / ".join([f"Path({given[0]})", *given[1:]]))]
    ending = {"dirname": "parent", "basename": "name"}.get(name)
    return [replaced(node, f"Path({given[0]}).{ending}")] if ending and len(given) == 1 else None


def _encoding(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    given = named_children(node.child_by_field_name("arguments"))
    if form == "given":
        return [Edit(node.end_byte - 1, node.end_byte - 1, ', encoding="utf-8"')]
    for before, child in zip(given, given[1:], strict=False):
        if file.read(child).startswith("encoding="):
            return [Edit(before.end_byte, child.end_byte, "")]
    return None


# --- tests


def _asserted(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "assert":
        function = file.field(node, "function").removeprefix("self.")
        given = [file.read(one) for one in named_children(node.child_by_field_name("arguments"))]
        shape = ASSERT_METHODS.get(function, "")
        if not shape or len(given) != shape.count("{") or any("\n" in one for one in given):
            return None
        return [replaced(node, "assert " + shape.format(*given))]
    condition = first_child(node)
    if condition is None or len(named_children(node)) != 1 or "\n" in file.read(node):
        return None
    return [replaced(node, f"self.{_method(file, condition)}")]


_METHODS: Mapping[str, str] = {"==": "assertEqual", "!=": "assertNotEqual", "in": "assertIn"} | {
    "not in": "assertNotIn",
    "is": "assertIs",
    "is not": "assertIsNot",
    ">": "assertGreater",
    "<": "assertLess",
}


def _method(file: ParsedSource, condition: Node) -> str:
    text = file.read(condition)
    if condition.type == "comparison_operator" and condition.named_child_count == 2:
        left, right = condition.named_children
        sign = file.source[left.end_byte : right.start_byte].decode().strip()
        if sign in _METHODS:
            return f"{_METHODS[sign]}({file.read(left)}, {file.read(right)})"
    if condition.type == "not_operator":
        return f"assertFalse({text.removeprefix('not ')})"
    return f"assertTrue({text})"


def _expected(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    function = node.child_by_field_name("function")
    if function is None or "match=" in file.read(node):
        return None
    if form == "unittest":
        return [replaced(function, "self.assertRaises")]
    return [replaced(function, "pytest.raises")] if file.read(function).endswith("Raises") else None


def _fixture(file: ParsedSource, node: Node, form: str) -> list[Edit]:
    text = file.read(node)
    return [replaced(node, f"{text}()" if form == "brackets" else text.removesuffix("()"))]


def _parametrized(file: ParsedSource, node: Node, form: str) -> list[Edit] | None:
    if form == "text":
        names = [file.read(child)[1:-1] for child in named_children(node)]
        return [replaced(node, f'"{", ".join(names)}"')]
    text = file.read(node)
    quote = text[0]
    names = [name.strip() for name in text[1:-1].split(",")]
    return [replaced(node, "(" + ", ".join(f"{quote}{name}{quote}" for name in names) + ")")]


REWRITES: Mapping[str, Rewrite] = {
    "python/optional": Rewrite(swapped("bar", "optional"), _optional),
    "python/generic-collections": Rewrite(swapped("builtin", "typing"), _collection),
    "python/parameter-types": Rewrite({"all": "none"}, _parameters),
    "python/return-types": Rewrite(swapped("annotated", "missing"), _returned),
    "python/test-return-types": Rewrite(swapped("annotated", "missing"), _returned),
    "python/isinstance-of-several": Rewrite(swapped("tuple", "bar"), _isinstance),
    "python/own-imports": Rewrite(swapped("relative", "absolute"), _own),
    "python/abstract-collections": Rewrite(swapped("collections.abc", "typing"), _abstract),
    "python/class-bases": Rewrite({"bare": "object", "object": "bare", "brackets": "bare"}, _bases),
    "python/super-call": Rewrite(swapped("bare", "arguments"), _super),
    "python/early-return": Rewrite(swapped("flat", "nested"), _branched),
    "python/lists-from-loops": Rewrite({"comprehension": "loop"}, _looped),
    "python/empty-collections": Rewrite(swapped("literal", "call"), _empty),
    "python/dict-from-keywords": Rewrite({"literal": "call"}, _keywords),
    "python/emptiness": Rewrite(swapped("truth", "length"), _length),
    "python/paths": Rewrite(swapped("pathlib", "os"), _path),
    "python/open-encoding": Rewrite(swapped("given", "missing"), _encoding),
    "python/assertions": Rewrite(swapped("assert", "method"), _asserted),
    "python/expected-errors": Rewrite(swapped("pytest", "unittest"), _expected),
    "python/fixture-brackets": Rewrite(swapped("bare", "brackets"), _fixture),
    "python/parametrize-names": Rewrite(
        {"text": "tuple", "tuple": "text", "list": "text"}, _parametrized
    ),
}
IMPORT_OF = Rewrite({"*": "the module"}, _module, gives_away=True)
