"""Identifiers -> words."""

from __future__ import annotations

import pytest

from homespun.indexer.tokens import path_words, split_identifiers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HTTPServerFactory", "httpserverfactory http server factory"),
        ("handler_stack", "handlerstack handler stack"),
        ("HandlerStack", "handlerstack handler stack"),
        ("__init__", "init"),
        ("getURL", "geturl get url"),
        ("IOError", "ioerror io error"),
        ("sha256", "sha256 sha 256"),
        ("parseHTML2Text", "parsehtml2text parse html 2 text"),
        ("MAX_SIZE", "maxsize max size"),
        ("x", "x"),
        ("a.b(c)", "a b c"),
        ("größeÄnderung", "größeänderung größe änderung"),
        ("naïve", "naïve"),
        ("日本語", "日本語"),
        ("___", ""),
        ("😋", ""),
        ("", ""),
        ("a" * 81, ""),
    ],
)
def test_an_identifier_gives_itself_and_its_parts(text, words):
    assert split_identifiers(text) == words.split()


def test_words_keep_order_and_repeats():
    assert split_identifiers("for x in x_list:") == ["for", "x", "in", "xlist", "x", "list"]


def test_splitting_its_own_words_changes_nothing():
    words = split_identifiers("class HTTPServer2: größeMax = __all__ + ÉcoleÉlève")
    again = [word for w in words for word in split_identifiers(w)[:1]]
    assert again == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("src/flask/sansio/app.test.py", "app app flask sansio"),
        ("setup.py", "setup setup"),
        (".env", "env env"),
    ],
)
def test_a_path_gives_its_stem_twice_and_two_folders(path, words):
    assert path_words(path) == words.split()
