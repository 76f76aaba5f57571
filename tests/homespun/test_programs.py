"""Programs are found outside of what is worked on, and children import nothing from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homespun import programs

pytestmark = pytest.mark.skipif(os.name == "nt", reason="programs are made as on POSIX")


def program(folder: Path, name: str = "tool", mode: int = 0o755) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Look for `tool` with a PATH of these entries, from a workspace that is the current folder."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    monkeypatch.chdir(workspace)

    def search(*entries):
        monkeypatch.setenv("PATH", os.pathsep.join(map(str, entries)))
        return programs.find("tool", outside=workspace)

    return search


def test_the_first_program_of_the_path_counts(search, tmp_path):
    first, second = program(tmp_path / "a"), program(tmp_path / "b")
    assert search(first.parent, second.parent) == str(first)
    assert search(tmp_path / "none", second.parent) == str(second)
    assert search(tmp_path) is None


def test_what_is_no_program_is_passed_over(search, tmp_path):
    program(tmp_path / "a", mode=0o644)
    (tmp_path / "b" / "tool").mkdir(parents=True)
    assert search(tmp_path / "a", tmp_path / "b", program(tmp_path / "c").parent) == str(
        tmp_path / "c" / "tool"
    )


@pytest.mark.parametrize("entry", ["", ".", "bin", "../workspace", "../outside"])
def test_an_entry_that_depends_on_where_one_is_counts_for_nothing(entry, search, tmp_path):
    for folder in ("workspace", "workspace/bin", "outside"):
        program(tmp_path / folder)
    assert search(entry) is None


def test_nothing_of_the_workspace_counts_by_whatever_way(search, tmp_path):
    inside = program(tmp_path / "workspace" / ".venv" / "bin")
    (tmp_path / "entry").symlink_to(inside.parent)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "tool").symlink_to(inside)
    assert search(inside.parent, tmp_path / "entry", tmp_path / "links") is None
    odd = str(tmp_path / "elsewhere" / ".." / "workspace" / ".venv" / "bin")
    assert search(odd) is None


def test_nothing_of_the_repository_around_the_folder_counts(tmp_path, monkeypatch):
    inside = program(tmp_path / "repository" / "bin")
    folder = tmp_path / "repository" / "part" / "deeper"
    for place in (folder, folder.parent, folder.parent.parent):
        (place / ".git").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(inside.parent))
    assert programs.find("tool", outside=folder) is None


def test_a_home_folder_that_is_a_repository_keeps_its_programs(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    tool = program(tmp_path / "bin")
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("PATH", str(tool.parent))
    assert programs.find("tool", outside=tmp_path / "project") == str(tool)
    assert programs.find("tool", outside=tmp_path) == str(tool)
    assert programs.find("tool", outside=tmp_path.parent) == str(tool)


def test_a_user_without_a_home_has_programs_too(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user that is not known
    tool = program(tmp_path / "bin")
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("PATH", str(tool.parent))
    assert programs.find("tool", outside=tmp_path / "project") == str(tool)


@pytest.mark.parametrize("given", ["", ".", "/usr/none:", "HERE"])
def test_another_python_imports_nothing_from_where_it_is_started(given, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("open('canary', 'w')\n")
    (tmp_path / "json.py").write_text("open('canary', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", given.replace("HERE", str(tmp_path)))
    command = [sys.executable, "-c", "import json"]
    subprocess.run(command, env=dict(os.environ), check=True, capture_output=True)
    assert (tmp_path / "canary").exists()
    (tmp_path / "canary").unlink()
    subprocess.run(command, env=programs.environment_of_python(), check=True)
    assert not (tmp_path / "canary").exists()


def test_a_link_and_a_folder_of_another_user_are_not_own(tmp_path):
    assert programs.is_own(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not programs.is_own(tmp_path / "link")
    assert not programs.is_own(tmp_path / "none")
    if os.geteuid() == 0:
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 65_534, 65_534)
        assert not programs.is_own(tmp_path / "theirs")
