"""How old the adapter that serves is: counted without running anything of the repository."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.last_check import LastCheck, keep_check
from homespun.server.freshness import follow
from homespun.server.freshness.age import AdapterAge, age_of
from homespun.server.freshness.follow import AgeFollower
from tests.support.hostile.settings_and_adapters import write_adapter
from tests.support.scratch import Scratch

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement
FACTS = {"base_sha256": "b" * 64, "tokenizer_sha256": "c" * 64, "prompt_version": 2}
ASKS = "`homespun adapters check` says whether it is still good"


def checked(outcome, days):
    return LastCheck("a-1", outcome, NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("days", "commits", "check", "is_stale", "sentence"),
    [
        (0, None, None, False, "learned today"),
        (1, 3, None, False, "learned yesterday; 3 commits are newer than what it learned from"),
        (90, None, None, False, "learned 90 days ago"),
        (91, None, None, True, f"learned 91 days ago; {ASKS}"),
        (91, None, ("fresh", 2), False, "…; checked 2 days ago: it still does its work"),
        (300, None, ("fresh", 92), True, f"…; checked 92 days ago: it still does its work; {ASKS}"),
        (
            20,
            None,
            ("stale", 1),
            True,
            "…; checked yesterday: it has gone stale; `homespun train` learns a new one",
        ),
        (20, None, ("too little", 0), False, "…: too little was committed since to tell"),
        (None, None, None, False, "learned at a time that is not known"),
        (-3, None, None, False, "learned today"),  # a clock that was put right
    ],
)
def test_the_sentence_says_the_age_and_what_to_do(days, commits, check, is_stale, sentence):
    trained = None if days is None else NOW - timedelta(days=days)
    age = AdapterAge("a-1", trained, commits, checked(*check) if check else None, NOW)
    assert age.is_stale is is_stale
    assert age.sentence.endswith(sentence.removeprefix("…"))
    if not sentence.startswith("…"):
        assert age.sentence == sentence
    assert age.to_json()["sentence"] == age.sentence


@pytest.fixture
def shop(tmp_path):
    return Scratch(tmp_path / "shop")


@pytest.fixture
def add(shop, tmp_path):
    write_adapter(tmp_path / "draft")
    (tmp_path / "draft" / "manifest.json").unlink()
    registry = Registry(shop.folder)
    return lambda **facts: registry.add(tmp_path / "draft", FACTS | facts)


def commits_of(shop, adapter):
    return age_of(Registry(shop.folder), adapter).commits


def test_commits_behind_the_cut_off_are_counted(shop, add):
    first = shop.commit(a="x = 1\n")
    adapter = add(commit=first, trained="2026-05-01T00:00:00+00:00")
    assert commits_of(shop, adapter) == 0
    shop.commit(a="x = 2\n")
    shop.commit(a="x = 3\n")
    assert commits_of(shop, adapter) == 2
    age = age_of(Registry(shop.folder), adapter)
    assert age.to_json()["trained"] == "2026-05-01T00:00:00+00:00"


@pytest.mark.parametrize("commit", ["", "f" * 40, "HEAD", "--output=stolen", "main", None, 7])
def test_what_is_no_commit_here_is_not_counted_from(shop, add, commit):
    shop.commit(a="x = 1\n")
    assert commits_of(shop, add(commit=commit)) is None
    assert not (shop.folder / "stolen").exists()


def test_counting_starts_nothing_that_the_repository_names(shop, add, tmp_path):
    first = shop.commit(a="x = 1\n")
    shop.commit(a="x = 2\n")
    touch = f"touch {tmp_path / 'ran'};"
    for key in (
        "core.fsmonitor",
        "core.pager",
        "alias.rev-list",
        "core.sshCommand",
        "log.showSignature",
        "gpg.program",
    ):
        value = f"!{touch}" if key.startswith("alias") else touch
        shop.git("config", key, "true" if key.startswith("log") else value)
    shop.git("config", "remote.origin.url", f"ext::sh -c '{touch}'")
    shop.git("config", "remote.origin.promisor", "true")
    assert commits_of(shop, add(commit=first)) == 1
    assert commits_of(shop, add(commit="e" * 40)) is None  # would be fetched of a partial clone
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_a_history_has_an_age_all_the_same(tmp_path, add, shop):
    adapter = add(commit="", trained="2026-05-01T00:00:00+00:00")
    age = age_of(Registry(shop.folder), adapter)
    assert (age.commits, age.check) == (None, None)
    assert "learned" in age.sentence


def test_a_check_that_is_made_meanwhile_is_seen_and_told(shop, add, monkeypatch):
    monkeypatch.setattr(follow, "_STAT_SECONDS", 0.01)
    adapter = add(commit=shop.commit(a="x = 1\n"))
    news = threading.Semaphore(0)
    follower = AgeFollower(news.release)
    follower.follow(shop.folder, "none")
    assert not follower.busy()
    follower.follow(shop.folder, adapter.id)
    assert news.acquire(timeout=PATIENCE_SECONDS)
    assert follower.describe(adapter.id)["outcome"] is None
    assert follower.describe("another") is None
    keep_check(Registry(shop.folder), adapter.id, "stale")
    assert news.acquire(timeout=PATIENCE_SECONDS)
    assert follower.describe(adapter.id)["isStale"] is True
    assert not news.acquire(timeout=0)  # nothing is told twice
    follower.close()
    follower._thread.join(PATIENCE_SECONDS)
    assert not follower.busy()


def test_a_strangers_adapter_has_no_age_and_a_missing_one_is_no_matter(shop, add, monkeypatch):
    monkeypatch.setattr(follow, "_STAT_SECONDS", 0.01)
    mine = add()
    write_adapter(mine.directory.with_name("evil-1"))
    news = threading.Semaphore(0)
    follower = AgeFollower(news.release)
    for identifier in ("evil-1", "gone-1", mine.id):
        follower.follow(shop.folder, identifier)
    assert news.acquire(timeout=PATIENCE_SECONDS)
    assert follower.describe(mine.id) is not None
    follower.follow(shop.folder, "evil-1")
    assert news.acquire(timeout=PATIENCE_SECONDS)
    assert follower.describe("evil-1") is None
    assert follower.describe(mine.id) is None
    follower.close()
