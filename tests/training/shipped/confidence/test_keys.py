"""Real code typed anew: the keys, what is written down of them, and that nothing is asked twice."""

from __future__ import annotations

import dataclasses
import json

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.progress import NoProgress
from homespun.server.confidence.cuts import Cut
from homespun.training.shipped.confidence.collect import CollectedKey, collect, read
from homespun.training.shipped.confidence.dataset import cuts_of, is_right, written_by
from homespun.training.shipped.confidence.typed import TypedSession, keys_of, sessions_of
from tests.server.confidence.test_evidence import generation, suggestion

SESSION = TypedSession(
    *("p", "python", "a.py"),
    before="import os\n\ndef one():\n    x = 1",
    after="\n",
    target="\n    if x:\n        return x\n\n    return 2",
)


def package(folder):
    lines = [f"    value_{number} = compute_something({number}, other)" for number in range(60)]
    for name in ("one.py", "two.py"):
        text = "\n".join(["import os", "", "def body(other):", *lines, "    return other"])
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return folder


def test_the_keys_end_with_what_the_author_wrote():
    keys = list(keys_of(SESSION))
    assert keys[-1] == SESSION.target
    assert keys[0] == "\n    "
    assert "\n    if x:\n        " in keys  # the editor's own indentation behind the opener


def test_a_line_that_is_indented_otherwise_takes_a_key_to_be_so():
    keys = list(keys_of(SESSION))
    place = keys.index("\n    if x:\n        return x\n\n    ")
    assert keys[place - 1] == "\n    if x:\n        return x\n\n        "


def test_sessions_are_the_same_for_a_seed_and_leave_the_ends_of_a_file_alone(tmp_path):
    text = (package(tmp_path) / "one.py").read_text()
    files = {"one.py": ("python", text)}
    first, second = (list(sessions_of("p", files, count=3, seed=4)) for _ in range(2))
    assert first == second and len(first) == 1
    [session] = first
    assert session.before + session.target + session.after == text
    assert session.before.count("\n") > 5 and session.after.count("\n") > 5


@pytest.mark.parametrize(
    ("text", "end", "upcoming", "right"),
    [
        ("compute(one)", 7, "compute(two)", True),
        ("compute(one)", 12, "compute(two)", False),
        ("compute", 7, "compute_all(two)", False),
        ("compute(", 8, "compute(two)", True),
    ],
    ids=["a beginning", "all of it", "a word in two", "to the bracket"],
)
def test_a_cut_is_right_where_the_author_goes_on_like_it(text, end, upcoming, right):
    assert is_right(text, Cut(end, "whole"), upcoming) == right


def test_what_was_asked_is_read_as_it_was_and_not_asked_again(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    file = tmp_path / "keys.jsonl"
    generator = FakeGenerator("compute_something(1, other)\n", margin=2.0)

    def ask():
        collect(*("p", package(folder), generator, file), sessions=2, seed=1, progress=NoProgress())

    ask()
    asked = len(generator.prompts)
    keys = list(read(file))
    ask()
    assert asked == len(generator.prompts) > 10
    assert all(key.suggestion is None or key.suggestion.text for key in keys)
    cuts = cuts_of(keys)
    assert len(cuts.key_weight) == len(keys)
    assert len(cuts.rows) == len(cuts.right) == len(cuts.owner) > len(keys)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    [first, *_] = [row for row in rows if row["row"] == "session"]
    typed_into = folder / first["path"]
    assert typed_into.read_text() == first["before"] + first["target"] + first["after"]


def test_what_a_server_wrote_and_told_of_is_told_apart():
    def key(route, told=True):
        done = dataclasses.replace(generation(["one"]), route=route)
        done = done if told else dataclasses.replace(done, token_ends=())
        return CollectedKey("p", "s", "one", suggestion("one", done), "newline", 1.0, 1.0)

    nothing = CollectedKey("p", "s", "one", None, "filtered:empty", 1.0, 1.0)
    here, there, untold = key("local"), key("remote"), key("remote", told=False)
    keys = [here, nothing, there, untold]
    assert list(written_by(keys, "qwen2.5-coder-0.5b")) == [here, nothing]
    assert list(written_by(keys, "remote")) == [nothing, there]


def test_a_key_that_is_seldom_asked_stands_for_more(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    file = tmp_path / "keys.jsonl"
    generator = FakeGenerator("zigzag_zone\n", margin=2.0)
    collect(*("p", package(folder), generator, file), sessions=1, seed=1, progress=NoProgress())
    assert {round(key.weight, 2) for key in read(file)} == {1.67}
