"""The Emacs package: it compiles without a warning, its commands answer, and it completes.

Skipped where there is no Emacs 28 or no lsp-mode 10: HOMESPUN_EMACS_PACKAGES names a folder with
one unpacked folder for each of lsp-mode, dash, f, ht, hydra, lv, markdown-mode, s and spinner.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.editors.fake_program import is_ready, put_fake_server
from tests.e2e.editors.programs import kill_newest
from tests.e2e.editors.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "tests" / "e2e" / "editors"
PACKAGE = ROOT / "editor-client" / "emacs"
PACKAGES = os.environ.get("HOMESPUN_EMACS_PACKAGES", "")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("emacs") is None, reason="needs emacs on the PATH"),
    pytest.mark.skipif(
        not list(Path(PACKAGES or "/nowhere").glob("lsp-mode*")),
        reason="needs lsp-mode 10 in the folder HOMESPUN_EMACS_PACKAGES",
    ),
]


def emacs_batch(*arguments, home):
    folders = [PACKAGE, *sorted(Path(PACKAGES).iterdir())]
    load_path = [part for folder in folders for part in ("-L", str(folder))]
    return subprocess.run(
        ["emacs", "-Q", "--batch", *load_path, *arguments],
        env=os.environ | {"HOME": str(home), "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_compiles_without_a_warning(tmp_path):
    copy = shutil.copy(PACKAGE / "homespun.el", tmp_path)
    strict = "(setq byte-compile-error-on-warn t)"
    done = emacs_batch("--eval", strict, "-f", "batch-byte-compile", str(copy), home=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_commands(tmp_path):
    run = ("-f", "ert-run-tests-batch-and-exit")
    done = emacs_batch("-l", str(EDITORS / "emacs_tests.el"), *run, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran (\d+) tests, \1 results as expected", done.stderr)


@pytest.fixture
def editor(tmp_path):
    with opened(tmp_path) as terminal:
        workspace = terminal.file.parent
        terminal.wait(lambda: is_ready(terminal.log, workspace), what="server", seconds=600)
        yield terminal


@contextmanager
def opened(tmp_path, *, starts_at=None):
    """Open a file of a small repository; the server starts at once, or when a file is there."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux")
    workspace = tmp_path / "workspace"
    (workspace / ".git").mkdir(parents=True)
    (workspace / "demo.py").write_text("total = \n", encoding="utf-8")
    log = tmp_path / "server.log"
    put_fake_server(tmp_path / "bin" / "homespun", log=log, starts_at=starts_at)
    (tmp_path / "state").mkdir()
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "EMACS_LSP_MODE": PACKAGES,
        "EMACS_STATE": str(tmp_path / "state"),
        "FAKE_SERVER": '{"log_level": "debug"}',
    }
    settings = [
        part for name in ("before", "init") for part in ("-l", f"{EDITORS}/emacs_{name}.el")
    ]
    argv = ["emacs", "-nw", "-Q", *settings, "demo.py"]
    with Terminal(argv, cwd=workspace, environment=environment) as terminal:
        terminal.log, terminal.file = log, workspace / "demo.py"
        yield terminal


def test_what_was_typed_before_the_server_was_there_gets_its_suggestion(tmp_path):
    with opened(tmp_path, starts_at=tmp_path / "go") as editor:
        editor.wait(lambda: "total =" in editor.screen(), what="file")
        editor.keys("C-e")
        editor.text("# né")
        editor.wait(lambda: "total = # né" in editor.screen(), what="typed text")
        (tmp_path / "go").touch()
        editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")


def test_a_word_is_accepted_then_the_rest_and_the_server_is_told(editor):
    editor.keys("C-e")
    editor.text("# né")
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")
    editor.keys("M-Right")
    _wait_for_log(editor, " partial: 3 of 5 characters")
    editor.wait(lambda: editor.ghost_text("# né né") == "|", what="the rest as ghost text")
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: 5 of 5 characters")
    assert _saved(editor) == "total = # né né|\n\n"


def test_a_server_that_is_killed_is_started_again(editor):
    editor.wait(lambda: " homespun " in editor.screen(), what="ready in the mode line")
    kill_newest(editor.log)
    editor.wait(lambda: " homespun: starting" in editor.screen(), what="the death in the mode line")
    editor.keys("C-e")
    editor.text("# n")
    editor.wait(lambda: _read(editor.log).count("is ready") == 2, what="another server")
    editor.wait(lambda: " homespun " in editor.screen(), what="ready in the mode line")
    editor.text("é")
    editor.wait(lambda: editor.ghost_text("# né") == " né|", what="ghost text")
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: ")
    assert _saved(editor) == "total = # né né|\n\n"


@pytest.mark.parametrize("key", [None, "C-l"], ids=["too late", "a key"])
def test_a_question_that_was_given_up_is_asked_again(editor, key):
    editor.keys("C-e")
    editor.text("# HOLD")
    _wait_for_log(editor, "the answer is held")
    if key:
        editor.keys(key)
    editor.wait(lambda: editor.ghost_text("# HOLD") == "OLD|", what="ghost text")
    assert "Could not fetch" not in editor.screen()
    editor.keys("Tab")
    _wait_for_log(editor, " accepted: ")
    assert _saved(editor) == "total = # HOLDOLD|\n\n"


def test_why_and_the_mode_line(editor):
    editor.wait(lambda: " homespun " in editor.screen(), what="ready in the mode line")
    editor.keys("M-x")
    editor.text("homespun-pause\n")
    editor.wait(lambda: "homespun: paused" in editor.screen(), what="the pause in the mode line")
    editor.keys("M-x")
    editor.text("homespun-status\n")
    editor.wait(lambda: "adapter " in editor.screen(), what="the status")


def _wait_for_log(editor, sentence):
    editor.wait(lambda: sentence in _read(editor.log), what=f"{sentence!r} in the log")


def _saved(editor):
    editor.keys("C-x", "C-s")
    editor.wait(lambda: "Wrote" in editor.screen(), what="saved file")
    return _read(editor.file)


def _read(path):
    return path.read_text(encoding="utf-8")
