"""`homespun conventions` as a user runs it."""

from __future__ import annotations

import json

import pytest

from tests.support.command import run_command


@pytest.fixture
def repo(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "many.py").write_text("".join(f"def do_it_{n}(): ...\n" for n in range(60)))
    (root / "odd.py").write_text("def doItNow(): ...\nprint('[bold]')\n")
    (root / "half.py").write_text(
        "".join(f"x = [{n}]\na{n} = 'b'\nc{n} = f\"{{d}}\"\n" for n in range(3))
    )
    (root / "mixed.py").write_text("raise A\nraise B()\n" * 15)
    return root


@pytest.fixture
def run(repo, capsys):
    def call(*arguments, folder=repo):
        return run_command(capsys, "conventions", folder, *arguments)

    return call


def test_the_table_has_house_rules_mixed_ones_and_where_it_is_done_otherwise(run):
    status, out, err = run()
    assert status == 0
    assert "shop: 3 of 4 conventions are house rules (Python 4 files" in out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    house = rows.index("Python: house rules")
    mixed = rows.index("Python: mixed")
    assert house < rows.index("functions snake_case 98 % ━━━━━ 91-100 61 camelCase 1 (odd.py:1)")
    assert any(row.startswith("an error without message") and "50 %" in row for row in rows[mixed:])
    assert "have fewer than 30 places (--all shows them)" in out
    assert "files" in err


def test_rules_with_few_places_are_shown_on_demand(run):
    assert "few places" not in run()[1]
    status, out, _ = run("--all")
    assert status == 0 and "Python: few places" in out and "values in strings" in out


def test_a_rule_is_shown_with_its_places(run):
    status, out, _ = run("--rule", "function-names")
    assert status == 0
    assert "python/function-names: functions; 61 places in 2 files, 98.4%" in out
    assert "  camelCase: 1 in 1 file\n    odd.py:1  def doItNow(): ..." in out


def test_brackets_in_code_are_no_markup(run):
    status, out, _ = run("--rule", "output")
    assert status == 0 and "odd.py:2  print('[bold]')" in out


def test_an_unknown_rule_is_named(run):
    status, out, err = run("--rule", "tabs")
    assert (status, out) == (1, "")
    assert "no place answers a rule 'tabs'" in err and "python/function-names" in err


def test_json_is_all_that_is_printed(run, repo):
    status, out, err = run("--json", "--least", "10")
    body = json.loads(out)
    assert (status, err) == (0, "")
    assert body["root"] == str(repo.resolve()) and body["files"] == {"python": 4}
    assert body["least_sites"] == 10
    rules = {row["id"]: row for row in body["rules"]}
    assert rules["python/function-names"]["status"] == "house"
    assert rules["python/raise-empty"]["status"] == "mixed"
    assert rules["python/raise-empty"]["sites"] == 30


def test_json_of_one_rule(run):
    body = json.loads(run("--json", "--rule", "raise-empty")[1])
    assert [row["id"] for row in body["rules"]] == ["python/raise-empty"]


def test_a_folder_without_code_says_so(run, tmp_path):
    (tmp_path / "empty").mkdir()
    status, out, _ = run(folder=tmp_path / "empty")
    assert status == 0 and "no code was found whose rules are known" in out


def test_a_folder_that_is_not_there_is_one_sentence(run, tmp_path):
    status, out, err = run(folder=tmp_path / "gone")
    assert (status, out) == (1, "")
    assert "is no directory; give the folder of a repository" in err


def test_a_wrong_number_is_a_wrong_argument(run):
    status, out, err = run("--least", "0")
    assert (status, out) == (2, "") and "--least is 0; give 1 or more" in err
