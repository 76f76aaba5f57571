from __future__ import annotations

import pytest

from homespun.server.prompt.render import Snippet
from homespun.server.prompt.stable_snippets import StableSnippets


def snippet(path: str, score: float = 1.0) -> Snippet:
    return Snippet(path, 1, 3, "text\n", score, "similar")


def shown(sticky: StableSnippets, path: str, line: int, found) -> list[str]:
    """Return the paths of what a line shows from now on."""
    block = sticky.settle(path, line, found)
    sticky.keep(path, line, block)
    return paths(block)


def paths(snippets) -> list[str]:
    return [snippet.path for snippet in snippets]


@pytest.mark.parametrize(
    "found", [[snippet("z", 1.1)], [snippet("b", 4.0), snippet("x")]], ids=["little", "much"]
)
def test_the_same_line_keeps_its_block_whatever_is_found_for_it(found):
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [snippet("x"), snippet("y")])
    assert shown(sticky, "a.py", 5, found) == ["x", "y"]


def test_another_line_keeps_the_order_of_what_stays():
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [snippet("x"), snippet("c"), snippet("b")])
    found = [snippet("a"), snippet("b"), snippet("x")]
    assert shown(sticky, "a.py", 6, found) == ["x", "b", "a"]


def test_each_document_has_its_own_block():
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [snippet("x")])
    assert shown(sticky, "b.py", 5, [snippet("y")]) == ["y"]


def test_the_same_line_without_a_block_takes_the_first_that_comes():
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [])
    assert shown(sticky, "a.py", 5, [snippet("x")]) == ["x"]


def test_the_next_line_keeps_the_block_for_what_is_not_likely_needed():
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [snippet("x"), snippet("y")])
    assert shown(sticky, "a.py", 6, [snippet("z", 0.5)]) == ["x", "y"]
    assert shown(sticky, "a.py", 7, [snippet("y"), snippet("z", 1.1)]) == ["y", "z"]


def test_far_away_the_block_is_what_is_found_there():
    sticky = StableSnippets()
    shown(sticky, "a.py", 5, [snippet("x")])
    assert shown(sticky, "a.py", 50, [snippet("z", 0.5)]) == ["z"]


def test_what_was_not_kept_is_not_what_was_shown():
    sticky = StableSnippets()
    sticky.settle("a.py", 5, [snippet("x")])
    assert paths(sticky.settle("a.py", 5, [snippet("y")])) == ["y"]
