"""The programs of bench/: `python -m` finds each from the root, and no path is edited for it."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from bench.common.provenance import ROOT
from tests.layout.house import imported_modules, relative

SOURCES = sorted((ROOT / "bench").rglob("*.py"))
TESTS = sorted((ROOT / "tests" / "bench").rglob("*.py"))
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("bench/**/*.md")]
PROGRAMS = [path for path in SOURCES if "argparse.ArgumentParser(" in path.read_text("utf-8")]
NAMED = re.compile(r"(?:python -m |\")(bench(?:\.\w+)+)")  # in a command, or to start a worker
MAX_FILES = 12  # of a folder
# They run in an environment of the peers, which has no homespun.
BESIDE_THE_PEERS = (
    "bench.engine.workers.llama",
    "bench.engine.workers.server",
    "bench.index.worker_semble",
    "bench.typing.workers.wheel",
    "bench.typing.workers.native",
)


def file_of(module):
    """`bench.retrieval.run` -> its file, which need not exist."""
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def imports_of(path):
    """Every module that a file names in an import."""
    return {name for name, _ in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}


def reached_from(module, seen=()):
    """All that a module imports, the files of bench/ followed."""
    found = imports_of(file_of(module))
    own = [name for name in found if name.startswith("bench.") and file_of(name).exists()]
    for name in own:
        if name not in seen:
            found |= reached_from(name, (*seen, module, *own))
    return found


def edits_of_the_path(text):
    """Lines that touch `sys.path`."""
    nodes = ast.walk(ast.parse(text))
    return [
        n.lineno for n in nodes if isinstance(n, ast.Attribute) and ast.unparse(n) == "sys.path"
    ]


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=relative)
def test_nobody_edits_the_path(path):
    assert edits_of_the_path(path.read_text(encoding="utf-8")) == []


def test_a_planted_edit_of_the_path_is_found():
    assert edits_of_the_path("import sys\nsys.path.insert(0, 'bench')") == [2]


def test_the_tests_find_modules_from_the_root_alone():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["pytest"]["ini_options"]["pythonpath"] == ["."]


def test_every_module_of_bench_that_is_named_exists():
    named = [
        (relative(path), module)
        for path in [ROOT / "Makefile", *PAGES, *SOURCES]
        for module in NAMED.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(named) > 40
    assert [pair for pair in named if not file_of(pair[1]).is_file()] == []


def test_no_page_runs_a_program_by_its_path():
    files = [ROOT / "Makefile", *PAGES, *SOURCES]
    by_path = re.compile(r"python\S* (?:-P )?bench/")
    assert [relative(p) for p in files if by_path.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", PROGRAMS, ids=relative)
def test_a_program_says_how_it_is_run(path):
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert set(re.findall(r"^ +python -m ([\w.]+)", said, re.MULTILINE)) == {module}


@pytest.mark.parametrize("module", BESIDE_THE_PEERS)
def test_what_runs_beside_the_peers_needs_no_homespun(module):
    reached = reached_from(module)
    assert any(name.startswith("bench.") for name in reached)
    assert [name for name in reached if name.split(".")[0] in ("homespun", "tests")] == []


def test_no_folder_is_too_full():
    folders = {path.parent for path in SOURCES}
    full = {relative(f): len([*f.glob("*.py")]) - 1 for f in folders}
    assert {folder: count for folder, count in full.items() if count > MAX_FILES} == {}
