"""llama.vim and minuet-ai.nvim as they are, in a real Neovim, against `serve --openai`.

HOMESPUN_HTTP_CLIENTS is a folder with clones of them, `llama.vim` and `minuet-ai.nvim`; tried with
a1c8e6e and 479487c. The model is a fake that says what its prompt has of another file, so what is
seen as ghost text came out of the index. Skipped where there is no such folder, tmux or Neovim.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.editors.nvim_program import neovim
from tests.e2e.editors.terminal import Terminal
from tests.support.running_openai import FILES, TOKEN, RunningServer
from tests.support.scratch import Scratch

INIT = Path(__file__).with_name("editors") / "http_clients.lua"
LINE = next(n for n, line in enumerate(FILES["depot/store.py"].split("\n")) if "sum(" in line)

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["llama.vim", "minuet-ai.nvim"])
def editor(request, tmp_path):
    clone = Path(os.environ.get("HOMESPUN_HTTP_CLIENTS", "/nonexistent")) / request.param
    if not clone.is_dir() or shutil.which("tmux") is None:
        pytest.skip(f"needs tmux and {request.param} in the folder HOMESPUN_HTTP_CLIENTS")
    program, _ = neovim()
    scratch = Scratch(tmp_path / "depot-repository")
    scratch.write_files(FILES)
    scratch.commit()
    server = RunningServer(
        scratch.folder, tmp_path / "asked.jsonl", FAKE_FINDS=r"def (weigh_parcel\(\w+, \w+=)"
    )
    server.until_indexed()
    argv = [program, "--clean", "-n", "-u", str(INIT), f"+{LINE + 1}", "depot/store.py"]
    environment = {
        "HTTP_CLIENT": str(clone),
        "HTTP_URL": server.url,
        "HTTP_TOKEN": TOKEN,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    try:
        with Terminal(argv, cwd=scratch.folder, environment=environment) as terminal:
            terminal.file = scratch.folder / "depot" / "store.py"
            terminal.server = server
            yield terminal
    finally:
        server.close()


def test_ghost_text_comes_out_of_the_repository_s_index(editor):
    editor.wait(lambda: "total_weight" in editor.screen(), what="the file")
    editor.keys("C")  # the line anew
    editor.text("        return sum(")
    editor.wait(
        lambda: "weigh_parcel(parcel, tare_grams=" in editor.cursor_row(),
        what="ghost text",
        seconds=60,
    )
    assert "def weigh_parcel(parcel, tare_grams=0)" in editor.server.prompts()[-1]
    editor.keys("Tab")
    editor.keys("Escape", ":w", "Enter")
    wanted = "        return sum(weigh_parcel(parcel, tare_grams=\n"
    editor.wait(lambda: wanted in editor.file.read_text(), what="the accepted text on the disk")
