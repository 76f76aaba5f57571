"""`homespun train --if-stale`: what is left alone, what is learned, and the exit status of each."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from homespun.cli import champion
from homespun.cli.main import main
from homespun.cli.verbs import train as verb
from homespun.training.evaluation.drift import Drift
from homespun.training.pipeline import train as pipeline
from tests.support.growing_history import history


@pytest.fixture
def trainings(monkeypatch):
    """The trainings that were begun, none of which learns; whether what comes of it serves."""
    found = SimpleNamespace(begun=[], serves=True)

    def stand_in(root, options, **_):
        found.begun.append((root, options.model))
        said = {"promoted": found.serves}
        return SimpleNamespace(is_champion=found.serves, to_json=lambda: said)

    monkeypatch.setattr(pipeline, "train", stand_in)
    return found


@pytest.fixture
def said_of_the_champion(monkeypatch):
    """What the check of the adapter that serves finds; the real one is test_adapters' business."""

    def say(outcome):
        found = Drift("a", outcome, 40, 9, 0.1, 0.05, 0.2, 0.1)
        monkeypatch.setattr(champion, "examined_champion", lambda *_, **__: found)

    return say


def if_stale(capsys, *arguments):
    """Run it; return the exit status and what it printed as JSON."""
    status = main(["train", "--if-stale", "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("outcome", ["fresh", "too little"])
def test_an_adapter_that_still_does_its_work_is_left_alone(
    registry, trainings, said_of_the_champion, capsys, outcome
):
    said_of_the_champion(outcome)
    status, printed = if_stale(capsys)
    assert (status, trainings.begun) == (verb.NOTHING_TO_DO, [])
    assert printed["promoted"] is False and "'a'" in printed["outcome"]


@pytest.mark.parametrize(("serves", "expected"), [(True, 0), (False, verb.KEPT)])
def test_a_stale_one_is_learned_anew_and_the_status_says_whether_it_serves(
    registry, trainings, said_of_the_champion, capsys, serves, expected
):
    said_of_the_champion("stale")
    trainings.serves = serves
    assert if_stale(capsys) == (expected, {"promoted": serves})
    assert len(trainings.begun) == 1


def test_without_an_adapter_the_first_one_is_learned(registry, trainings, capsys):
    history(registry.workspace, commits=2)
    assert if_stale(capsys)[0] == 0
    assert len(trainings.begun) == 1


def test_what_came_to_nothing_is_tried_again_when_there_is_more_to_learn(
    registry, add, trainings, capsys, monkeypatch
):
    add(0, commit=history(registry.workspace, commits=5), gate={"promote": False, "headline": "no"})
    status, printed = if_stale(capsys)
    assert (status, trainings.begun) == (verb.NOTHING_TO_DO, [])
    assert "the last try was 4 commits ago" in printed["outcome"]
    monkeypatch.setattr(verb, "MIN_NEW_COMMITS", 4)
    assert if_stale(capsys)[0] == 0


def test_a_history_that_was_rewritten_is_a_new_one(registry, add, trainings, capsys):
    history(registry.workspace, commits=2)
    add(0, commit="0" * 40, gate={"promote": False, "headline": "no"})
    assert if_stale(capsys)[0] == 0


def test_an_adapter_of_a_stranger_does_not_keep_a_repository_from_learning(
    registry, add, trainings, capsys
):
    first = history(registry.workspace, commits=3)
    adapter = add(0, commit=first, gate={"promote": False, "headline": "no"})
    manifest = adapter.directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"headline": "no"', '"headline": "yes"'))
    assert if_stale(capsys)[0] == 0


def test_without_the_flag_a_verdict_against_it_is_a_normal_end(registry, trainings, capsys):
    trainings.serves = False
    assert main(["train", "--json"]) == 0


@pytest.mark.parametrize(
    ("environment", "arguments", "sentence"),
    [
        ({}, ["--resume"], "--if-stale decides whether to begin; leave it out with --resume"),
        (
            {
                "RANK": "1",
                "WORLD_SIZE": "2",
                "LOCAL_RANK": "1",
                "LOCAL_WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": "1",
            },
            [],
            "--if-stale is asked once, before torchrun starts its processes",
        ),
    ],
)
def test_where_it_cannot_be_asked_it_says_so(
    registry, trainings, capsys, monkeypatch, environment, arguments, sentence
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["train", "--if-stale", *arguments])
    assert (ended.value.code, trainings.begun) == (2, [])
    assert sentence in capsys.readouterr().err
