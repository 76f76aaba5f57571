"""`homespun index --publish` and `homespun complete --sibling` as a team runs them."""

from __future__ import annotations

import json

import pytest

from homespun.server.completion import completer as completers
from homespun.server.completion.open import open_index
from tests.support.command import run_command
from tests.support.team import TeamRepository


@pytest.fixture
def auth(tmp_path):
    return TeamRepository(tmp_path / "auth")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def publish(capsys, auth, place, *more):
    words = ("index", auth.folder, "--encoder", "none", "--publish", place, "--name", "acme/auth")
    return run_command(capsys, *words, *more)


def test_publishing_prints_what_is_offered(auth, place, capsys):
    status, out, _ = publish(capsys, auth, place)
    head = auth.git("rev-parse", "HEAD")
    assert status == 0
    assert f"acme/auth at {head[:6]} published: 13 rows of acme_auth, " in out
    assert "was offered already" in publish(capsys, auth, place)[1]
    status, out, err = publish(capsys, auth, place, "--json")
    report = json.loads(out)
    assert (status, err, report["files"]) == (0, "", 3)
    assert report["published"]["revision"] == head
    assert report["published"]["is_new"] is False


def test_bodies_go_along_only_when_asked(auth, place, capsys):
    plain = json.loads(publish(capsys, auth, place, "--json")[1])["published"]
    auth.commit_files({"README.md": "x"})
    whole = json.loads(publish(capsys, auth, place, "--json", "--publish-what", "chunks")[1])
    assert (plain["what"], whole["published"]["what"]) == ("definitions", "chunks")
    assert plain["pack"] != whole["published"]["pack"]


def test_an_older_commit_is_a_failure_with_a_sentence(auth, place, capsys):
    first = auth.git("rev-parse", "HEAD")
    auth.commit_files({"README.md": "x"})
    publish(capsys, auth, place)
    auth.back_to(first)
    status, _, err = publish(capsys, auth, place)
    assert status == 1
    assert f"{first[:6]} is not published" in err


def test_a_gone_repository_is_marked(auth, place, capsys):
    publish(capsys, auth, place)
    status, out, _ = publish(capsys, auth, place, "--retract")
    assert (status, out) == (0, f"acme/auth is marked as gone at {place}\n")
    assert publish(capsys, auth, place)[0] == 1
    assert (
        json.loads(publish(capsys, auth, place, "--retract", "--json")[1])["published"]["pack"]
        == ""
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--publish", "x"], 2, "go together"),
        (["--name", "acme/auth"], 2, "go together"),
        (["--retract"], 2, "--retract wants --publish"),
        (["--publish", "x", "--name", "../x"], 1, "no name of a repository"),
        (["--publish", "http://x", "--name", "a/b"], 1, "no place for packs"),
        (["--publish", "nowhere", "--name", "a/b"], 1, "is no folder, so no packs are there"),
    ],
)
def test_what_makes_no_sense_is_said(auth, capsys, words, status, said):
    got, _, err = run_command(capsys, "index", auth.folder, "--encoder", "none", *words)
    assert got == status
    assert said in err


def test_complete_hands_the_packs_to_the_completer(auth, place, capsys, tmp_path, monkeypatch):
    publish(capsys, auth, place)
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("import acme_auth\n\nacme_auth.\n")
    run_command(capsys, "index", app, "--encoder", "none")
    seen = []

    def stopped(folder, *, index, retrieval, **more):
        seen.append((index, retrieval))
        raise SystemExit(0)

    monkeypatch.setattr(completers.Completer, "open", stopped)
    words = ("complete", app / "app.py:3:11", "--workspace", app, "--json")
    run_command(capsys, *words, "--siblings-root", place, "--sibling", "acme/auth")
    (index, retrieval) = seen.pop()
    assert [pack.repo for pack in index.siblings.packs] == ["acme/auth"]
    assert retrieval is None
    run_command(capsys, *words)
    assert seen.pop() == (None, None)


def test_the_users_settings_bring_packs_to_every_completion(
    auth, place, capsys, tmp_path, monkeypatch
):
    publish(capsys, auth, place)
    said = []
    monkeypatch.setenv("HOMESPUN_INDEX_SIBLINGS_ROOT", str(place))
    (auth.folder / "homespun.toml").write_text('[index]\nsiblings = ["acme/auth", "acme/none"]\n')
    index = open_index(auth.folder, say=said.append)
    assert [pack.repo for pack in index.siblings.packs] == ["acme/auth"]
    assert len(said) == 1 and "offers no pack of 'acme/none'" in said[0]
