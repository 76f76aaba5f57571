"""New findings of the repository's linter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from homespun.training.evaluation.linting import linter_of

pytest.importorskip("ruff")
RUFF = Path(sys.executable).with_name("ruff")
GOOD = "import os\n\nprint(os.name)\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F"]\n')
    return tmp_path


def test_only_findings_that_the_wanted_text_has_not_count(root):
    linter = linter_of(root)
    assert linter.new_findings("a.py", GOOD, GOOD) == 0
    assert linter.new_findings("a.py", GOOD, GOOD + "print(unknown, other)\n") == 2
    unused = "import sys\n" + GOOD
    assert linter.new_findings("a.py", unused, unused + "\nx = 1\n") == 0
    assert linter.new_findings("a.py", unused, GOOD) == 0


def test_the_settings_are_those_of_the_repository(root):
    (root / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["E711"]\n')
    linter = linter_of(root)
    assert linter.new_findings("a.py", GOOD, GOOD + "print(unknown)\n") == 0
    assert linter.new_findings("a.py", GOOD, GOOD + "print(os == None)\n") == 1


def test_without_settings_nobody_is_asked(tmp_path):
    assert linter_of(tmp_path) is None
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    assert linter_of(tmp_path) is None
    (tmp_path / "ruff.toml").write_text("")
    assert linter_of(tmp_path) is not None


HOSTILE = ["a = " + "[" * 10_000, "tool = 1\n", "[tool.ruff]\n#" + "x" * 2_000_000, "pipe"]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:11])
def test_a_hostile_project_file_is_none(tmp_path, hostile):
    path = tmp_path / "pyproject.toml"
    os.mkfifo(path) if hostile == "pipe" else path.write_text(hostile)
    assert linter_of(tmp_path) is None


def test_settings_that_ruff_refuses_give_no_number(root):
    (root / "pyproject.toml").write_text('[tool.ruff]\nrequired-version = "==0.0.1"\n')
    assert linter_of(root).new_findings("a.py", GOOD, GOOD + "x\n") is None


def test_the_ruff_of_the_repository_itself_is_not_taken(root, tmp_path_factory, monkeypatch):
    canary = root / "canary"
    for folder in (root, root / ".venv" / "bin"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ruff").write_text(f"#!/bin/sh\n: >'{canary}'\n")
        (folder / "ruff").chmod(0o755)
    # A Python without a ruff beside it, so that PATH decides.
    bare = tmp_path_factory.mktemp("bare")
    monkeypatch.setattr("sys.executable", str(bare / "python"))
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", str(root / ".venv" / "bin")]))
    assert linter_of(root) is None
    own = bare / "elsewhere"
    own.mkdir()
    (own / "ruff").symlink_to(RUFF)
    monkeypatch.setenv("PATH", os.pathsep.join([".", os.environ["PATH"], str(own)]))
    assert linter_of(root).new_findings("a.py", GOOD, GOOD + "print(unknown)\n") == 1
    assert not canary.exists()
