"""Pulling: what is taken from a place, and what goes on where it is not as it should be."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.packs import file
from homespun.indexer.packs.definition import FILE, PackRow
from homespun.indexer.packs.sharing import pull as pulling
from homespun.indexer.packs.sharing.configured import named, siblings_of, trouble_of
from homespun.indexer.packs.sharing.pointer import CURRENT, read_pointer
from homespun.indexer.packs.sharing.publish import publish, retract
from homespun.indexer.packs.sharing.pull import age_words, pull
from homespun.paths import home
from tests.support.team import TeamRepository

NOW = 1_800_000_000.0
MORE = {"src/acme_auth/more.py": "def more():\n    return 1\n"}


@pytest.fixture
def published(auth, store):
    return publish(auth.index(), store, "acme/auth", what="definitions")


def one(place, **more):
    (found,) = pull(str(place), ["acme/auth"], now=NOW, **more)
    return found


def replace_pack(place, data, **change):
    """Offer other bytes, under their own hash, as a malicious place would."""
    folder = place / "acme" / "auth"
    body = json.loads((folder / CURRENT).read_text())
    name = hashlib.sha256(data).hexdigest()
    (folder / f"{name}.parquet").write_bytes(data)
    body |= {"pack": name, "time": body["time"] + 1} | change
    (folder / CURRENT).write_text(json.dumps(body))


def test_a_pack_is_taken_kept_and_read_again_from_the_cache(place, published):
    first = one(place)
    assert (first.trouble, first.revision, first.looked_at) == ("", published.revision, int(NOW))
    assert first.pack.modules == {"acme_auth"}
    kept = list((home() / "siblings").rglob("*.parquet"))
    assert [f.name for f in kept] == [f"{published.pack}.parquet"]
    assert kept[0].stat().st_mode & 0o077 == 0
    again = one(place)
    assert again.pack.digest == published.pack
    assert first.to_json(NOW + 61) == {
        "name": "acme/auth",
        "revision": published.revision[:6],
        "rows": published.rows,
        "modules": ["acme_auth"],
        "age_seconds": 61,
        "trouble": "",
    }


def test_an_unchanged_pointer_costs_one_question_and_no_pack_is_read(place, published, monkeypatch):
    first = one(place)
    asked = []
    store = pulling.open_store(str(place))
    real = store.read

    def read(key, **more):
        asked.append((key, more.get("unless", "")))
        return real(key, **more)

    store.read = read
    monkeypatch.setattr(pulling, "open_store", lambda root: store)
    assert one(place, known=[first]).pack is first.pack
    assert [key for key, unless in asked] == ["acme/auth/current"]
    assert asked[0][1]


def test_a_newer_pack_is_taken_and_the_older_file_goes(auth, place, store, published):
    first = one(place)
    auth.commit_files(MORE)
    publish(auth.index(), store, "acme/auth", what="definitions")
    second = one(place, known=[first])
    assert second.pack.file_of("acme_auth.more")
    assert len(list((home() / "siblings").rglob("*.parquet"))) == 1


def test_another_commit_with_the_same_rows_is_the_same_pack(auth, place, store, published):
    first = one(place)
    auth.commit_files({"README.md": "more\n"})
    head = publish(auth.index(), store, "acme/auth", what="definitions").revision
    second = one(place, known=[first])
    assert (second.pack.digest, second.pack.revision) == (published.pack, head)
    assert (second.revision, first.pack.revision) == (head, published.revision)


def test_where_the_place_is_away_the_last_good_pack_goes_on_and_its_age_is_told(place, published):
    one(place)
    shutil.move(place, place.with_name("elsewhere"))
    (away,) = pull(str(place), ["acme/auth"], now=NOW + 7200)
    assert away.pack.digest == published.pack
    assert away.looked_at == int(NOW)
    assert "is no folder" in away.trouble
    assert trouble_of(away, NOW + 7200).endswith("its pack is the last good one, 2 hours old")


def test_a_damaged_pack_is_refused_and_the_last_good_one_goes_on(auth, place, store, published):
    one(place)
    auth.commit_files(MORE)
    name = publish(auth.index(), store, "acme/auth", what="definitions").pack
    lies = place / "acme" / "auth" / f"{name}.parquet"
    lies.write_bytes(lies.read_bytes()[:-1] + b"x")
    found = one(place)
    assert found.pack.digest == published.pack
    assert "has other bytes than its name says" in found.trouble
    lies.unlink()
    assert "is not there" in one(place).trouble


def test_a_poisoned_pack_is_refused_and_the_last_good_one_goes_on(place, published):
    one(place)
    good = PackRow("a.py", FILE, "a", "a", 1, 1, "", "")
    evil = replace(good, path="../../outside.py")
    replace_pack(place, file.packed([good, evil]))
    found = one(place)
    assert found.pack.digest == published.pack
    assert "no pack that can be believed: '../../outside.py' in it is no path" in found.trouble
    assert "\n" not in found.trouble


def test_a_pack_of_another_version_is_refused_and_the_last_good_one_goes_on(place, published):
    one(place)
    pointer = place / "acme" / "auth" / CURRENT
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"format": 99}))
    found = one(place)
    assert found.pack.digest == published.pack
    assert "has the format '99', this version reads 1" in found.trouble


def test_an_older_pointer_that_is_put_back_is_not_followed(auth, place, store, published):
    pointer = place / "acme" / "auth" / CURRENT
    old = pointer.read_bytes()
    auth.commit_files(MORE)
    publish(auth.index(), store, "acme/auth", what="definitions", clock=lambda: NOW)
    newer = one(place)
    pointer.write_bytes(old)
    found = one(place)
    assert found.revision == newer.revision
    assert "is older than" in found.trouble


def test_a_gone_repository_is_used_no_more_and_nothing_of_it_stays(place, store, published):
    first = one(place)
    retract(store, "acme/auth")
    for known in ([first], []):
        gone = one(place, known=known)
        assert (gone.pack, gone.trouble) == (
            None,
            "'acme/auth' is gone, its publisher says; it is used no more",
        )
    assert not list((home() / "siblings").rglob("*.parquet"))
    shutil.rmtree(place)
    assert one(place).pack is None


def test_what_nobody_published_is_a_sentence(place):
    found = one(place)
    assert found.pack is None
    assert found.trouble == f"'{place}' offers no pack of 'acme/auth'"


@pytest.mark.parametrize("what", ["pack", "pointer"])
def test_no_link_of_the_place_is_followed(place, published, tmp_path, what):
    name = CURRENT if what == "pointer" else f"{published.pack}.parquet"
    real = place / "acme" / "auth" / name
    real.rename(tmp_path / name)
    real.symlink_to(tmp_path / name)
    found = one(place)
    assert found.pack is None
    assert "does not answer" in found.trouble


def test_a_cache_that_is_damaged_is_filled_again(place, published):
    one(place)
    (kept,) = (home() / "siblings").rglob("*.parquet")
    kept.write_bytes(b"no pack")
    assert one(place).pack.digest == published.pack
    (seen,) = (home() / "siblings").rglob("seen.json")
    seen.write_text("{")
    assert one(place).pack.digest == published.pack


def test_names_that_lead_elsewhere_are_not_asked_for(place):
    assert pull(str(place), ["../../etc", "a//b", ""], now=NOW) == []


def test_settings_choose_among_what_is_offered_and_need_a_root(place, published):
    said = []
    config = IndexConfig(siblings=("acme/auth", "evil/x"), siblings_root=str(place))
    config = replace(config, siblings_offered=("acme/*",))
    siblings = siblings_of(config, say=said.append)
    assert [pack.repo for pack in siblings.packs] == ["acme/auth"]
    assert len(said) == 1 and "'evil/x' is ignored" in said[0]
    names, refused = named(replace(config, siblings_root=""))
    assert names == []
    assert "set index.siblings_root in your own settings" in refused[-1]
    assert not siblings_of(IndexConfig(), say=said.append).packs


def test_offline_asks_no_bucket(monkeypatch):
    monkeypatch.setenv("HOMESPUN_OFFLINE", "1")
    (found,) = pull("s3://bucket/packs", ["acme/auth"])
    assert found.trouble == "'s3://bucket/packs' is not asked: HOMESPUN_OFFLINE is set"


def test_secrets_of_a_strangers_pack_are_masked(place, published):
    key = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz1A2"
    evil = PackRow("a.py", "function", "f", "f", 2, 2, f'def f(t="{key}")', "")
    replace_pack(place, file.packed([PackRow("a.py", FILE, "a", "a", 1, 1, "", ""), evil]))
    assert key[8:] not in one(place).pack.find("a.py", "f").signature


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "a moment"), (60, "1 minute"), (7300, "2 hours"), (86_400 * 3, "3 days")],
)
def test_an_age_in_words(seconds, words):
    assert age_words(seconds) == words


def test_two_repositories_are_pulled_in_the_order_of_their_names(place, store, published, tmp_path):
    other = TeamRepository(tmp_path / "billing", {"billing.py": "def bill(): ...\n"})
    publish(other.index(), store, "acme/billing", what="definitions")
    found = pull(str(place), ["acme/billing", "acme/auth", "acme/billing"], now=NOW)
    assert [each.repo for each in found] == ["acme/billing", "acme/auth"]
    assert read_pointer((place / "acme/billing" / CURRENT).read_bytes(), "acme/billing").rows == 2
