"""Bytes of one file -> ParsedFile, or the reason why not."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import GRAMMARS, language_of
from homespun.indexer.scan.decode import decode
from homespun.indexer.syntax import parse
from homespun.indexer.syntax.parse import parse_file, syntax_tree
from homespun.indexer.types import Call, Import, ParsedFile, Skipped, Symbol
from tests.support.fresh_interpreter import loaded_after

CONFIG = IndexConfig()
SOURCE = 'import os\n\n\ndef greet(name):\n    """Says hello."""\n    return os.fspath(name)\n'


def test_a_python_file_gives_everything_the_index_wants():
    parsed = parse_file("pkg/greet.py", SOURCE.encode(), CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert parsed.content_hash == hashlib.sha256(SOURCE.encode()).hexdigest()
    assert parsed.symbols == (
        Symbol(
            name="greet",
            qualified="greet",
            kind="function",
            path="pkg/greet.py",
            language="python",
            start_line=4,
            end_line=6,
            signature="def greet(name)",
            doc="Says hello.",
        ),
    )
    assert parsed.imports == (Import("os", "", "os", 1),)
    assert parsed.calls == (Call("fspath", 6),)
    assert [(c.start_line, c.end_line, c.text) for c in parsed.chunks] == [(1, 6, SOURCE)]
    assert not parsed.partial


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\x7fELF\x00\x00\x01", "binary"),
        (b"text \x00 text", "binary"),
        (bytes(range(1, 32)) * 10 + b"\x80", "binary"),
        ("日本語のコメント".encode("shift-jis") * 20, "undecodable"),
        (b"\xff\xfe\x00", "undecodable"),
        (b"# @generated\nprint(1)\n", "generated"),
        (b"# @generated\ndef f(): pass\n" + b"x=1;" * 2_000, "generated"),
        (b"x=1;" * 2_000, "minified"),
        (b"x" * 1_000_001, "too-large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_indexed_says_why(source, reason):
    assert parse_file("a.py", source, CONFIG) == Skipped(reason)


@pytest.mark.parametrize("path", ["a_pb2.pyi", "made.py"])
def test_a_generated_file_gives_its_names_and_no_text(path):
    head = "# @generated\n" if path == "made.py" else ""
    source = f"{head}from base import Message\n\nclass Task(Message):\n    def id(self): ...\n"
    parsed = parse_file(path, source.encode(), CONFIG)
    assert [symbol.qualified for symbol in parsed.symbols] == ["Task", "Task.id"]
    assert [imported.name for imported in parsed.imports] == ["Message"]
    assert (parsed.chunks, parsed.calls) == ((), ())


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b"a\nb\n", "a\nb\n"),
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"a\rb\r", "a\nb\n"),
        (b"a\r\nb\rc\n", "a\nb\rc\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        ("x = 'é'\n".encode("utf-16"), "x = 'é'\n"),
        ("x = '😋'\n".encode("utf-32"), "x = '😋'\n"),
        ("x = 'é'  # ß\n".encode("latin-1"), "x = 'é'  # ß\n"),
        ("a\f\x0bb\u2028c\n".encode(), "a\f\x0bb\u2028c\n"),
    ],
)
def test_encodings_and_line_ends_become_one(source, text):
    assert decode(source) == text


def test_form_feeds_and_odd_separators_do_not_move_line_numbers():
    source = "a = 'x\u2028y'\x0c\n\x0c\ndef f():\r\n    pass\r\n"
    parsed = parse_file("a.py", source.encode(), CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert [(s.name, s.start_line, s.end_line) for s in parsed.symbols] == [
        ("a", 1, 1),
        ("f", 3, 4),
    ]


def test_an_emoji_before_a_name_does_not_shift_anything():
    source = "x = '😋😋'; y = 2\n\n\ndef f():  # 😋\n    return g('😋')\n"
    parsed = parse_file("a.py", source.encode(), CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert [(s.name, s.signature) for s in parsed.symbols] == [
        ("x", "x = '😋😋'"),
        ("y", "y = 2"),
        ("f", "def f()"),
    ]
    assert parsed.calls == (Call("g", 5),)


def test_characters_of_several_bytes_survive_wherever_the_parser_pauses_reading():
    source = "".join(f"größe_{n} = call_{n}('😋')\n" for n in range(1_000))
    parsed = parse_file("a.py", source.encode(), CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert not parsed.partial
    assert [s.name for s in parsed.symbols] == [f"größe_{n}" for n in range(1_000)]
    assert parsed.calls == tuple(Call(f"call_{n}", n + 1) for n in range(1_000))


@pytest.mark.parametrize(
    ("path", "head", "language"),
    [
        ("a.py", b"", "python"),
        ("x/y.TSX", b"", "tsx"),
        ("a.ipynb", b"{", "python"),
        ("a.h", b"int f(void);\n", "c"),
        ("a.h", b"#pragma once\nnamespace a {\n", "cpp"),
        ("Makefile", b"", "make"),
        ("bin/run", b"#!/usr/bin/env python3\n", "python"),
        ("bin/run", b"#!/bin/sh -e\n", "bash"),
        ("bin/run", b"#!/usr/bin/env -S node --flag\n", "javascript"),
        ("LICENSE", b"Apache", "text"),
        (".gitignore", b"", "text"),
        ("a.unknown", b"", "text"),
        ("README.md", b"", "markdown"),
    ],
)
def test_the_language_is_known_by_name_or_first_line(path, head, language):
    assert language_of(path, head) == language


def test_text_without_a_grammar_is_cut_by_lines():
    parsed = parse_file("README.md", b"# Title\n\nText.\n", CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert [(c.kind, c.language, c.header) for c in parsed.chunks] == [
        ("text", "markdown", "README.md")
    ]
    assert (parsed.symbols, parsed.imports, parsed.calls, parsed.partial) == ((), (), (), False)


def test_syntax_errors_are_parsed_in_part():
    parsed = parse_file("a.js", b"function f() { return g( }\n\nclass A {}\n", CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert parsed.partial
    assert "A" in [symbol.name for symbol in parsed.symbols]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 30_000,
        "{[" * 15_000,
        "".join(" " * depth + "if x:\n" for depth in range(250)),
        "f(" * 15_000 + ")" * 15_000,
        "if (a) {\n" * 10_000,
        "'\n" * 10_000,
    ],
    ids=["open", "mixed", "deep blocks", "deep calls", "unclosed", "quotes"],
)
@pytest.mark.parametrize("path", ["a.py", "a.cpp", "a.tsx"])
def test_hostile_nesting_neither_overflows_nor_loses_a_line(path, source):
    if "\n" not in source:
        source = "\n".join(source[at : at + 100] for at in range(0, len(source), 100)) + "\n"
    parsed = parse_file(path, source.encode(), CONFIG)
    assert isinstance(parsed, ParsedFile)
    covered = [n for c in parsed.chunks for n in range(c.start_line, c.end_line + 1)]
    assert covered == sorted(set(covered))
    assert {n for n, line in enumerate(source.split("\n"), 1) if line.strip()} <= set(covered)


def test_a_file_that_is_all_errors_is_cut_by_lines_because_queries_would_take_minutes():
    parsed = parse_file("a.py", ("(" * 99 + "\n").encode() * 300, CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert parsed.partial
    assert {chunk.kind for chunk in parsed.chunks} == {"text"}


def test_calls_nested_without_end_are_followed_to_a_limit():
    parsed = parse_file("a.py", b"f(\n" * 3_000 + b")\n" * 3_000, CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert 100 < len(parsed.calls) < 1_000


@pytest.mark.parametrize("path", ["a.cs", "a.cpp", "a.java"])
def test_generics_opened_without_end_are_cut_by_lines_because_parsing_would_take_gigabytes(path):
    parsed = parse_file(path, b"a<b<c<\n" * 2_000, CONFIG)
    assert isinstance(parsed, ParsedFile)
    assert parsed.partial
    assert {chunk.kind for chunk in parsed.chunks} == {"text"}
    assert syntax_tree("cpp", b"cout << 1 << 2;\n" * 2_000) is not None


def test_a_tree_is_there_for_languages_with_a_grammar_alone():
    tree = syntax_tree("python", b"x = 1\n")
    assert tree is not None
    assert tree.root_node.type == "module"
    assert syntax_tree("markdown", b"# x\n") is None


def test_threads_may_parse_at_the_same_time():
    results: dict[int, list[str]] = {}

    def work(number: int) -> None:
        found = []
        for language in GRAMMARS:
            for _ in range(5):
                tree = syntax_tree(language, f"a{number}\n".encode() * 200)
                assert tree is not None
                found.append(tree.root_node.type)
        results[number] = found

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len({tuple(found) for found in results.values()}) == 1


def nested(opener, closer, levels):
    text = opener * levels + closer * levels
    return "\n".join(text[place : place + 100] for place in range(0, len(text), 100)).encode()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("a.py", b"x = (\n" + nested("[", "]", 200_000) + b")\n", id="lists"),
        pytest.param("a.js", b"x = (\n" + nested("[", "]", 200_000) + b")\n", id="arrays"),
        pytest.param("a.c", nested("{", "}", 200_000), id="blocks"),
        pytest.param("a.py", b"x = (\n" + nested("-", "", 900_000) + b"1)\n", id="signs"),
        pytest.param("a.py", b"x = a\\\n" + b".b()\\\n" * 160_000, id="chain"),
        pytest.param("a.py", b"from a import (\n" + b"b,\n" * 330_000 + b")\n", id="imports"),
        pytest.param("a.c", b"/*\n" * 330_000, id="comments"),
        pytest.param("a.kt", b"interface a (\n" * 70_000, id="heads"),
    ],
)
def test_a_file_made_to_be_slow_is_cut_by_lines_in_time(path, source):
    began = time.thread_time()
    parsed = parse_file(path, source, CONFIG)
    # Two to ten seconds before, and the first of them as much again in queries that others wait
    # for; a second is the budget, the rest is for cutting by lines on a slow machine.
    assert time.thread_time() - began < 4
    assert isinstance(parsed, ParsedFile)
    assert parsed.partial
    assert parsed.chunks


def test_a_large_tree_is_asked_in_pieces_and_gives_what_it_gives_at_once(monkeypatch):
    body = "".join(
        f"# about {n}\n@wrapped\ndef f{n}(a, b):\n    '''Doc {n}.'''\n    return g{n}(h(a), b)\n\n"
        f"class C{n}(D):\n    x: int = {n}\n\n    def m(self):\n        from a import b{n} as c\n"
        for n in range(300)
    )
    whole = parse_file("a.py", body.encode(), CONFIG)
    monkeypatch.setattr(parse, "_MAX_NODES_AT_ONCE", 500)
    assert parse_file("a.py", body.encode(), CONFIG) == whole


def test_a_secret_is_masked_wherever_the_slices_of_a_long_text_end():
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq2vVJmxVq0mT3p\n" * 500
    key += "-----END RSA PRIVATE KEY-----\n"
    for offset in range(0, 60_000, 7_000):
        text = "x = 1\n" * (offset // 6) + key + "y = 2\n" * 20_000
        found = parse.readable("a.py", text.encode(), CONFIG)
        assert isinstance(found, parse.Readable)
        assert len(found.text) == len(text)
        assert "MIIE" not in found.text
        assert found.text.endswith("y = 2\n" * 20_000)


@pytest.mark.parametrize("source", ["private val s\n@", "val s = 1\n@A(", "class A\n@x.y(1, (2"])
def test_kotlin_that_ends_in_an_annotation_is_parsed(source):
    """The grammar's scanner looks for a line end, and past the end of the file for ever."""
    code = (
        "import faulthandler; faulthandler.dump_traceback_later(60, exit=True)\n"
        "from homespun.indexer.syntax.parse import syntax_tree\n"
        f"print(syntax_tree('kotlin', {source.encode()!r}).root_node.type)"
    )
    printed, _ = loaded_after(code)
    assert printed == "source_file\n"
