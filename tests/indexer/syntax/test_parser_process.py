"""Large files in a process of their own: the same result, and a file that ends it costs itself."""

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


@pytest.mark.skipif(sys.platform == "win32", reason="no processor timer")
def test_a_file_that_takes_too_long_is_skipped_and_the_next_one_is_not(monkeypatch):
    endless = (
        "from homespun.indexer import parser_process\n"
        "def parse_file(path, source, config):\n"
        "    while path == 'endless.py': pass\n"
        "    return parser_process.Skipped('binary')\n"
        "parser_process.parse_file = parse_file\n"
        "parser_process.CPU_SECONDS = 0.2\n"
        "parser_process.main()\n"
    )
    started = parser_process.subprocess.Popen
    monkeypatch.setattr(
        parser_process.subprocess,
        "Popen",
        lambda argv, **more: started([*argv[:2], "-c", endless], **more),
    )
    with ParserProcess() as parser:
        assert parser.parse("endless.py", b"x", CONFIG) == Skipped("too-slow")
        assert parser.parse("a.py", b"x", CONFIG) == Skipped("binary")


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


def _command(process):
    return Path(f"/proc/{process}/cmdline").read_bytes()
