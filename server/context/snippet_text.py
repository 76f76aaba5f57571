"""How a definition is shown in a prompt: head, doc line, the members that matter, a short body."""

from __future__ import annotations

from collections.abc import Collection

from homespun.indexer.packs.names import is_foreign
from homespun.indexer.types import Symbol
from homespun.server.analysis.name_resolution import CLASSES, Files
from homespun.server.analysis.python.outline import Class, Member
from homespun.server.context.limits import BY_NEED, DefinitionLimits

_MAX_HEAD_CHARS = 100  # of a member in the list of a class
_MAX_FIELD_CHARS = 80


def definition(files: Files, symbol: Symbol, *, body: bool) -> str:
    """Return a definition's head and doc line under its class's head, or all of it where short."""
    parent = files.parent(symbol)
    lines = head(parent.signature, symbol.language, 0) if parent else []
    if body:
        whole = _short_body(files, symbol)
        if whole:
            return "\n".join([*lines, *whole]) + "\n"
    depth = 4 if parent else 0
    is_class = symbol.kind in CLASSES
    lines += head(symbol.signature, symbol.language, depth, doc=symbol.doc, body=is_class)
    return "\n".join(lines) + "\n"


def _short_body(files: Files, symbol: Symbol) -> list[str]:
    if not is_short(symbol, BY_NEED):
        return []
    lines = files.lines(symbol.path)[symbol.start_line - 1 : symbol.end_line]
    if is_foreign(symbol.path):  # of another repository heads alone may be known
        lines = [line for line in lines if line.strip()]
        lines = lines if len(lines) > 1 else []
    return lines if any(symbol.name in line for line in lines) else []


def is_short(symbol: Symbol, limits: DefinitionLimits) -> bool:
    """Say whether a definition is so short that all of it is shown."""
    is_class = symbol.kind in CLASSES
    most = limits.short_class_lines if is_class else limits.short_function_lines
    return symbol.end_line - symbol.start_line < most


def python_class(symbol: Symbol, read: Class, chosen: Collection[str]) -> str:
    """Return a class's head with the chosen members, in the order of the source."""
    signature = symbol.signature if symbol.signature.startswith("class") else f"class {symbol.name}"
    lines = head(signature, "python", 0, doc=symbol.doc, body=True)
    lines += [f"    {member_line(m)}" for m in read.members.values() if m.name in chosen]
    return "\n".join(lines) + "\n"


def member_line(member: Member) -> str:
    """Return one line for a member."""
    if member.function is not None and member.kind in ("method", "property"):
        decorator = next(
            (
                f"@{d.split('(')[0]} "
                for d in member.function.decorators
                if d in ("property", "classmethod", "staticmethod", "cached_property")
            ),
            "",
        )
        return f"{decorator}{shortened(member.head)}: ..."
    if len(member.head) > _MAX_FIELD_CHARS and member.type and "=" in member.head:
        return f"{member.head.split('=')[0].strip()} = ..."[: 2 * _MAX_FIELD_CHARS]
    return member.head[:_MAX_FIELD_CHARS]


def shortened(signature: str) -> str:
    """Drop the last parameters of a long head; its name and what it returns stay."""
    if len(signature) <= _MAX_HEAD_CHARS:
        return signature
    _, arrow, returned = signature.rpartition(" -> ")
    start = signature[:_MAX_HEAD_CHARS].rpartition(",")[0] or signature[:_MAX_HEAD_CHARS]
    return f"{start}, ...)" + (f" -> {returned[:_MAX_HEAD_CHARS]}" if arrow else "")


def head(
    signature: str, language: str, depth: int, *, doc: str = "", body: bool = False
) -> list[str]:
    """Return a definition's head as it would stand in the source, with its doc line."""
    lead = " " * depth
    if language == "python":
        is_block = signature.startswith(("def ", "async def ", "class "))
        if not is_block:
            return [lead + signature]
        is_open = body or bool(doc) or signature.startswith("class ")
        lines = [f"{lead}{signature}:" + ("" if is_open else " ...")]
        return [*lines, f'{lead}    """{doc}"""'] if doc else lines
    lines = [f"{lead}// {doc}"] if doc else []
    return [*lines, lead + signature]
