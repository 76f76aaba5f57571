"""Languages as editors call them."""

from __future__ import annotations

import pytest

from homespun.indexer.languages import language_of
from homespun.server.lsp.workspaces import language_name, switched_off


@pytest.mark.parametrize(
    ("language_id", "path"),
    [
        ("python", "a.py"),
        ("typescriptreact", "a.tsx"),
        ("javascriptreact", "a.jsx"),
        ("shellscript", "a.sh"),
        ("plaintext", "notes.txt"),
        ("markdown", "a.md"),
    ],
)
def test_an_editors_own_word_for_a_language_switches_it_off(language_id, path):
    # as `Completer.complete` finds the language of a request
    language = language_name(language_id) or language_of(path)
    assert language in switched_off(["elixir", language_id])


def test_a_syntax_trees_name_stays_as_it_is():
    assert switched_off(["tsx", "bash", "text"]) == ("tsx", "bash", "text")
