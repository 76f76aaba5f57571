"""`homespun fleet table` and `homespun search --table` as a user runs them."""

from __future__ import annotations

import json

import pytest

from tests.support.command import run_command
from tests.support.team import TeamRepository


@pytest.fixture
def listed(tmp_path):
    """A list of two repositories; returns the list's path."""
    for name, text in (("auth", "class Token: ...\n"), ("shop", "def pay(card): ...\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text(text)
    file = tmp_path / "repos.txt"
    file.write_text("acme/auth auth\nacme/shop shop\n")
    return file


@pytest.fixture
def table(tmp_path, listed, capsys):
    """The address of a table of both."""
    uri = tmp_path / "table"
    status, out, _ = run_command(capsys, "fleet", "table", uri, listed)
    assert status == 0
    assert out.startswith(f"2 repositories, 2 chunks at {uri}: 2 built, 0 unchanged, 0 gone")
    return uri


def test_the_report_is_json_and_says_what_was_done(table, listed, capsys):
    listed.write_text("acme/auth auth\nacme/none nowhere\n")
    status, out, err = run_command(capsys, "fleet", "table", table, listed, "--json")
    report = json.loads(out)
    assert status == 1
    assert report.pop("seconds") > 0
    assert list(report.pop("failed")) == ["acme/none"]
    assert report == {
        "built": [],
        "unchanged": ["acme/auth"],
        "gone": ["acme/shop"],
        "chunks": 1,
        "repositories": 1,
        "swept": 0,
    }
    assert "acme/none was left as it was" in err


def test_hits_name_their_repository(table, capsys):
    status, out, _ = run_command(capsys, "search", "Token", "--table", table)
    assert status == 0
    assert out.splitlines()[0].startswith("acme/auth:code.py:1-1  Token  class  ")
    out = run_command(capsys, "search", "Token pay", "--table", table, "--repo", "acme/shop")[1]
    assert "acme/auth" not in out


def test_json_has_the_fields_of_a_search_and_the_repository(table, capsys):
    status, out, err = run_command(capsys, "search", "pay", "--table", table, "--json")
    answer = json.loads(out)
    assert (status, err, set(answer)) == (0, "", {"query", "hits", "ms"})
    names = "repository revision path start_line end_line symbol kind language score why text"
    assert list(answer["hits"][0]) == names.split()
    assert (answer["hits"][0]["repository"], answer["hits"][0]["path"]) == ("acme/shop", "code.py")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--repo", "acme/auth"], "give --table URI as well"),
        (["--table", "x", "--glob", "*.py"], "--glob is for the index of one folder"),
        (["--table", "x", "--mode", "lexical"], "--mode is for the index of one folder"),
    ],
)
def test_flags_that_make_no_sense_together_are_refused(flags, said, capsys):
    status, _, err = run_command(capsys, "search", "Token", *flags)
    assert status == 2
    assert said in err


def test_what_is_no_table_is_said_in_a_sentence(tmp_path, capsys):
    status, out, err = run_command(capsys, "search", "x", "--table", tmp_path / "nowhere")
    assert (status, out) == (1, "")
    assert err.startswith("homespun: there is no folder")
    assert err.count("\n") == 1


def test_escapes_in_a_text_are_shown_and_not_obeyed(tmp_path, listed, capsys):
    (tmp_path / "auth" / "code.py").write_text("class Token:\n    x = '\x1b[2J'\n")
    run_command(capsys, "fleet", "table", tmp_path / "table", listed)
    out = run_command(capsys, "search", "Token", "--table", tmp_path / "table")[1]
    assert "\x1b" not in out
    assert "Token" in out


def test_a_workspace_cannot_name_the_table(table, tmp_path, capsys, monkeypatch):
    (tmp_path / "auth" / "homespun.toml").write_text(f'[search]\ntable = "{table}"\n')
    monkeypatch.chdir(tmp_path / "auth")
    status, out, err = run_command(capsys, "search", "Token")
    assert (status, out) == (1, "")
    assert "no index" in err


def test_addresses_are_cloned_and_one_that_is_away_keeps_its_build(tmp_path, listed, capsys):
    origin = TeamRepository(tmp_path / "origin", {"code.py": "class Token: ...\n"}).folder
    table = tmp_path / "table"
    listed.write_text(f"acme/auth file://{origin}\nacme/shop shop\n")
    where = ("fleet", "table", table, listed, "--work", tmp_path / "work", "--json")
    status, out, _ = run_command(capsys, *where)
    assert (status, json.loads(out)["built"]) == (0, ["acme/auth", "acme/shop"])
    origin.rename(tmp_path / "elsewhere")
    status, out, err = run_command(capsys, *where)
    report = json.loads(out)
    assert (status, report["gone"], list(report["failed"])) == (1, [], ["acme/auth"])
    assert report["repositories"] == 2
    assert "acme/auth was left as it was" in err
    assert "acme/auth:code.py" in run_command(capsys, "search", "Token", "--table", table)[1]
