"""A function is not suggested in its own body, saved or not, in every language with a grammar."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.languages import GRAMMARS, language_of
from homespun.indexer.syntax.parse import parse_file
from homespun.server.context.being_written import BeingWritten
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.cursor import Cursor

# File and text; `peek_at` is written, `skip_to` is another function of the file. ¦ is the cursor.
FUNCTIONS = {
    "python": ("a.py", "def peek_at(place):\n    {0}\n    return ¦\n"),
    "go": ("a.go", "func peek_at(place int) int {{\n\t{0}\n\treturn ¦\n}}\n"),
    "rust": ("a.rs", "pub fn peek_at(place: u8) -> u8 {{\n    {0};\n    return ¦\n}}\n"),
    "c": ("a.c", "int peek_at(int place)\n{{\n\t{0};\n\treturn ¦\n}}\n"),
    "cpp": ("a.cc", "int peek_at(int place) {{\n  {0};\n  return ¦\n}}\n"),
    "javascript": ("a.js", "function peek_at(place) {{\n  {0}\n  return ¦\n}}\n"),
    "typescript": ("a.ts", "export function peek_at(place: number) {{\n  {0}\n  return ¦\n}}\n"),
    "tsx": ("a.tsx", "export function peek_at(place: number) {{\n  {0}\n  return ¦\n}}\n"),
    "java": (
        "A.java",
        "class A {{\n  int peek_at(int place) {{\n    {0};\n    return ¦\n  }}\n}}\n",
    ),
    "csharp": (
        "A.cs",
        "class A {{\n  int peek_at(int place) {{\n    {0};\n    return ¦\n  }}\n}}\n",
    ),
    "kotlin": ("a.kt", "fun peek_at(place: Int): Int {{\n    {0}\n    return ¦\n}}\n"),
    "swift": ("a.swift", "func peek_at(_ place: Int) -> Int {{\n    {0}\n    return ¦\n}}\n"),
    "scala": ("a.scala", "def peek_at(place: Int): Int = {{\n  {0}\n  ¦\n}}\n"),
    "php": ("a.php", "<?php\nfunction peek_at($place) {{\n    {0};\n    return ¦\n}}\n"),
    "ruby": ("a.rb", "def peek_at(place)\n  {0}\n  ¦\nend\n"),
    "lua": ("a.lua", "local function peek_at(place)\n  {0}\n  return ¦\nend\n"),
    "elixir": ("a.ex", "defmodule A do\n  def peek_at(place) do\n    {0}\n    ¦\n  end\nend\n"),
    "haskell": ("A.hs", "peek_at :: Int -> Int\npeek_at place =\n  {0}\n  ¦\n"),
    "bash": ("a.sh", "peek_at() {{\n  {0}\n  ¦\n}}\n"),
    "zig": ("a.zig", "pub fn peek_at(place: u8) u8 {{\n    {0};\n    return ¦\n}}\n"),
}
COMMENTS = {"python": "#", "ruby": "#", "bash": "#", "elixir": "#", "lua": "--", "haskell": "--"}
_UNSAVED_LINES = 400  # typed in the body since the file was saved: the index does not know them
# Where the names of a file's functions are offered by what the text says of them alone.
_OFFERED = ("go", "javascript", "php", "python", "swift")


def written(language, statement):
    """Return what is being written in the function, and the function as the index knows it."""
    path, form = FUNCTIONS[language]
    before, _, after = form.format(statement).partition("¦")
    parsed = parse_file(path, f"{before}0{after}".encode(), IndexConfig())
    (symbol,) = [symbol for symbol in parsed.symbols if symbol.name == "peek_at"]
    found = BeingWritten(Cursor(before, after), parsed.symbols, path=path, language=language)
    return found, symbol


def offered(tmp_path, language, statement):
    """Return the snippets of the function that the retriever offers within it."""
    path, form = FUNCTIONS[language]
    head, _, rest = form.format("¬" + statement).partition("¬")
    (tmp_path / path).write_text((head + rest).replace("¦", "0"), encoding="utf-8")
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    index.update()
    unsaved = f"{COMMENTS.get(language, '//')} a line\n    " * _UNSAVED_LINES
    before, _, after = (head + unsaved + rest).partition("¦")
    found = Retriever(index).gather(
        Cursor(before, after),
        path=path,
        language=language_of(path),
        budget_tokens=960,
        deadline_ms=60_000,
    )
    return [snippet.text for snippet in found.snippets if "peek_at" in snippet.text]


def test_every_language_with_a_grammar_is_here():
    assert set(FUNCTIONS) == set(GRAMMARS)


@pytest.mark.parametrize("language", sorted(FUNCTIONS))
def test_the_function_around_the_cursor_is_hidden_in_every_language(language):
    found, symbol = written(language, "place")
    assert found.hides(symbol)
    assert found.hides_chunk(symbol.path, symbol.qualified)
    assert not found.hides(replace(symbol, name="skip_to", qualified="skip_to"))


@pytest.mark.parametrize("language", sorted(FUNCTIONS))
def test_code_that_is_recursive_already_hides_nothing_in_any_language(language):
    call = "peek_at place" if language in ("haskell", "bash", "ruby") else "peek_at(place)"
    found, symbol = written(language, call)
    assert not found.hides(symbol)


@pytest.mark.parametrize("language", _OFFERED)
def test_the_function_that_is_being_written_is_not_offered_to_itself(tmp_path, language):
    assert offered(tmp_path, language, "place") == []


def test_a_recursive_function_may_see_itself(tmp_path):
    assert len(offered(tmp_path, "python", "peek_at(place)")) == 1


def test_a_method_of_the_same_name_in_a_class_above_is_shown():
    text = (
        "class Base:\n    def peek(self):\n        pass\n\n\n"
        "class Lexer(Base):\n    def peek(self):\n        return ¦\n"
    )
    before, _, after = text.partition("¦")
    parsed = parse_file("a.py", f"{before}0{after}".encode(), IndexConfig())
    found = BeingWritten(Cursor(before, after), parsed.symbols, path="a.py", language="python")
    base, own = (s for s in parsed.symbols if s.kind == "class")
    assert not found.hides_member(base, "peek")
    assert found.hides_member(own, "peek")


def test_a_declaration_in_a_header_says_no_more_than_the_head_at_the_cursor():
    found, symbol = written("c", "place")
    assert found.hides(replace(symbol, path="include/a.h"))
    found, symbol = written("go", "place")
    assert not found.hides(replace(symbol, path="other/a.go"))
