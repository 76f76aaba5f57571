"""What comes out of a container, by its annotation: items, elements, what a `with` binds; pure."""

from __future__ import annotations

from homespun.server.analysis.python.text import generic, unquoted, without_none

_ITERABLES = frozenset(
    """list List Sequence Iterable Iterator set Set frozenset FrozenSet deque Generator
    AsyncIterator AsyncIterable AsyncGenerator Collection MutableSequence tuple Tuple""".split()
)
_MAPPINGS = frozenset("dict Dict Mapping MutableMapping defaultdict OrderedDict".split())
_CONTEXTS = frozenset(
    """Iterator AsyncIterator Generator AsyncGenerator ContextManager AsyncContextManager
    AbstractContextManager AbstractAsyncContextManager Iterable AsyncIterable""".split()
)


def given_by_method(annotation: str, name: str) -> str | None:
    """Return the annotation of what `mapping.values()`, `sequence.pop()` and their like give."""
    head, arguments = generic(annotation)
    if head in _MAPPINGS and len(arguments) == 2:
        if name in ("get", "pop", "setdefault"):
            return arguments[1]
        if name in ("values", "keys"):
            return f"Iterable[{arguments[name == 'values']}]"
        if name == "items":
            return f"Iterable[tuple[{arguments[0]}, {arguments[1]}]]"
    if head in _ITERABLES and arguments and name in ("pop", "popleft"):
        return arguments[0]
    return annotation if name == "copy" else None


def item_of(annotation: str, key: str) -> str | None:
    """Return the annotation of `container[key]`."""
    head, arguments = generic(annotation)
    if head in _MAPPINGS and len(arguments) == 2:
        return arguments[1]
    if head in ("tuple", "Tuple") and key.strip().isdigit() and int(key) < len(arguments):
        return arguments[int(key)]
    if head in _ITERABLES and arguments:
        return annotation if ":" in key else arguments[0]
    return None


def looped_over(annotation: str) -> str | None:
    """Return the annotation of what a loop over a container gives."""
    last, arguments = _last_of(annotation)
    return arguments[0] if last in _MAPPINGS | _ITERABLES and arguments else None


def bound_by_with(annotation: str) -> str | None:
    """Return the annotation of what `with` binds, where the context's own one says it."""
    last, arguments = _last_of(annotation)
    return arguments[0] if last in _CONTEXTS and arguments else None


def _last_of(annotation: str) -> tuple[str, list[str]]:
    """Return the last name of an annotation, `None` aside, and its arguments."""
    head, arguments = generic(without_none(unquoted(annotation)))
    return head.rpartition(".")[2], arguments
