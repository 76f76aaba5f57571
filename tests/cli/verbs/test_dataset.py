"""`homespun dataset`: what it prints, where it writes, how it fails."""

from __future__ import annotations

import json
import shutil

import pytest

from homespun.cli.main import main
from tests.support.command import run_command

FILES = 14


def module(number):
    return "".join(
        f"def handle_{name}_{number}(source, target):\n"
        f"    value_{name} = source.read_{name}({number})\n"
        f"    target.write_{name}(value_{name}, limit={number})\n"
        f"    return value_{name}\n\n\n"
        for name in (f"part{n}_{number * 31 + n}" for n in range(45))
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder without a history, and its dataset of 220 examples."""
    root = tmp_path_factory.mktemp("made") / "house"
    root.mkdir()
    for number in range(FILES):
        (root / f"module_{number}.py").write_text(module(number))
    return root


@pytest.fixture
def house(made, tmp_path):
    shutil.copytree(made, tmp_path / "house")
    return tmp_path / "house"


def test_the_report_is_json_and_the_dataset_lies_in_the_workspace(house, capsys):
    assert main(["dataset", str(house), "--examples", "220", "--json"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert printed.err == ""
    assert report["directory"] == str((house / ".homespun" / "dataset").resolve())
    assert report["has_history"] is False
    rows = (house / ".homespun" / "dataset" / "train.jsonl").read_text().splitlines()
    assert len(rows) == report["train"] > 150
    assert (house / ".homespun" / ".gitignore").read_text() == "*\n"
    # and once more, for people: it is there already
    assert main(["dataset", str(house), "--examples", "220"]) == 0
    said = capsys.readouterr().out
    assert "it was there already" in said
    assert "whole files held out, which flatters" in said
    assert "note: no history is used" in said


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--examples", "0"], 2, "--examples wants a number of 1 or more, not 0"),
        (["--replay", "nowhere.jsonl"], 2, "'nowhere.jsonl' is no file"),
        (["--until", "v9"], 1, "git cannot read"),
        (["--out", "thesis"], 1, "is there and no dataset"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    house, capsys, monkeypatch, tmp_path, arguments, status, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    ended, out, err = run_command(capsys, "dataset", house, *arguments)
    assert ended == status
    assert said in err and "Traceback" not in err
    assert out == ""


def test_a_repository_that_is_too_small_is_refused(tmp_path, capsys):
    (tmp_path / "a.py").write_text("x = 1\n")
    assert main(["dataset", str(tmp_path)]) == 1
    assert "is too small to learn from" in capsys.readouterr().err
