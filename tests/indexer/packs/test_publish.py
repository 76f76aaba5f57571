"""Publishing: what lies at a place afterwards, and who yields."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import PackOlder, PackRefused, PointerMoved
from homespun.indexer.index import Index
from homespun.indexer.packs.sharing.pointer import CURRENT, read_pointer
from homespun.indexer.packs.sharing.publish import KEPT_SECONDS, publish, retract, sweep
from homespun.indexer.packs.sharing.stores import FolderStore, check_conditions, open_store
from tests.support.team import TeamRepository

MORE = {"src/acme_auth/more.py": "def more():\n    return 1\n"}


def offered(place):
    return json.loads((place / "acme" / "auth" / CURRENT).read_text())


def packs(place):
    return sorted(file.name for file in (place / "acme" / "auth").glob("*.parquet"))


def put(repository, store, **more):
    return publish(repository.index(), store, "acme/auth", what="definitions", **more)


def test_a_pack_and_its_pointer_lie_at_the_place_and_again_is_nothing_new(auth, place, store):
    done = put(auth, store)
    head = auth.git("rev-parse", "HEAD")
    assert (done.is_new, done.revision, done.modules) == (True, head, ("acme_auth",))
    assert packs(place) == [f"{done.pack}.parquet"]
    body = offered(place)
    assert (body["pack"], body["revision"], body["repo"]) == (done.pack, head, "acme/auth")
    assert {"format", "chunker", "tokenizer", "time"} <= body.keys()
    before = (place / "acme" / "auth" / CURRENT).read_bytes()
    assert not put(auth, store).is_new
    assert (place / "acme" / "auth" / CURRENT).read_bytes() == before
    assert not [name for name in os.listdir(place / "acme" / "auth") if "probe" in name]


def test_a_newer_commit_takes_the_place_and_an_older_one_never(auth, place, store):
    first = auth.git("rev-parse", "HEAD")
    put(auth, store)
    second = auth.commit_files(MORE)
    assert put(auth, store).revision == second
    before = offered(place)
    auth.back_to(first)
    with pytest.raises(PackOlder, match="later commit of the same history"):
        put(auth, store)
    assert offered(place) == before


def test_of_commits_that_share_no_history_the_later_one_counts(tmp_path, place, store):
    early, late = TeamRepository(tmp_path / "a"), TeamRepository(tmp_path / "b")
    late.commit_files(MORE)
    put(late, store)
    with pytest.raises(PackOlder, match="committed later"):
        put(early, store)
    assert offered(place)["revision"] == late.git("rev-parse", "HEAD")


def test_a_descendant_counts_however_its_clock_went(auth, place, store):
    put(auth, store)
    auth.write_files(MORE)
    behind = auth.commit(date="1500000000 +0000")
    assert put(auth, store).revision == behind


def test_what_is_in_no_commit_is_not_published(auth, store, tmp_path):
    auth.write_files(MORE)  # not tracked: left out
    assert put(auth, store).rows
    index = auth.index()
    assert "src/acme_auth/more.py" in index.paths()
    auth.write_files({"src/acme_auth/token.py": "def other(): ...\n"})
    with pytest.raises(PackRefused, match=r"changes that are in no commit \('src/acme_auth/token"):
        put(auth, store)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "a.py").write_text("def a(): ...\n")
    bare = Index.open(tmp_path / "bare", IndexConfig(encoder="none"), create=True)
    with pytest.raises(PackRefused, match="at no commit of git"):
        publish(bare, store, "acme/auth", what="definitions")


def test_a_repository_without_python_has_nothing_to_publish(tmp_path, store):
    script = TeamRepository(tmp_path / "r", {"a.js": "export function a() {}\n"})
    with pytest.raises(PackRefused, match="no Python file that others could import"):
        put(script, store)


class Slow(FolderStore):
    """A place at which somebody else publishes between the look and the write."""

    meanwhile = None

    def swap(self, key, data, *, expected):
        if key.endswith(CURRENT) and self.meanwhile is not None:
            others, self.meanwhile = self.meanwhile, None
            others()
        return super().swap(key, data, expected=expected)


def test_of_two_that_publish_at_once_the_older_one_yields(auth, place, store, tmp_path):
    first = auth.git("rev-parse", "HEAD")
    clone = auth.clone(tmp_path / "clone")
    newer = auth.commit_files(MORE)
    slow = Slow(place)
    slow.meanwhile = lambda: put(auth, store)
    assert clone.git("rev-parse", "HEAD") == first
    with pytest.raises(PackOlder):
        put(clone, slow)
    assert offered(place)["revision"] == newer


def test_of_two_that_publish_at_once_the_newer_one_stays(auth, place, store, tmp_path):
    clone = auth.clone(tmp_path / "clone")
    newer = auth.commit_files(MORE)
    slow = Slow(place)
    yielding = []
    slow.meanwhile = lambda: yielding.append(put(clone, store).pack)
    assert put(auth, slow).revision == newer
    assert offered(place)["revision"] == newer
    assert list(offered(place)["before"]) == yielding


def test_many_at_once_lose_nothing(place):
    store = FolderStore(place)
    won, lost = [], []

    def add(number):
        own = FolderStore(place)
        while True:
            try:
                stored = own.read("acme/x/current", max_bytes=1000)
                etag, value = stored.etag, int(stored.data)
            except FileNotFoundError:
                etag, value = "", 0
            try:
                own.swap("acme/x/current", str(value + 1).encode(), expected=etag)
            except PointerMoved:
                lost.append(number)
                continue
            won.append(number)
            return

    threads = [threading.Thread(target=add, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("acme/x/current", max_bytes=1000).data == b"12"
    assert len(won) == 12


def test_a_gone_repository_leaves_a_mark_and_only_a_later_commit_ends_it(auth, place, store):
    head = put(auth, store).revision
    gone = retract(store, "acme/auth", clock=lambda: 1_700_200_000.0)
    assert (gone.pack, gone.is_new) == ("", True)
    assert offered(place)["gone"] is True
    assert "pack" not in offered(place)
    assert not retract(store, "acme/auth").is_new
    with pytest.raises(PackOlder, match="said to be gone"):
        put(auth, store)
    assert offered(place)["revision"] == head
    auth.day = 30
    assert put_after(auth, store).is_new
    assert "gone" not in offered(place)
    with pytest.raises(PackRefused, match="offers nothing of 'acme/none'"):
        retract(store, "acme/none")


def put_after(repository, store):
    repository.commit_files(MORE)
    return put(repository, store)


def test_packs_that_nobody_has_named_for_a_week_are_swept(auth, place, store):
    now = time.time()
    first = put(auth, store, clock=lambda: now).pack
    auth.commit_files(MORE)
    second = put(auth, store, clock=lambda: now + 10).pack
    orphan = place / "acme" / "auth" / f"{'0' * 64}.parquet"
    orphan.write_bytes(b"an upload that broke off")
    week = now + KEPT_SECONDS
    assert sweep(store, "acme/auth", clock=lambda: week - 5) == 0
    assert set(packs(place)) == {f"{first}.parquet", f"{second}.parquet", orphan.name}
    assert sweep(store, "acme/auth", clock=lambda: week + 60) == 2
    assert packs(place) == [f"{second}.parquet"]


def test_what_was_named_until_yesterday_stays_however_old_it_is(auth, place, store):
    now = time.time()
    first = put(auth, store, clock=lambda: now - 30 * 86_400).pack
    old = now - 30 * 86_400
    os.utime(place / "acme" / "auth" / f"{first}.parquet", (old, old))
    auth.commit_files(MORE)
    done = put(auth, store, clock=lambda: now)
    assert done.swept == 0
    assert f"{first}.parquet" in packs(place)


class Careless(FolderStore):
    """A place that takes a conditional write as any other."""

    def swap(self, key, data, *, expected):
        self.put(key, data)
        return "e1"


def test_a_place_that_ignores_conditions_is_refused(auth, place):
    with pytest.raises(PackRefused, match="does not keep to conditions of a write"):
        put(auth, Careless(place))
    assert not (place / "acme" / "auth" / CURRENT).exists()
    assert packs(place) == []
    check_conditions(FolderStore(place), "acme/auth")


def test_no_link_of_the_place_is_followed(auth, place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (place / "acme").symlink_to(outside)
    with pytest.raises(PackRefused, match="a link or no folder"):
        put(auth, FolderStore(place))
    assert not list(outside.iterdir())
    (place / "acme").unlink()
    (place / "acme" / "auth").mkdir(parents=True)
    (outside / "pointer").write_text("kept")
    (place / "acme" / "auth" / CURRENT).symlink_to(outside / "pointer")
    with pytest.raises(PackRefused, match="does not answer"):
        put(auth, FolderStore(place))
    assert (outside / "pointer").read_text() == "kept"
    (place / "acme" / "auth" / CURRENT).unlink()
    (place / "acme" / "auth" / ".lock").unlink(missing_ok=True)
    (place / "acme" / "auth" / ".lock").symlink_to(outside / "pointer")
    with pytest.raises(PackRefused, match="no regular file"):
        put(auth, FolderStore(place))
    assert (outside / "pointer").read_text() == "kept"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "has the format '2', this version reads 1"),
        ({"format": "x" * 900}, "has the format"),
        ({"repo": "acme/other"}, "it is of another repository"),
        ({"revision": "main"}, "its revision is none"),
        ({"pack": "../../secret"}, "it names no pack"),
        ({"time": True}, "a number in it is none"),
        ({"time": 1 << 60}, "a number in it is none"),
        ({"before": {"x": 1}}, "it names no pack"),
        ({"before": []}, "cannot be believed"),
    ],
)
def test_a_pointer_is_believed_in_no_part_unseen(auth, place, store, change, said):
    put(auth, store)
    body = json.dumps(offered(place) | change).encode()
    with pytest.raises(PackRefused) as refused:
        read_pointer(body, "acme/auth")
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b"{}"])
def test_what_is_no_pointer_is_refused(body):
    with pytest.raises(PackRefused, match="cannot be believed"):
        read_pointer(body, "acme/auth")


@pytest.mark.parametrize("body", [b"", b"{", b'{"format": 1}'])
def test_a_broken_pointer_is_replaced_and_what_it_may_have_named_stays_a_week(
    auth, place, store, body, caplog
):
    now = time.time()
    old = now - 30 * 86_400
    first = put(auth, store, clock=lambda: old).pack
    os.utime(place / "acme" / "auth" / f"{first}.parquet", (old, old))
    (place / "acme" / "auth" / CURRENT).write_bytes(body)
    auth.commit_files(MORE)
    done = put(auth, store, clock=lambda: now)
    assert (done.is_new, done.swept, offered(place)["pack"]) == (True, 0, done.pack)
    assert "cannot be believed" in caplog.text
    assert "it is replaced" in caplog.text
    assert sweep(store, "acme/auth", clock=lambda: now + KEPT_SECONDS + 60) == 1
    assert packs(place) == [f"{done.pack}.parquet"]


def test_what_another_version_offers_is_not_replaced(auth, place, store):
    put(auth, store)
    body = json.dumps(offered(place) | {"format": 2})
    (place / "acme" / "auth" / CURRENT).write_text(body)
    auth.commit_files(MORE)
    with pytest.raises(PackRefused, match="bring the older of the two homespuns up to date"):
        put(auth, store)
    assert (place / "acme" / "auth" / CURRENT).read_text() == body


def test_a_broken_pointer_says_no_revision_to_take_back(auth, place, store):
    put(auth, store)
    (place / "acme" / "auth" / CURRENT).write_bytes(b"{")
    with pytest.raises(PackRefused, match="cannot be believed"):
        retract(store, "acme/auth")


def test_a_place_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(PackRefused, match="is no folder, so no packs are there"):
        open_store(str(tmp_path / "nowhere"))
