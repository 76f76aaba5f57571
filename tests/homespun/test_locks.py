"""Who holds a lock, for the sentence of whoever has to wait."""

from __future__ import annotations

import json
import os

import pytest

from homespun.locks import NOTE, holder_of, leave_note


def test_the_holder_is_named_with_his_command_and_since_when(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["/opt/bin/homespun", "index", "x" * 500])
    leave_note(tmp_path)
    holder = holder_of(tmp_path)
    assert holder.startswith(f"process {os.getpid()} ('homespun index xxx")
    assert ", since 20" in holder
    assert len(holder) < 300


@pytest.mark.parametrize(
    "note",
    [
        None,
        b"\xff{",
        b"[]",
        b'{"pid": "x", "command": "c", "since": "2026-01-01"}',
        b'{"pid": 1, "command": "c", "since": "\\u001b[2J"}',
        b" " * 20_000,
    ],
)
def test_a_note_that_says_nothing_does_not_hide_the_lock(tmp_path, note):
    if note is not None:
        (tmp_path / NOTE).write_bytes(note)
    assert holder_of(tmp_path) == "another process"


def test_a_note_replaces_what_stands_there(tmp_path):
    (tmp_path / NOTE).write_text(json.dumps({"pid": 1, "command": "c", "since": "2026-01-01"}))
    leave_note(tmp_path)
    assert f"process {os.getpid()} " in holder_of(tmp_path)
