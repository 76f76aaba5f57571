"""The command where Python has nothing of Unix (`tests/support/without_unix.py`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = "from tests.support import without_unix; without_unix.run()"
TEXT = "def grüße(name):\n    return name\n\n\ndef 世界():\n    return grüße('→')\n"


def started(*words, cwd, **rest):
    """Run the command, with a git.exe on the path."""
    programs = cwd.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "git.exe").write_text(f'#!/bin/sh\nexec {shutil.which("git")} "$@"\n')
    (programs / "git.exe").chmod(0o700)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": path},
        timeout=120,
        **rest,
    )


def command(*words, cwd):
    done = started(*words, cwd=cwd)
    return done.returncode, done.stdout.decode("cp1252"), done.stderr.decode("cp1252")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("shops") / "shop"
    root.mkdir()
    (root / "laden.py").write_text(TEXT, encoding="utf-8")
    (root / "crlf.py").write_bytes(b"def crossing(line):\r\n    return line\r\n")
    status, _, said = command("index", root, "--encoder", "none", cwd=root)
    assert status == 0, said
    return root


def test_names_of_unix_are_gone_there(tmp_path):
    code = (
        "from tests.support import without_unix; without_unix.take_away();"
        "there = {'__name__': 'homespun.any'}; exec('import os, signal', there);"
        "os, signal = there['os'], there['signal'];"
        "print([hasattr(os, 'fork'), hasattr(os, 'O_NOFOLLOW'), hasattr(signal, 'SIGHUP')]);"
        "exec('import resource', there)"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[False, False, False]"
    assert "No module named 'resource'" in done.stderr


def test_what_the_encoding_lacks_is_escaped_and_nothing_is_lost(shop):
    status, printed, said = command("search", "世界 grüße", cwd=shop)
    assert status == 0, said
    assert "laden.py:1-6  grüße" in printed
    assert r"def \u4e16\u754c():" in printed


def test_json_is_whole_in_any_encoding(shop):
    status, printed, _ = command("search", "世界", "--json", cwd=shop)
    assert status == 0
    assert "世界" in json.dumps(json.loads(printed), ensure_ascii=False)


@pytest.mark.parametrize("verb", ["doctor", "conventions", "traces", "adapters", "acceptance"])
def test_verbs_end_without_a_traceback(shop, verb):
    words = ["list"] if verb == "adapters" else []
    status, _, said = command(verb, *words, cwd=shop)
    assert status in (0, 1)
    assert "Traceback" not in said


def test_a_second_index_takes_in_what_has_changed(shop):
    (shop / "neu.py").write_text("def neu():\n    return 1\n", encoding="utf-8")
    status, printed, said = command("index", shop, "--encoder", "none", "--json", cwd=shop)
    assert status == 0, said
    assert json.loads(printed)["files"] == 3


def test_the_language_server_starts_and_ends(shop):
    def message(**body):
        text = json.dumps({"jsonrpc": "2.0", **body})
        return f"Content-Length: {len(text)}\r\n\r\n{text}".encode()

    root = {"rootUri": shop.as_uri(), "capabilities": {}, "processId": None}
    words = [
        message(id=1, method="initialize", params=root),
        message(method="initialized", params={}),
        message(id=2, method="shutdown"),
        message(method="exit"),
    ]
    done = started("serve", cwd=shop, input=b"".join(words))
    assert done.returncode == 0, done.stderr
    assert b'"inlineCompletionProvider"' in done.stdout
