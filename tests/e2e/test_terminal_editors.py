"""Neovim 0.11 and 0.12 and Emacs, with the real server, the real model and a real repository.

`make e2e` runs it: HOMESPUN_NVIM names the programs (like a PATH) and HOMESPUN_EMACS_PACKAGES the
folder that editors/setup_terminal_editors.sh made, HOMESPUN_PICTURES a folder for pictures, if
wanted. What is not there is skipped, and all of it where HOMESPUN_E2E is not 1: it takes minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from homespun.paths import home, source_dir
from tests.e2e.editors.nvim_program import neovims
from tests.e2e.editors.programs import kill_newest, started
from tests.e2e.editors.terminal_editors import Emacs, Neovim
from tests.e2e.editors.workspace import (
    DEFINED_IN,
    MEANT,
    PATIENT,
    PEEK,
    put_server,
    repository,
    without_model,
)

PACKAGES = os.environ.get("HOMESPUN_EMACS_PACKAGES", "")
PICTURES = os.environ.get("HOMESPUN_PICTURES")
MODEL = "qwen2.5-coder-0.5b"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.model,
    pytest.mark.skipif(os.environ.get("HOMESPUN_E2E") != "1", reason="needs HOMESPUN_E2E=1"),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
    pytest.mark.skipif(not source_dir(MODEL).is_dir(), reason=f"needs {MODEL} in the cache"),
]

WIDTH = '''"""Columns as the client counts them."""

from __future__ import annotations

from pygls.workspace.position_codec import PositionCodec


def width(codec: PositionCodec, line: str) -> int:
    """How long the line is for the client."""
    return
'''
PLACE = '''class Place:
    """A place in a document."""

    def __init__(self, path: str, line: int, column: int) -> None:

    def text(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"
'''
HOME = {"HOMESPUN_HOME": str(home())}  # the editors have another HOME


def start(name, workspace, state, path):
    """Return an editor that is not started yet; skip where it is not on this machine."""
    if name == "emacs":
        if shutil.which("emacs") is None or not list(
            Path(PACKAGES or "/nowhere").glob("lsp-mode*")
        ):
            pytest.skip("needs emacs on the PATH and lsp-mode in HOMESPUN_EMACS_PACKAGES")
        return Emacs(workspace, state, path=path, packages=PACKAGES)
    for program, version in neovims():
        if name == f"neovim-{version[0]}.{version[1]}":
            ghost_text = "builtin" if version >= (0, 12) else "drawn"
            return Neovim(workspace, state, path=path, program=program, ghost_text=ghost_text)
    pytest.skip(f"needs {name} in HOMESPUN_NVIM")


@pytest.fixture(scope="module", params=["neovim-0.11", "neovim-0.12", "emacs"])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Where the server logs."""
    return tmp_path_factory.mktemp("trace") / "server.log"


@pytest.fixture(scope="module")
def running(name, log, tmp_path_factory):
    """The editor with the server, the model and the index ready."""
    folder = tmp_path_factory.mktemp(name)
    workspace = repository(folder / "pygls")
    program = folder / "bin" / "homespun"
    put_server(program, log=log, environment=PATIENT | HOME)
    with start(name, workspace, folder / "state", program.parent) as editor:
        editor.open("pygls/uris.py", 1)
        editor.wait_until_ready(600)
        yield editor


@pytest.fixture
def editor(running):
    """The editor on a file that the test gives; after a failure the screen is in the report."""
    yield running
    sys.stdout.write(f"{running.terminal.screen()}\n")


def shows(editor, path, text, line, typed, begin=""):
    """Open a new file, type at the end of a line and return the ghost text that comes."""
    file = editor.workspace / path
    file.write_bytes(text.encode("utf-8"))
    editor.open(path, line)
    editor.wait_until_ready()
    began = time.monotonic()
    editor.append(typed)
    whole = text.split("\n")[line - 1].rstrip("\r") + typed
    rows = editor.wait_for_ghost(whole, begin)
    seconds = time.monotonic() - began
    sys.stdout.write(f"{rows[0]!r} seen {seconds - 1.5:.1f} s after the keys\n")
    return file, rows


def assert_accepted(saved, text, line, typed, rows):
    """The file is the text with what was typed and what was shown, and nothing else; LF only."""
    lines = text.split("\n")
    before = "\n".join([*lines[: line - 1], lines[line - 1] + typed])
    after = "".join(f"\n{it}" for it in lines[line:])
    assert saved.startswith(before)
    assert saved.endswith(after)
    accepted = saved[len(before) : len(saved) - len(after)].split("\n")
    assert [it.rstrip() for it in accepted] == rows[: len(accepted)]
    assert accepted != [""]
    following = lines[line] if line < len(lines) - 1 else ""
    assert rows[len(accepted)] in (following, "~" if following == "" else following)


def test_ghost_text_holds_a_name_of_another_file_and_is_accepted(editor, name):
    line = PEEK.count("\n")
    if PICTURES:
        editor.dress()
    file, rows = shows(editor, "pygls/workspace/peek.py", PEEK, line, " document.", MEANT)
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        title = name.replace("-", " ").title()
        editor.terminal.save_picture(Path(PICTURES) / f"{name}.png", title=title)
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    editor.undress()
    assert_accepted(saved, PEEK, line, " document.", rows)


def test_the_sources_are_places_to_jump_to(editor):
    file, _ = shows(editor, "pygls/where.py", PEEK, PEEK.count("\n"), " document.")
    editor.accept()
    editor.save(file)
    editor.command("sources")
    places = editor.sources()
    number = next(n for n, place in enumerate(places) if place.file.name == DEFINED_IN)
    place = places[number]
    source = place.file.read_text(encoding="utf-8").split("\n")
    assert re.match(rf"\s*(def {MEANT}|class TextDocument)\b", source[place.line - 1])
    assert place.text == source[place.line - 1].strip()
    editor.jump(number)
    editor.terminal.wait(
        lambda: editor.terminal.cursor_row().strip() == place.text, what="the definition"
    )
    editor.one_window()
    assert editor.shows_file(DEFINED_IN)


def test_a_killed_server_comes_back_and_the_editor_goes_on(editor, log):
    path, line = "pygls/workspace/killed.py", WIDTH.count("\n")
    file, _ = shows(editor, path, WIDTH, line, " codec.")
    starts = len(started(log))
    kill_newest(log)
    editor.terminal.wait(lambda: editor.status() == "homespun: starting", what="the death")
    editor.type("# still typing")
    editor.terminal.wait(
        lambda: "codec.# still typing" in editor.terminal.cursor_row(), what="what was typed"
    )
    assert not re.search(r"E\d+:|[Ee]rror|Traceback|Press ENTER", editor.terminal.screen())
    editor.wait_until_ready()
    assert len(started(log)) == starts + 1
    editor.terminal.keys(*["BSpace"] * len("codec.# still typing"))
    editor.type("codec.")
    rows = editor.wait_for_ghost("    return codec.")
    accepted = log.read_text(encoding="utf-8").count(" accepted: ")
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    editor.terminal.wait(
        lambda: log.read_text(encoding="utf-8").count(" accepted: ") > accepted,
        what="the news in the new server's log",
    )
    assert_accepted(saved, WIDTH, line, " codec.", rows)
    assert not re.search(r"E\d+:|[Ee]rror|Traceback|Press ENTER", editor.terminal.screen())


def test_two_hundred_fast_keys_leave_no_stale_ghost_text(editor):
    head = WIDTH.replace("    return\n", "    return codec.client_num_units(line)\n\n\n")
    head += "codec = PositionCodec()\n"
    typed = """
first = 'a line of text'
second = 'some other line'
longest = max(len(first), len(second))
shortest = min(len(first), len(second))
difference = longest - shortest
print(longest, shortest, difference)
units = codec."""
    assert len(typed) >= 200
    path, line = "pygls/workspace/fast.py", head.count("\n")
    file = editor.workspace / path
    file.write_text(head, encoding="utf-8")
    editor.open(path, line)
    editor.wait_until_ready()
    editor.append(typed[:3])
    for begin in range(3, len(typed), 3):
        editor.type(typed[begin : begin + 3])
    last = typed.rpartition("\n")[2]
    editor.terminal.wait(lambda: last in editor.terminal.cursor_row(), what="all that was typed")
    rows = editor.wait_for_ghost(last)
    whole = head.rstrip("\n") + typed
    above = whole.split("\n")[:-1]
    screen = [row.rstrip() for row in editor.terminal.screen().split("\n")]
    assert screen[: len(above)] == above
    assert rows[1] in ("", "~")
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    assert saved == f"{whole}{rows[0]}\n"
    editor.append("\nrest = codec.")
    editor.wait_for_ghost("rest = codec.")
    editor.terminal.text("# ", after=("Home",))  # where nothing is suggested: all of it is stale
    editor.terminal.wait(
        lambda: editor.terminal.cursor_row().startswith("# rest"), what="what was typed"
    )
    editor.settled("# rest = codec.")
    expected = f"{saved}# rest = codec."
    screen = [row.rstrip() for row in editor.terminal.screen().split("\n")]
    assert screen[: expected.count("\n") + 1] == expected.split("\n")
    assert editor.save(file).decode("utf-8") == f"{expected}\n"


def test_a_file_with_crlf_keeps_its_line_ends(editor):
    text, line = WIDTH.replace("\n", "\r\n"), WIDTH.count("\n")
    path = "pygls/workspace/crlf.py"
    file, rows = shows(editor, path, text, line, " codec.")
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    assert saved.count("\n") == saved.count("\r\n") == saved.count("\r") == text.count("\n")
    assert_accepted(saved.replace("\r\n", "\n"), WIDTH, line, " codec.", rows)


def test_a_block_in_a_file_with_crlf_keeps_its_line_ends(editor):
    text, line = PLACE.replace("\n", "\r\n"), 4
    file = editor.workspace / "pygls" / "place.py"
    file.write_bytes(text.encode("utf-8"))
    editor.open("pygls/place.py", line)
    editor.wait_until_ready()
    editor.append("\n")
    rows = editor.wait_for_ghost(" " * 8, "self.path")
    assert rows[1].strip().startswith("self."), "no block, so that this says little"
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    assert saved.count("\n") == saved.count("\r\n") == saved.count("\r") > text.count("\n") + 1
    assert "^M" not in "".join(rows)
    assert_accepted(saved.replace("\r\n", "\n"), PLACE, line, "\n" + " " * 8, rows)


def test_emoji_and_cjk_before_the_cursor(editor):
    text = WIDTH.replace("    return\n", '    label = "🧵 你好 né"; total =\n')
    path, line = "pygls/workspace/label.py", text.count("\n")
    file, rows = shows(editor, path, text, line, " codec.")
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    assert_accepted(saved, text, line, " codec.", rows)


def test_without_model_and_network_there_is_a_sentence_and_a_fix(name, tmp_path):
    log = tmp_path / "server.log"
    program = tmp_path / "bin" / "homespun"
    environment = without_model(tmp_path / "empty")
    put_server(program, log=log, environment=environment)
    workspace = repository(tmp_path / "pygls")
    with start(name, workspace, tmp_path / "state", program.parent) as editor:
        editor.open("pygls/uris.py", 1)
        editor.terminal.wait(lambda: editor.status() == "homespun: problem", what="the problem")
        editor.command("status")
        screen = editor.terminal.screen
        editor.terminal.wait(lambda: "Fetch the model (" in screen(), what="the fix")
        assert MODEL in screen()
        assert "is not on this machine" in screen()
        assert not re.search(r"E\d+:|Traceback|stack", screen())
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_a_file_of_twenty_thousand_lines(editor):
    source = (editor.workspace / "pygls" / "workspace" / "text_document.py").read_text("utf-8")
    body = source.partition("class TextDocument")[2].partition("\n")[2]
    copies = [
        f"\n\nclass Copy{number}:\n{body}" for number in range(20_000 // body.count("\n") + 1)
    ]
    half = len(copies) // 2
    above = PEEK.partition("def peek")[0] + "".join(copies[:half]) + "\n\n"
    text = above + "def peek" + PEEK.partition("def peek")[2] + "".join(copies[half:])
    assert text.count("\n") > 20_000
    line = text[: text.index("    return\n", len(above))].count("\n") + 1
    file, rows = shows(editor, "pygls/long.py", text, line, " document.")
    editor.accept()
    saved = editor.save(file).decode("utf-8")
    assert_accepted(saved, text, line, " document.", rows)
