"""Files in a process of their own: the same result, and a file that ends it costs itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.syntax import parser_process
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.syntax.parser_process import LARGE_BYTES, ParserProcess
from homespun.indexer.types import Skipped
from tests.support.parser_child import stand_in

LANGUAGES = sorted((Path(__file__).parents[2] / "repos" / "languages").iterdir())
CONFIG = IndexConfig(exclude=("a", "b"))


@pytest.fixture
def parser():
    with ParserProcess() as parser:
        yield parser


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.suffix)
def test_it_says_what_parsing_here_says(parser, path):
    source = path.read_bytes() * 3
    assert parser.parse(path.name, source, CONFIG) == parse_file(path.name, source, CONFIG)


@pytest.mark.parametrize("source", [b"\0" * 100, b"x = '\xed\xa0\x80\xff'\n", b""])
def test_odd_bytes_come_through(parser, source):
    assert parser.parse("a.py", source, CONFIG) == parse_file("a.py", source, CONFIG)


ENDLESS = """
def parse_file(path, source, config):
    while path.startswith("endless"): pass
    return parse_for_real(path, source, config)
"""
needs_timer = pytest.mark.skipif(sys.platform == "win32", reason="no processor timer")


@needs_timer
def test_a_file_that_takes_too_long_is_skipped_and_the_next_one_is_not(monkeypatch):
    stand_in(monkeypatch, ENDLESS)
    with ParserProcess() as parser:
        assert parser.parse("endless.py", b"x", CONFIG) == Skipped("too-slow")
        assert parser.parse("a.py", b"x", CONFIG) == parse_file("a.py", b"x", CONFIG)


@needs_timer
def test_a_small_file_that_never_returns_costs_itself_and_only_once(tmp_path, monkeypatch):
    stand_in(monkeypatch, ENDLESS)
    for name in ("app.py", "endless.kt", "zoo.py"):
        (tmp_path / name).write_text("def add(a, b):\n    return a + b\n")
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    report = index.update()
    assert (report.files, report.skipped) == (2, {"too-slow": 1})
    monkeypatch.setattr(ParserProcess, "parse", _not_again)
    for path in tmp_path.iterdir():
        if path.is_file():
            os.utime(path, (1, 1))  # another stamp of time, the same content
    report = index.update()
    assert (report.files, report.skipped) == (2, {"too-slow": 1})


@needs_timer
def test_files_that_were_named_are_parsed_in_the_child_unless_it_is_one(tmp_path, monkeypatch):
    for name in ("app.py", "endless.py"):
        (tmp_path / name).write_text("def add(a, b):\n    return a + b\n")
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    index.update()
    for name in ("app.py", "endless.py"):
        (tmp_path / name).write_text("def sub(a, b):\n    return a - b\n")
    stand_in(monkeypatch, ENDLESS)
    report = index.update(paths=["app.py", "endless.py"])
    assert report.skipped == {"too-slow": 1}
    (tmp_path / "endless.py").write_text("def mul(a, b):\n    return a * b\n")
    assert index.update(paths=["endless.py"]).skipped == {}


def _not_again(parser, path, source, config):
    raise AssertionError(f"{path} is parsed again")


def test_a_child_that_is_gone_costs_one_file(parser):
    source = b"def add(a, b):\n    return a + b\n"
    assert parser.parse("a.py", source, CONFIG) == parse_file("a.py", source, CONFIG)
    parser._process.kill()
    parser._process.wait()
    assert parser.parse("a.py", source, CONFIG) == Skipped("too-slow")
    assert parser.parse("a.py", source, CONFIG) == parse_file("a.py", source, CONFIG)


def test_where_no_process_can_be_started_the_file_is_parsed_here(parser, monkeypatch):
    monkeypatch.setattr(parser_process.sys, "executable", "/nowhere/python")
    source = b"def add(a, b):\n    return a + b\n"
    assert parser.parse("a.py", source, CONFIG) == parse_file("a.py", source, CONFIG)


def test_large_files_reach_the_index_and_leave_no_process(tmp_path):
    unit = "def add_{0}(a, b):\n    return a + b + {0}\n\n\n"
    text = "".join(unit.format(number) for number in range(2_000))
    assert len(text) > LARGE_BYTES
    (tmp_path / "large.py").write_text(text)
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    assert index.update().files == 1
    assert index.definitions("add_1234")[0].path == "large.py"
    if sys.platform == "linux":
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
        assert all(b"parser_process" not in _command(child) for child in children.split())


def test_a_parser_that_is_given_serves_one_update_after_the_other(tmp_path, parser):
    index = Index.open(tmp_path, IndexConfig(encoder="none"), create=True)
    children = set()
    for name in ("first", "second"):
        for path in (tmp_path / "app.py", tmp_path / "zoo.py"):
            path.write_text(f"def {name}_{path.stem}(a):\n    return a\n")
        assert index.update(parser=parser).files == 2
        assert [symbol.path for symbol in index.definitions(f"{name}_zoo")] == ["zoo.py"]
        children.add(parser._process.pid)
    assert len(children) == 1


def _command(process):
    return Path(f"/proc/{process}/cmdline").read_bytes()
