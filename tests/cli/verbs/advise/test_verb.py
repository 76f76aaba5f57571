"""`homespun advise`: what it prints, where the page goes, and what it refuses at once."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from homespun.cli.main import main
from homespun.models.recommend import auto
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.server.report_page import is_harmless
from tests.support.command import run_command
from tests.support.fresh_interpreter import loaded_after
from tests.support.scratch import Scratch

SPEEDS = MachineSpeeds((0.1, 0.1, 0.2, 0.6), (20.0, 25.0, 60.0, 200.0))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A repository whose history is too small to complete anything: no model is needed."""
    monkeypatch.setattr(auto, "recommend", lambda **_: SimpleNamespace(speeds=SPEEDS))
    monkeypatch.chdir(tmp_path)
    scratch = Scratch(tmp_path / "shop")
    scratch.commit(a="def f(x):\n    return x\n")
    return scratch.folder


def test_it_says_in_words_what_to_do_and_what_each_lever_costs(shop, capsys):
    status, out, _ = run_command(capsys, "advise", shop)
    assert status == 0
    first, *rest = out.splitlines()
    assert first.startswith("Nothing yet: the history is too small to tell.")
    said = "\n".join(rest)
    for do in ("have retrieval show more", "take the larger model", "tune", "write a style guide"):
        assert f"{do}: " in said
    assert "history: 1 commits of 1 authors" in said


def test_json_is_nothing_but_json(shop, capsys):
    status, out, _ = run_command(capsys, "advise", shop, "--json")
    told = json.loads(out)
    assert status == 0 and told["format"] == 1
    assert [lever["name"] for lever in told["verdict"]["levers"]] == [
        "retrieval",
        "larger model",
        "tune",
        "style guide",
    ]


def test_the_page_goes_where_it_is_said_and_replaces_only_a_page_of_ours(shop, tmp_path, capsys):
    page = tmp_path / "advice.html"
    assert run_command(capsys, "advise", shop, "--html", page)[0] == 0
    assert is_harmless(page)
    assert run_command(capsys, "advise", shop, "--html", page)[0] == 0
    page.write_text("my own notes", encoding="utf-8")
    status, _, err = run_command(capsys, "advise", shop, "--html", page)
    assert status == 1 and "is there already and is no page of homespun's" in err
    assert page.read_text(encoding="utf-8") == "my own notes"


def test_a_link_in_place_of_the_page_is_refused(shop, tmp_path, capsys):
    (tmp_path / "advice.html").symlink_to(tmp_path / "elsewhere")
    status, _, err = run_command(capsys, "advise", shop, "--html", tmp_path / "advice.html")
    assert status == 1 and "is there already" in err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--items", "0"], 2, "--items is 0; give 1 or more"),
        (["nowhere"], 2, "'nowhere' is no folder; give that of a repository"),
        (["--html", "no/where.html"], 1, "the folder of 'no/where.html' is not there"),
        (["."], 1, "not a git repository"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(shop, capsys, arguments, status, said):
    ended, _, err = run_command(capsys, "advise", *arguments)
    assert ended == status
    assert said in err and "Traceback" not in err


def test_nothing_of_the_train_extra_is_imported():
    _, loaded = loaded_after("import homespun.cli.verbs.advise.verb, homespun.training.advice.view")
    assert "homespun.training.advice.advise" in loaded
    assert not {"torch", "transformers", "peft", "accelerate"} & loaded


def test_the_help_page_lists_the_verb(capsys):
    assert main(["--help"]) == 0
    assert re.search(
        r"^  advise +say which lever this repository needs$", capsys.readouterr().out, re.MULTILINE
    )
