"""The command itself, as a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from homespun.cli.main import main


@pytest.mark.parametrize("arguments", [["--help"], ["models", "list"]])
def test_a_reader_that_has_enough_ends_the_command_without_a_word(arguments):
    command = [sys.executable, "-P", "-m", "homespun.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")


def _main(arguments, capsys):
    status = main(arguments)
    return status, capsys.readouterr().err


def test_a_folder_in_place_of_the_log_is_said_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path))
    log = tmp_path / "acceptance" / "2026-11.jsonl"
    log.mkdir(parents=True)
    assert _main(["acceptance"], capsys) == (
        1,
        f"homespun: {str(log)!r} is a folder where a file is wanted; move it away and run again\n",
    )


def test_a_file_in_place_of_the_state_folder_is_said_in_a_sentence(tmp_path, monkeypatch, capsys):
    state = tmp_path / "state"
    state.write_text("x", encoding="utf-8")
    monkeypatch.setenv("HOMESPUN_HOME", str(state))
    status, said = _main(["models", "list"], capsys)
    assert status == 1
    assert said.startswith(f"homespun: {str(state)!r} is a file where a folder is wanted; move")


@pytest.mark.parametrize("verb", ["index", "search", "conventions", "adapters", "dataset"])
@pytest.mark.parametrize("place", [".homespun", ".homespun/manifest.json", "homespun.toml"])
def test_a_file_for_a_folder_or_the_other_way_round_gives_no_number_of_an_error(
    tmp_path, monkeypatch, capsys, verb, place
):
    monkeypatch.setenv("HOMESPUN_HOME", str(tmp_path / "state"))
    repository = tmp_path / "shop"
    repository.mkdir()
    (repository / "a.py").write_text("x = 1\n", encoding="utf-8")
    if place == ".homespun":
        (repository / place).write_text("x", encoding="utf-8")
    else:
        (repository / place).mkdir(parents=True)
    arguments = {"search": ["x", "--path", str(repository)], "adapters": ["list"]}
    monkeypatch.chdir(repository)
    _, said = _main([verb, *arguments.get(verb, [str(repository)])], capsys)
    assert "Errno" not in said
    assert "Traceback" not in said
    assert "--debug" not in said
