"""The Neovim module takes no program from a project, and no root that a clone has made.

Skipped where there is no Neovim 0.11 or newer.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.editors.nvim_program import MODULE, neovim

PLACES = Path(__file__).parent / "editors" / "nvim_places.lua"

pytestmark = pytest.mark.e2e


def program(folder: Path, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "homespun"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def ask(tmp_path):
    """Ask the module, in a project whose folder Neovim is started in."""
    nvim, _ = neovim()
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)

    def ask(paths=("",), files=()):
        asked = {"name": "homespun", "root": str(root), "paths": [*paths], "files": [*files]}
        environment = {
            "HOMESPUN_NVIM_MODULE": str(MODULE),
            "HOMESPUN_ASKED": json.dumps(asked),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        done = subprocess.run(
            [nvim, "--clean", "--headless", "-l", str(PLACES)],
            cwd=root,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads((done.stdout or done.stderr).splitlines()[-1])

    ask.root = root
    return ask


def test_the_program_is_never_one_of_the_project(ask, tmp_path):
    own = program(tmp_path / "bin")
    program(ask.root)
    inside = program(ask.root / ".venv" / "bin").parent
    (tmp_path / "link").symlink_to(inside)
    paths = [f"{entry}:{own.parent}" for entry in ("", ".", inside, tmp_path / "link")]
    found = ask([*paths, f".:{inside}", "/none"])
    assert found["programs"] == [str(own)] * 4 + [None, None]
    assert found["command"] == [str(own), "serve"]
    assert found["named"] is None


def test_a_home_folder_that_is_a_repository_keeps_its_programs(ask, tmp_path, monkeypatch):
    own = program(tmp_path / "bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ask([str(own.parent)])["home"] == str(own)


def test_without_one_nothing_of_the_project_is_started(ask, tmp_path):
    program(ask.root)
    started, verb = ask(["."])["command"]
    assert verb == "serve"
    assert started.startswith(str(tmp_path / "state")) and not Path(started).exists()


def test_the_server_is_started_outside_of_the_project(ask, tmp_path):
    folder = Path(ask()["folder"])
    assert folder.is_dir() and folder.is_relative_to(tmp_path / "state")


def test_the_root_is_the_repository_whatever_it_carries(ask, tmp_path):
    carried = ask.root / "part"
    (carried / ".homespun").mkdir(parents=True)
    alone, link, nothing = tmp_path / "alone", tmp_path / "link", tmp_path / "nothing"
    (alone / ".homespun").mkdir(parents=True)
    link.mkdir()
    (link / ".homespun").symlink_to(alone / ".homespun")
    nothing.mkdir()
    files = [str(folder / "a.py") for folder in (carried, alone, link, nothing)]
    wanted = [str(ask.root), str(alone), None, None]
    if os.geteuid() == 0:
        theirs = tmp_path / "theirs"
        (theirs / ".homespun").mkdir(parents=True)
        os.chown(theirs / ".homespun", 65_534, 65_534)
        files.append(str(theirs / "a.py"))
        wanted.append(None)
    assert ask(files=files)["roots"] == wanted
