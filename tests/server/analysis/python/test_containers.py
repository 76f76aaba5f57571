"""What comes out of a container, by its annotation alone."""

from __future__ import annotations

import pytest

from homespun.server.analysis.python.containers import (
    bound_by_with,
    given_by_method,
    item_of,
    looped_over,
)


@pytest.mark.parametrize(
    ("annotation", "name", "given"),
    [
        ("dict[str, Foo]", "get", "Foo"),
        ("dict[str, Foo]", "keys", "Iterable[str]"),
        ("dict[str, Foo]", "values", "Iterable[Foo]"),
        ("Mapping[str, Foo]", "items", "Iterable[tuple[str, Foo]]"),
        ("list[Foo]", "pop", "Foo"),
        ("list[Foo]", "copy", "list[Foo]"),
        ("list[Foo]", "index", None),
        ("Foo", "pop", None),
    ],
)
def test_what_a_method_of_a_container_gives(annotation, name, given):
    assert given_by_method(annotation, name) == given


@pytest.mark.parametrize(
    ("annotation", "key", "item"),
    [
        ("dict[str, Foo]", "'a'", "Foo"),
        ("tuple[Foo, Bar]", "1", "Bar"),
        ("tuple[Foo, Bar]", "number", "Foo"),  # one of them, as good as any
        ("list[Foo]", "-1", "Foo"),
        ("list[Foo]", "1:", "list[Foo]"),
        ("Foo", "0", None),
    ],
)
def test_what_an_item_is(annotation, key, item):
    assert item_of(annotation, key) == item


@pytest.mark.parametrize(
    ("annotation", "element"),
    [
        ("'list[Foo] | None'", "Foo"),
        ("collections.abc.Iterator[Foo]", "Foo"),
        ("dict[str, Foo]", "str"),
        ("Foo[Bar]", None),
    ],
)
def test_what_a_loop_gives(annotation, element):
    assert looped_over(annotation) == element


@pytest.mark.parametrize(
    ("annotation", "bound"),
    [("Iterator[Foo]", "Foo"), ("AbstractContextManager[Foo]", "Foo"), ("list[Foo]", None)],
)
def test_what_with_binds(annotation, bound):
    assert bound_by_with(annotation) == bound
