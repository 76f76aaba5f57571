"""A bucket as a place: the library's own store in memory, which keeps to conditions as they do."""

from __future__ import annotations

import sys

import pytest

from homespun.indexer.errors import PackOlder, PackRefused, PointerMoved
from homespun.indexer.packs.sharing import pull as pulling
from homespun.indexer.packs.sharing.buckets import BucketStore
from homespun.indexer.packs.sharing.publish import publish, retract, sweep
from homespun.indexer.packs.sharing.pull import pull
from homespun.indexer.packs.sharing.stores import check_conditions

MORE = {"src/acme_auth/more.py": "def more():\n    return 1\n"}


def test_without_the_library_a_bucket_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    (found,) = pull("s3://bucket/packs", ["acme/auth"])
    assert "pip install 'homespun[buckets]'" in found.trouble


@pytest.fixture
def bucket():
    from obstore.store import MemoryStore

    return BucketStore("s3://bucket/packs", opened=MemoryStore())


def put(repository, store, **more):
    return publish(repository.index(), store, "acme/auth", what="definitions", **more)


def test_a_write_is_conditional_and_an_unchanged_object_is_not_read_again(bucket):
    etag = bucket.swap("a/current", b"1", expected="")
    for wrong in ("", '"77"'):
        with pytest.raises(PointerMoved):
            bucket.swap("a/current", b"2", expected=wrong)
    assert bucket.read("a/current", max_bytes=10, unless=etag) is None
    other = bucket.swap("a/current", b"22", expected=etag)
    assert bucket.read("a/current", max_bytes=10, unless=etag).data == b"22"
    assert bucket.read("a/current", max_bytes=10).etag == other
    with pytest.raises(PackRefused, match="larger than"):
        bucket.read("a/current", max_bytes=1)
    with pytest.raises(FileNotFoundError):
        bucket.read("a/none", max_bytes=10)
    bucket.put("a/b/inner", b"x")
    assert [each.name for each in bucket.listed("a")] == ["current"]
    bucket.delete("a/current")
    bucket.delete("a/current")
    assert bucket.listed("a") == []


def test_packs_go_through_a_bucket_as_through_a_folder(auth, bucket, monkeypatch):
    monkeypatch.setattr(pulling, "open_store", lambda root: bucket)
    check_conditions(bucket, "acme/auth")
    first = put(auth, bucket)
    (found,) = pull("s3://bucket/packs", ["acme/auth"])
    assert (found.trouble, found.pack.digest) == ("", first.pack)
    commit = auth.git("rev-parse", "HEAD")
    auth.commit_files(MORE)
    second = put(auth, bucket)
    (found,) = pull("s3://bucket/packs", ["acme/auth"], known=[found])
    assert found.pack.digest == second.pack
    auth.back_to(commit)
    with pytest.raises(PackOlder):
        put(auth, bucket)
    assert sweep(bucket, "acme/auth", clock=lambda: 2e9 + 10**7) == 1
    retract(bucket, "acme/auth")
    assert pull("s3://bucket/packs", ["acme/auth"])[0].pack is None
