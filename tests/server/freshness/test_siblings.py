"""The server follows packs at rest, by the settings that may say so."""

from __future__ import annotations

import threading
import time

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.packs.sharing.publish import publish
from homespun.indexer.packs.sharing.stores import FolderStore
from homespun.server.background import factories
from homespun.server.background.index_worker import FolderIndex
from homespun.server.freshness import siblings as following
from homespun.server.freshness.siblings import SiblingFollower
from homespun.server.options import ServerOptions
from homespun.settings import resolve, user_file
from tests.support.team import TeamRepository


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    auth = TeamRepository(tmp_path / "auth")
    publish(auth.index(), FolderStore(place), "acme/auth", what="definitions")
    return place


class Editor:
    """What the work says to an editor."""

    def __init__(self):
        self.said = []

    def say_problem(self, sentence):
        self.said.append(sentence)

    def log(self, sentence):
        self.said.append(sentence)

    def progress(self, title):
        from homespun.progress import NoProgress

        return NoProgress()


def wait_until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_folders_index_knows_its_siblings_and_the_status_tells_their_age(tmp_path, place):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("import acme_auth\n")
    config = IndexConfig(encoder="none", siblings=("acme/auth",), siblings_root=str(place))
    editor = Editor()
    folder = FolderIndex(
        tmp_path / "app",
        config,
        options=ServerOptions(),
        open_index=factories.open_index,
        load_encoder=factories.load_encoder,
        client=editor,
        completing=lambda: False,
    )
    folder.start()
    try:
        wait_until(lambda: folder.index is not None and folder.index.siblings.packs)
        (told,) = folder.describe_siblings()["siblings"]
        assert (told["name"], told["modules"], told["trouble"]) == ("acme/auth", ["acme_auth"], "")
        assert 0 <= told["age_seconds"] < 3600
    finally:
        folder.close()
        wait_until(lambda: not folder.busy())


def test_a_pull_waits_while_something_is_completed(place, monkeypatch):
    config = IndexConfig(siblings=("acme/auth",), siblings_root=str(place))
    is_completing, taken = threading.Event(), []
    is_completing.set()
    follower = SiblingFollower(
        config, completing=is_completing.is_set, taken=taken.append, log=lambda sentence: None
    )
    follower.start()
    time.sleep(0.3)
    assert taken == []
    is_completing.clear()
    wait_until(lambda: taken)
    assert [pack.repo for pack in taken[0].packs] == ["acme/auth"]
    follower.close()
    wait_until(lambda: not follower.busy())


def test_trouble_is_said_once_and_the_last_good_pack_stays(place, monkeypatch):
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.02)
    config = IndexConfig(siblings=("acme/auth",), siblings_root=str(place))
    said, taken = [], []
    follower = SiblingFollower(
        config, completing=lambda: False, taken=taken.append, log=said.append
    )
    follower.start()
    wait_until(lambda: taken)
    place.rename(place.with_name("elsewhere"))
    wait_until(lambda: said)
    looks = len(taken)
    wait_until(lambda: len(taken) > looks + 3)
    follower.close()
    wait_until(lambda: not follower.busy())
    assert len(said) == 1 and "its pack is the last good one" in said[0]
    assert [pack.repo for pack in taken[-1].packs] == ["acme/auth"]
    assert "is no folder" in follower.describe()["siblings"][0]["trouble"]


def test_without_siblings_nothing_is_started_and_nothing_told():
    follower = SiblingFollower(
        IndexConfig(siblings_root="/nowhere"), completing=lambda: False, taken=[].append, log=print
    )
    follower.start()
    assert not follower.busy()
    assert follower.describe() == {}


def test_a_workspace_names_siblings_and_never_where_they_lie_or_which_are_offered(tmp_path):
    (tmp_path / "homespun.toml").write_text(
        '[index]\nsiblings = ["acme/auth"]\nsiblings_root = "s3://evil/place"\n'
        'siblings_offered = ["*"]\n'
    )
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text('[index]\nsiblings = ["acme/base"]\nsiblings_offered = ["acme/b*"]\n')
    editor = {"siblingsRoot": "s3://evil/place", "siblingsOffered": ["*"], "siblings": ["acme/b2"]}
    resolved = resolve(IndexConfig, "index", workspace=tmp_path, editor=editor)
    assert resolved.value.siblings_root == ""
    assert resolved.value.siblings_offered == ("acme/b*",)
    assert resolved.value.siblings == ("acme/base", "acme/auth", "acme/b2")
    assert sum("only the user may set it" in fault for fault in resolved.faults) == 2
    assert sum("of the editor is ignored" in fault for fault in resolved.faults) == 2
    said = []
    config = resolved.value
    SiblingFollower(config, completing=lambda: False, taken=[].append, log=said.append)
    assert any("'acme/auth' is ignored: the user's setting" in sentence for sentence in said)
