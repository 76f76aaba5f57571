"""Definitions of a file -> the same with their qualified names: what lies in what; pure."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.indexer.syntax.captures import DATA_KINDS, DefinitionNode, SortedCaptures

_MAX_NAMES = 8  # that one signature declares
_CLASS_LIKE = frozenset({"class", "interface", "struct", "enum", "trait", "object", "module"})
_WITH_LOCALS = frozenset({"function", "method", "test"})


def nested(found: SortedCaptures, *, functions_in_modules: bool) -> list[DefinitionNode]:
    """Return the definitions in order, with their qualified names; local variables are dropped.

    What lies in a module is a function with `functions_in_modules`, else a method.
    """
    items = sorted(
        [*found.definitions.values(), *found.scopes],
        key=lambda item: (item.start_byte, -item.end_byte),
    )
    stack: list[DefinitionNode] = []
    kept = []
    for item in items:
        while stack and not _encloses(stack[-1], item):
            stack.pop()
        parent = stack[-1] if stack else None
        if item.only_outside and any(outer.kind in _WITH_LOCALS for outer in stack):
            continue
        item.parent = parent
        _qualify(item, functions_in_modules=functions_in_modules)
        if item.kind != "type":  # typedef struct node {…} node_t: neither is inside the other
            stack.append(item)
        if not item.kind.startswith("scope."):
            kept.append(item)
    return kept


def joined(items: list[DefinitionNode], source: bytes) -> list[DefinitionNode]:
    """Make one definition of a signature and the equations or clauses that follow it.

    A clause with a documentation or specification of its own (`@doc`, `@spec`) begins another.
    """
    whole: list[DefinitionNode] = []
    for item in items:
        above = _begun(whole, item)
        if above is not None and b"@" not in source[_end(above) : item.start_byte]:
            above.last = item.node
        else:
            whole.append(item)
    return whole


def _encloses(outer: DefinitionNode, inner: DefinitionNode) -> bool:
    same = (outer.start_byte, outer.end_byte) == (inner.start_byte, inner.end_byte)
    return outer.end_byte >= inner.end_byte and not same


def _qualify(item: DefinitionNode, *, functions_in_modules: bool) -> None:
    parent = item.parent
    parts = [parent.qualified if parent else "", item.owner, item.name]
    item.qualified = ".".join(part for part in parts if part)
    inside = parent is not None and (parent.kind in _CLASS_LIKE or parent.kind == "scope.type")
    if inside and functions_in_modules:
        inside = parent is not None and parent.kind != "module"
    # `void Pool::close()` outside of its class
    outside = bool(item.owner) and item.node.type in ("function_definition", "template_declaration")
    if item.kind == "function" and (inside or outside):
        item.kind = "method"


def _begun(joined: Sequence[DefinitionNode], item: DefinitionNode) -> DefinitionNode | None:
    """Return what `item` goes on with: the definition above, or a signature of several names."""
    for back, above in enumerate(reversed(joined[-_MAX_NAMES:])):
        same = above.qualified == item.qualified and above.parent is item.parent
        if same and item.kind == above.kind and (not back or above.node.type == "signature"):
            return above if item.kind not in DATA_KINDS else None
    return None


def _end(item: DefinitionNode) -> int:
    return (item.last or item.node).end_byte
