"""What this machine wrote is known again; what anybody else wrote is not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from homespun.parsing import parse_json, parse_toml
from homespun.trust import SEAL, has_seal, machine_key, with_seal

BODY = {"generation": 3, "files": {"a.py": ["0f", 1, None, 0.25]}, "name": "…"}


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "state"))


def test_a_sealed_object_is_known_again_after_a_round_through_json(tmp_path):
    import json

    sealed = with_seal(BODY, purpose="index", folder=tmp_path)
    assert {name: value for name, value in sealed.items() if name != SEAL} == BODY
    assert has_seal(json.loads(json.dumps(sealed, indent=3)), purpose="index", folder=tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 4},
        {"more": 1},
        {SEAL: "0" * 64},
        {SEAL: None},
        {SEAL: "ünicode"},
    ],
)
def test_an_object_that_was_changed_is_not(change, tmp_path):
    sealed = with_seal(BODY, purpose="index", folder=tmp_path)
    assert not has_seal(sealed | change, purpose="index", folder=tmp_path)


def test_an_object_without_a_seal_is_not_ours():
    assert not has_seal(BODY, purpose="index")


def test_a_seal_holds_for_its_purpose_and_its_place_alone(tmp_path):
    sealed = with_seal(BODY, purpose="index", folder=tmp_path / "here")
    assert not has_seal(sealed, purpose="adapter", folder=tmp_path / "here")
    assert not has_seal(sealed, purpose="index", folder=tmp_path / "there")
    assert not has_seal(sealed, purpose="index")


def test_another_machine_has_another_key(tmp_path, monkeypatch):
    sealed = with_seal(BODY, purpose="index")
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "another"))
    assert not has_seal(sealed, purpose="index")


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    assert machine_key() == machine_key()
    path = tmp_path / "state" / "machine.key"
    assert path.read_bytes() == machine_key()
    assert len(machine_key()) == 32
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_is_made_anew(tmp_path):
    first = machine_key()
    (tmp_path / "state" / "machine.key").write_bytes(b"short")
    second = machine_key()
    assert len(second) == 32 and second != first


def test_processes_that_start_at_once_agree_on_one_key():
    code = "from homespun.trust import machine_key; print(machine_key().hex())"
    running = [
        subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in running}) == 1


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_json, "[" * 5_000),
        (parse_json, '{"a":' * 5_000),
        (parse_toml, "a = " + "[" * 5_000),
        (parse_toml, "a = " + "{a=" * 5_000),
    ],
)
def test_nesting_is_a_sentence_and_not_the_end(parse, text):
    with pytest.raises(ValueError, match="nested too deeply"):
        parse(text)
