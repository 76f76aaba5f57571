"""The record of all answers: what it leaves out, what it keeps, and that a change is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import answers, answers_parts, shop

ROOT = Path(__file__).resolve().parents[2]
ABOUT = {"commit": "c", "source": "s", "machine": "m", "python": "p"}


@pytest.fixture
def tree(tmp_path):
    return answers_parts.Tree(ROOT, tmp_path / "scratch", tmp_path / "user")


@pytest.fixture
def asked(monkeypatch):
    """Parts that answer at once, and the list of those that were asked."""
    found = []

    def part(name):
        def answer(_tree):
            found.append(name)
            yield "first", {"text": f"{name}\nbasket\n", "score": 0.25}
            yield "second", [1, 2]

        return answer

    parts = {name: part(name) for name in ("cheap", "dear-one", "dear-two")}
    monkeypatch.setattr(answers, "PARTS", parts)
    return found


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["answers.py", *map(str, arguments)])
    return answers.main()


@pytest.fixture
def recorded(tmp_path, asked, monkeypatch, capsys):
    """A record of all parts."""
    path = tmp_path / "before.json"
    assert run(monkeypatch, "record", path) == 0
    capsys.readouterr()
    return path


def changed(path, change):
    body = json.loads(path.read_text())
    change(body["parts"])
    other = path.with_name("after.json")
    other.write_text(json.dumps(body))
    return other


def test_the_same_tree_twice_is_the_same(recorded, tmp_path, monkeypatch, capsys):
    again = tmp_path / "again.json"
    assert run(monkeypatch, "record", again) == 0
    assert run(monkeypatch, "compare", recorded, again) == 0
    assert capsys.readouterr().out.endswith(
        "cheap: same (2)\ndear-one: same (2)\ndear-two: same (2)\n"
    )


def other_value(parts):
    answer = parts["cheap"]["first"]
    value = answer["value"] | {"score": 0.5}
    parts["cheap"]["first"] = {"sha256": answers.hash_of(value), "value": value}


def other_entry(parts):
    parts["cheap"]["second"] = {"sha256": answers.hash_of([1, 3]), "value": [1, 3]}


def other_text(parts):
    value = parts["cheap"]["first"]["value"] | {"text": "cheap\nlamp\n"}
    parts["cheap"]["first"] = {"sha256": answers.hash_of(value), "value": value}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (other_value, "cheap: 1 of 2 differ\n  first: $.score: 0.25 -> 0.5"),
        (other_entry, "cheap: 1 of 2 differ\n  second: $[1]: 2 -> 3"),
        (other_text, "cheap: 1 of 2 differ\n  first: $.text: -basket / +lamp"),
        (lambda parts: parts["cheap"].pop("second"), "second: not in the second record"),
        (lambda parts: parts.pop("cheap"), "cheap: not in the second record"),
        (lambda parts: parts["cheap"]["second"]["value"].append(3), "$: 2 entries, then 3"),
    ],
)
def test_a_change_is_named_and_ends_with_1(recorded, monkeypatch, capsys, change, sentence):
    assert run(monkeypatch, "compare", recorded, changed(recorded, change)) == 1
    assert sentence in capsys.readouterr().out


def test_another_order_of_keys_is_a_change(recorded, monkeypatch, capsys):
    def turned(parts):
        value = dict(reversed(parts["cheap"]["first"]["value"].items()))
        parts["cheap"]["first"] = {"sha256": answers.hash_of(value), "value": value}

    assert run(monkeypatch, "compare", recorded, changed(recorded, turned)) == 1
    assert "$: another order of the keys" in capsys.readouterr().out


def test_parts_can_be_chosen_and_what_is_recorded_is_not_asked_again(
    tmp_path, asked, monkeypatch, capsys
):
    path = tmp_path / "before.json"
    assert run(monkeypatch, "record", path, "--parts", "dear") == 0
    assert asked == ["dear-one", "dear-two"]
    assert run(monkeypatch, "record", path) == 0
    assert asked == ["dear-one", "dear-two", "cheap"]
    assert "dear-one: kept" in capsys.readouterr().out
    assert run(monkeypatch, "record", path, "--parts", "nothing") == 2
    assert "there is no part 'nothing'; there are cheap," in capsys.readouterr().err


def test_a_record_of_other_code_is_not_gone_on_with(recorded, monkeypatch, capsys):
    body = json.loads(recorded.read_text())
    body["about"]["source"] = "0" * 12
    recorded.write_text(json.dumps(body))
    assert run(monkeypatch, "record", recorded) == 2
    assert f"was begun with source {'0' * 12}, this is " in capsys.readouterr().err


def test_times_folders_and_chance_are_left_out_and_all_else_is_kept(tree):
    answer = {
        "timings_ms": {"total": 12.5},
        "seconds": 3,
        "ok": True,
        "items": 4,
        "path": f"{tree.scratch}/shop/a.py",
        str(tree.user_home / "models"): ["ms", 1.0],
        "examples": [{"path": "a.py", "line": 3, "text": "any of the file"}],
    }
    assert tree.settled(answer) == {
        "timings_ms": {"total": "<time>"},
        "seconds": "<time>",
        "ok": True,
        "items": 4,
        "path": "<scratch>/shop/a.py",
        "<user_home>/models": ["ms", 1.0],
        "examples": [{"path": "a.py"}],
    }


def test_a_command_that_is_killed_is_no_answer(tmp_path):
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    tree = answers_parts.Tree(tmp_path, tmp_path, tmp_path)
    with pytest.raises(answers_parts.NoAnswer, match="search basket ended with -9"):
        tree.homespun("search", "basket", may_fail=True)


def test_a_shape_holds_keys_and_types_and_every_kind_of_entry_once():
    value = {"b": [1, 2, "x", {"a": None}], "a": 0.5}
    assert answers_parts.shape(value) == {"b": ["int", "str", {"a": "NoneType"}], "a": "float"}


def test_cursors_stand_in_code_and_are_the_same_for_a_seed(tmp_path):
    text = (
        '"""Prose of a page,\nwhich nobody completes.\n"""\n\nimport logging.handlers\n\n'
        "# a long remark about it\n"
        "for parcel in parcels_of_the_day:\n    parcel.weigh(twice=True)\n"
    )
    (tmp_path / "shop.py").write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_shop.py").write_text("assert_that_nobody_asks(here)\n")
    rows = answers_parts.cursors(tmp_path, ".py", seed="1", count=2)
    assert rows == answers_parts.cursors(tmp_path, ".py", seed="1", count=2)
    with pytest.raises(ValueError):  # there is no third
        answers_parts.cursors(tmp_path, ".py", seed="1", count=3)
    whole, cut = rows
    assert whole == {"id": "shop.py:8", "path": "shop.py", "line": 8, "column": 34}
    assert cut["id"] == "shop.py:9"
    line = cut["prefix"].split("\n")[-1]
    assert "    parcel.weigh(twice=True)".startswith(line) and line.strip()
    assert cut["suffix"] == "\n"


def test_the_small_repository_has_the_same_commits_every_time(tmp_path):
    first, second = (shop.make_shop(tmp_path / name) for name in ("one", "two"))
    assert shop.head(first) == shop.head(second)
    assert shop.head(first) != shop.head(first, 1)


@pytest.mark.e2e
def test_the_help_of_every_verb_and_action_is_recorded(tmp_path, monkeypatch, capsys):
    path = tmp_path / "help.json"
    assert run(monkeypatch, "record", path, "--root", ROOT, "--parts", "help") == 0
    pages = json.loads(path.read_text())["parts"]["help"]
    verbs = [name for name in pages if name.count(" ") == 1]
    assert {"homespun search", "homespun adapters", "homespun serve"} <= {*verbs}
    assert {"homespun adapters promote", "homespun eval retrieval"} <= {*pages}
    assert not [name for name in pages if "query" in name]  # an argument is no verb
    assert "--limit N" in pages["homespun search"]["value"]
