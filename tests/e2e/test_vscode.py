"""The extension in a real VS Code, with the real server, the real model and a real repository.

`make e2e` runs it: HOMESPUN_VSCODE names the folder that editors/setup_vscode.sh filled,
HOMESPUN_PICTURES a folder for pictures, if wanted.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.editors.programs import kill_newest, started
from tests.e2e.editors.vscode import CodeServer, Window, browser_page
from tests.e2e.editors.waiting import wait
from tests.e2e.editors.workspace import (
    DEFINED_IN,
    MEANT,
    PATIENT,
    PEEK,
    put_server,
    repository,
    without_model,
)

ROOT = Path(__file__).resolve().parents[2]
VSIX = ROOT / "editor-client" / "homespun.vsix"
INSTALLED = Path(os.environ.get("HOMESPUN_VSCODE", "/nowhere"))

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.model,
    pytest.mark.skipif(not INSTALLED.is_dir(), reason="needs HOMESPUN_VSCODE (make e2e)"),
]

CURSOR_LINE = 12  # of PEEK
TYPED = " document."


@pytest.fixture(scope="module")
def browse(tmp_path_factory):
    """Opens a browser, any number of times: playwright runs once in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield functools.partial(browser_page, playwright)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return repository(tmp_path_factory.mktemp("vscode") / "pygls")


@pytest.fixture(scope="module")
def log(folder):
    """Where the server logs."""
    return folder.parent / "server.log"


@pytest.fixture(scope="module")
def window(folder, log, browse):
    """One window of the repository; its first document is open and the server is coming up."""
    program = folder.parent / "bin" / "homespun"
    serve = put_server(program, log=log, environment=PATIENT)
    (folder / "pygls" / "workspace" / "peek.py").write_text(PEEK, encoding="utf-8")
    with (
        CodeServer(
            INSTALLED,
            folder.parent / "profile",
            extension=VSIX,
            settings={"homespun.serverCommand": serve},
        ) as server,
        browse(folder.parent / "browser") as page,
    ):
        window = Window(page, server.port)
        window.open(folder, "pygls/workspace/peek.py")
        try:
            yield window
        finally:
            if (pictures := os.environ.get("HOMESPUN_PICTURES")) is not None:
                page.screenshot(path=Path(pictures) / "vscode-last.png")


@pytest.fixture
def document(window, folder, request):
    """Makes a file, shows it at the end of a line; afterwards it is gone."""
    made = []

    def make(name: str, text: str, line: int) -> Path:
        file = folder / "pygls" / name
        file.write_bytes(text.encode("utf-8"))
        made.append(file)
        window.wait_until_ready()
        window.show(f"pygls/{name}", line)
        return file

    yield make
    picture(window, f"vscode-{request.node.name}.png")
    for file in made:
        window.keys("Escape", "Escape")
        window.close_editor()
        file.unlink()


def test_from_indexing_to_ready_to_ghost_text_of_another_file_to_the_saved_file(window, folder):
    file = folder / "pygls" / "workspace" / "peek.py"
    # A fast machine has the index before the model, and never says that it is indexing.
    work = ("indexing", "loading model")
    wait(
        lambda: any(what in status for status in window.seen("statuses") for what in work),
        "work in the status",
    )
    window.wait_until_ready()
    window.show("pygls/workspace/peek.py", CURSOR_LINE)
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    assert ghost.startswith(MEANT)
    picture(window, "vscode.png")
    window.keys("Tab")
    expected = PEEK.replace("    return\n", f"    return{TYPED}{ghost}\n")
    assert window.save(file) == expected


def test_the_sources_open_at_their_lines(window, folder):
    window.command("Homespun: Show Sources of the Last Completion")
    row = window.rows().filter(has_text=DEFINED_IN).first
    row.wait_for()
    picture(window, "vscode-sources.png")
    shown = row.inner_text()
    found = re.search(rf"{DEFINED_IN}:(\d+)-(\d+)", shown)
    assert found is not None, shown
    first, last = int(found[1]), int(found[2])
    row.click()
    wait(lambda: window.title() == DEFINED_IN, "its editor in front")
    wait(lambda: window.place() == (first, 1), f"cursor in line {first}")
    text = (folder / "pygls" / "workspace" / DEFINED_IN).read_text(encoding="utf-8")
    lines = text.splitlines()[first - 1 : last]
    assert lines[0].strip() in shown
    assert any(f"def {MEANT}(" in line for line in lines)
    window.close_editor()


def test_why_this_suggestion_leads_to_its_sources(window, document):
    document("reasons.py", PEEK, CURSOR_LINE)
    window.type(TYPED)
    window.wait_for_ghost()
    window.command("Homespun: Why This Suggestion, or Why Nothing")
    toast = window.toast("qwen2.5-coder-0.5b")
    picture(window, "vscode-why.png")
    toast.get_by_role("button", name="Show Sources").click()
    window.rows().filter(has_text=DEFINED_IN).first.wait_for()
    wait(lambda: window.title() == DEFINED_IN, "a preview of the source")
    window.keys("Escape")
    wait(lambda: window.title() == "reasons.py", "the editor as it was")


def test_why_nothing_names_the_setting(window, document):
    right = " + the_rest_of_a_long_sum"
    document("nothing.py", PEEK.replace("return", f"return{right}"), CURSOR_LINE)
    window.keys(*["ArrowLeft"] * len(right))
    window.type(" x")
    assert window.settled_ghost() == ""
    window.command("Homespun: Why This Suggestion, or Why Nothing")
    toast = window.toast("completion.maxLineSuffixChars")
    toast.get_by_role("button", name="Open Setting").click()
    setting = window.page.locator(".settings-editor").filter(has_text="Max Line Suffix Chars").first
    setting.wait_for()
    window.keys("Escape")


def test_the_search_opens_a_definition(window, folder):
    window.command("Homespun: Search the Repository")
    window.box().fill("the word at a position of the document")
    row = window.rows().filter(has_text=DEFINED_IN).first
    row.wait_for()
    picture(window, "vscode-search.png")
    row.click()
    wait(lambda: window.title() == DEFINED_IN, "its editor in front")
    window.close_editor()


def test_a_word_then_a_line_is_accepted(window, document):
    file = document("words.py", PEEK, CURSOR_LINE)
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    window.keys("Control+ArrowRight")
    wait(lambda: 0 < len(window.ghost()) < len(ghost), "the rest as ghost text")
    rest = window.ghost()
    assert ghost.endswith(rest)
    window.keys("Alt+End")
    wait(lambda: window.ghost() == "", "no ghost text")
    assert window.save(file) == PEEK.replace("return\n", f"return{TYPED}{ghost}\n")


def test_other_suggestions_on_request(window, document):
    file = document("others.py", PEEK, CURSOR_LINE)
    window.type(TYPED)
    first = window.wait_for_ghost()
    window.keys("Alt+BracketRight")
    other = str(wait(lambda: (now := window.ghost()) != first and now, "another suggestion"))
    picture(window, "vscode-others.png")
    window.keys("Tab")
    assert window.save(file) == PEEK.replace("return\n", f"return{TYPED}{other}\n")


def test_paused_and_resumed(window, document):
    document("paused.py", PEEK, CURSOR_LINE)
    window.command("Homespun: Pause for an Hour")
    wait(lambda: "paused until" in window.status(), "paused in the status")
    window.type(TYPED)
    assert window.settled_ghost() == ""
    window.command("Homespun: Resume")
    window.wait_until_ready()
    window.keys("Backspace")
    window.type(TYPED[-1])
    assert window.wait_for_ghost()


def test_a_file_with_crlf_keeps_its_line_ends(window, document):
    file = document("crlf.py", PEEK.replace("\n", "\r\n"), CURSOR_LINE)
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    expected = PEEK.replace("return\n", f"return{TYPED}{ghost}\n").replace("\n", "\r\n")
    assert window.save(file) == expected


def test_a_block_in_a_file_with_crlf_keeps_its_line_ends(window, document):
    head = PEEK.rpartition("    return")[0].replace("\n", "\r\n")
    file = document("block.py", head, CURSOR_LINE)
    window.type("    if position.line < 0:")
    window.keys("Enter")
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    saved = window.save(file)
    assert saved.startswith(f"{head}    if position.line < 0:\r\n")
    assert saved.count("\n") == saved.count("\r\n") == saved.count("\r")
    assert ghost.split()[0] in saved


def test_emoji_and_cjk_before_the_cursor(window, document):
    line = '    label = "🧵 你好 \N{COMBINING ACUTE ACCENT}e 👩‍💻"; word ='
    text = PEEK.replace("    return", line)
    file = document("emoji.py", text, CURSOR_LINE)
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    assert window.save(file) == text.replace(line, f"{line}{TYPED}{ghost}")


def test_a_file_of_twenty_thousand_lines(window, document, folder):
    whole = (folder / "pygls" / "workspace" / "text_document.py").read_text(encoding="utf-8")
    body = whole.partition("class TextDocument")[2].partition("\n")[2]
    copies = 20_000 // body.count("\n") + 1
    text = PEEK + "".join(f"\n\nclass Copy{n}:\n{body}" for n in range(copies))
    assert text.count("\n") > 20_000
    file = document("long.py", text, CURSOR_LINE)
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    assert window.save(file) == text.replace("    return\n", f"    return{TYPED}{ghost}\n", 1)


def test_two_hundred_fast_keys_leave_no_stale_ghost_text(window, document):
    file = document("fast.py", PEEK, CURSOR_LINE)
    typed = (" document.lines + position.line" * 8)[:200]  # no bracket that closes itself
    window.type(typed, pause_ms=20)
    ghost = window.settled_ghost()
    assert window.place() == (CURSOR_LINE, len("    return") + len(typed) + 1)
    if ghost:
        window.keys("Tab")
    assert window.save(file) == PEEK.replace("return\n", f"return{typed}{ghost}\n")
    window.type(" # nothing of this")
    window.keys("Escape", "Home")
    assert window.settled_ghost() == ""


def test_the_list_of_suggestions_may_be_open(window, document):
    """With a list open, VS Code asks with what is selected in it."""
    file = document("list.py", PEEK, CURSOR_LINE)
    window.type(TYPED)
    window.wait_for_ghost()
    window.keys("Control+Space")
    window.page.locator(".suggest-widget.visible").wait_for(timeout=20_000)
    window.settled_ghost()
    window.keys("Escape")
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    assert window.save(file) == PEEK.replace("return\n", f"return{TYPED}{ghost}\n")


def test_an_untitled_document(window):
    window.wait_until_ready()
    window.command("File: New Untitled Text File")
    wait(lambda: window.title().startswith("Untitled"), "an untitled editor")
    window.command("Change Language Mode")
    window.box().fill("Python")
    window.rows().filter(has_text="Python").first.click()
    mode = window.page.locator('.statusbar-item[id="status.editor.mode"]')
    wait(lambda: "Python" in mode.inner_text(), "Python as the language")
    window.page.locator(".monaco-editor.focused .view-lines").first.wait_for()
    window.type("def area(width: int, height: int) -> int:\n    return ")
    assert "width" in window.wait_for_ghost()
    window.keys("Escape")
    window.close_editor()


def test_a_cell_of_a_notebook_knows_the_cells_before_it(window, folder):
    def cell(source):
        return {"cell_type": "code", "metadata": {}, "source": [source], "outputs": []}

    file = folder / "pygls" / "areas.ipynb"
    python = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    first = "def area_of_a_sheet(width: int, height: int) -> int:\n    return width * height"
    cells = [cell(first), cell("print(area_of_a_")]
    whole = {"cells": cells, "metadata": python, "nbformat": 4, "nbformat_minor": 4}
    file.write_text(json.dumps(whole), encoding="utf-8")
    window.wait_until_ready()
    window.open_file("pygls/areas.ipynb")
    second = window.page.locator(".notebook-editor .cell .monaco-editor .view-lines").nth(1)
    second.click()
    window.keys("Control+End")
    window.type("s")
    ghost = window.wait_for_ghost()
    picture(window, "vscode-notebook.png")
    window.keys("Tab")
    assert ghost.startswith("heet(")
    window.save(file)
    saved = json.loads(file.read_text(encoding="utf-8"))["cells"][1]["source"]
    assert "".join(saved) == f"print(area_of_a_s{ghost}"
    window.close_editor()
    file.unlink()


def test_a_killed_server_comes_back(window, log, document):
    file = document("killed.py", PEEK, CURSOR_LINE)
    before = len(window.seen("statuses"))
    kill_newest(log)
    wait(lambda: len(window.seen("statuses")) > before, "another status")
    window.wait_until_ready()
    assert len(started(log)) >= 2
    window.type(TYPED)
    ghost = window.wait_for_ghost()
    window.keys("Tab")
    assert window.save(file) == PEEK.replace("return\n", f"return{TYPED}{ghost}\n")


def test_there_was_no_error_toast(window):
    assert [toast for toast in window.seen("toasts") if toast.startswith("error")] == []


def test_without_model_and_network_there_is_a_sentence_and_a_fix(tmp_path, browse):
    folder = repository(tmp_path / "pygls")
    serve = put_server(
        tmp_path / "bin" / "homespun",
        log=tmp_path / "server.log",
        environment=without_model(tmp_path / "empty"),
    )
    with (
        CodeServer(
            INSTALLED,
            tmp_path / "profile",
            extension=VSIX,
            settings={"homespun.serverCommand": serve},
        ) as server,
        browse(tmp_path / "browser") as page,
    ):
        window = Window(page, server.port)
        window.open(folder, "pygls/server.py")
        wait(lambda: "problem" in window.status(), "problem in the status")
        toast = window.toast("qwen2.5-coder-0.5b")
        picture(window, "vscode-no-model.png")
        toast.get_by_role("button", name="Fetch").click()
        window.toast("could not")
        assert "problem" in window.status()


@pytest.mark.timeout(1_800)
def test_it_installs_its_server_after_asking(tmp_path, browse):
    """Brings what the server needs from PyPI, as a first start does; the server comes along."""
    folder = repository(tmp_path / "pygls")
    (folder / "pygls" / "workspace" / "peek.py").write_text(PEEK, encoding="utf-8")
    if shutil.which("homespun") is not None:
        pytest.skip("a homespun is on the PATH, so nothing would be installed")
    settings = {"homespun.server.acceptanceLog": False}
    with (
        CodeServer(INSTALLED, tmp_path / "profile", extension=VSIX, settings=settings) as server,
        browse(tmp_path / "browser") as page,
    ):
        window = Window(page, server.port)
        window.open(folder, "pygls/workspace/peek.py")
        toast = window.toast("not on this machine")
        picture(window, "vscode-install.png")
        toast.get_by_role("button", name="Install the Server").click()
        window.wait_until_ready(1_500)
        window.show("pygls/workspace/peek.py", CURSOR_LINE)
        window.type(TYPED)
        assert window.wait_for_ghost().startswith(MEANT)
        assert [toast for toast in window.seen("toasts") if toast.startswith("error")] == []


def picture(window, name):
    """Save a picture where pictures are wanted."""
    if (pictures := os.environ.get("HOMESPUN_PICTURES")) is not None:
        Path(pictures).mkdir(parents=True, exist_ok=True)
        window.page.wait_for_timeout(400)  # what fades in is there
        window.page.screenshot(path=Path(pictures) / name)
