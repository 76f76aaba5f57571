"""Identifiers -> words."""

from __future__ import annotations

import pytest

from homespun.indexer.types import Chunk, ParsedFile, Symbol
from homespun.indexer.words.tokens import path_words, searched_words, split_identifiers


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


def test_a_chunk_is_found_by_its_text_its_path_and_what_it_defines():
    def symbol(name, line, doc):
        return Symbol(name, name, "function", "a/pool.py", "python", line, line, name, doc)

    def chunk(start, text):
        return Chunk("a/pool.py", "python", start, start + 9, "", "function", "", text)

    file = ParsedFile(
        path="a/pool.py",
        language="python",
        content_hash="",
        chunks=(chunk(2, "def take"), chunk(20, "x")),
        symbols=(symbol("take", 2, "Take one."), symbol("y", 21, ""), symbol("early", 1, "")),
        imports=(),
        calls=(),
        partial=False,
    )
    assert [" ".join(words) for words in searched_words(file)] == [
        "def take pool pool a take take take one",
        "x pool pool a y y",
    ]
