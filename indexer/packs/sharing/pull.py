"""Takes packs from a place into the user's cache; what is wrong there leaves the last good one.

    siblings/PLACE/acme+auth/seen.json         what was seen last, and when
    siblings/PLACE/acme+auth/SHA256.parquet    the last pack that was good

An unchanged pointer costs one question. A pack counts once its hash is right and every row of it
may be believed (`file.py`), and it never goes back to an older commit.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun import paths
from homespun.indexer.errors import PackOlder, PackRefused
from homespun.indexer.packs.definition import MAX_PACK_BYTES
from homespun.indexer.packs.file import give_back
from homespun.indexer.packs.names import REVISION_CHARS, is_repo, scheme_of
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.sharing.pointer import (
    CURRENT,
    MAX_POINTER_BYTES,
    PackPointer,
    read_pointer,
)
from homespun.indexer.packs.sharing.publish import key_of
from homespun.indexer.packs.sharing.stores import PackStore, open_store
from homespun.models.download.offline import is_offline
from homespun.parsing import read_json
from homespun.storage import make_private_folder, read_bounded, write_private, writing

logger = logging.getLogger(__name__)

MAX_SIBLINGS = 100
_SEEN = "seen.json"
_PARALLEL = 8  # a bucket is far away
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PulledPack:
    """What is known of one sibling after a look at its place."""

    repo: str
    pack: Pack | None
    revision: str = ""
    looked_at: int = 0  # when its place was last as it should be; seconds since 1970
    trouble: str = ""  # a sentence: why it is not what its place offers now

    def to_json(self, now: float) -> dict[str, object]:
        """Return how it is, for a status."""
        age = max(0, int(now) - self.looked_at) if self.looked_at else None
        return {
            "name": self.repo,
            "revision": self.revision[:REVISION_CHARS],
            "rows": self.pack.rows if self.pack else 0,
            "modules": sorted(self.pack.modules) if self.pack else [],
            "age_seconds": age,
            "trouble": self.trouble,
        }


def pull(
    root: str, repos: Sequence[str], *, known: Sequence[PulledPack] = (), now: float | None = None
) -> list[PulledPack]:
    """Return the packs of some repositories, as their place offers them or as they were last good.

    `known` are those that are in memory: what has not changed is not read again. Raises nothing
    but `StorageFull`, where the cache cannot be written.
    """
    seconds = int(time.time() if now is None else now)
    wanted = [repo for repo in dict.fromkeys(repos) if is_repo(repo)][:MAX_SIBLINGS]
    before = {each.repo: each for each in known}
    store, away = _opened(root)

    reading = threading.Lock()  # packs are fetched at once and read in turn: that is no slower

    def one(repo: str) -> PulledPack:
        held = _Held(root, repo, before.get(repo), reading)
        return held.pulled(store, seconds) if store is not None else held.as_it_was(away)

    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        found = list(pool.map(one, wanted))
    give_back()
    return found


def _opened(root: str) -> tuple[PackStore | None, str]:
    try:
        if scheme_of(root) != "file" and is_offline():
            return None, f"{root!r} is not asked: HOMESPUN_OFFLINE is set"
        return open_store(root), ""
    except PackRefused as error:
        return None, str(error)


class _Held:
    """One sibling in the cache."""

    def __init__(
        self, root: str, repo: str, known: PulledPack | None, reading: threading.Lock
    ) -> None:
        place = hashlib.sha256(root.encode()).hexdigest()[:16]
        self._folder = paths.home() / "siblings" / place / repo.replace("/", "+")
        self._repo = repo
        self._known = known
        self._one_at_a_time = reading
        self._seen = self._read_seen()

    def pulled(self, store: PackStore, now: int) -> PulledPack:
        """Return what its place offers, or with a sentence what was last good."""
        try:
            return self._pulled(store, now)
        except FileNotFoundError:
            return self.as_it_was(f"{store.where} offers no pack of {self._repo!r}")
        except PackRefused as error:
            return self.as_it_was(str(error))

    def as_it_was(self, trouble: str) -> PulledPack:
        """Return the last good pack, with why it is not a newer one."""
        pointer, at = self._pointer(), int(self._seen.get("at", 0))
        if pointer is None or pointer.is_gone:
            return PulledPack(self._repo, None, looked_at=at, trouble=trouble)
        pack = self._kept(pointer)
        told = f"{trouble}; its pack is the last good one" if pack else trouble
        return PulledPack(self._repo, pack, pointer.revision, at, told)

    def _pulled(self, store: PackStore, now: int) -> PulledPack:
        offered = self._pointer()
        etag = str(self._seen.get("etag", "")) if offered else ""
        stored = store.read(f"{self._repo}/{CURRENT}", max_bytes=MAX_POINTER_BYTES, unless=etag)
        pack = self._kept(offered) if offered and stored is None else None
        if stored is None and offered is not None and (pack or offered.is_gone):
            self._note(offered, etag, now)
            return self._of(offered, pack, now)
        if stored is None:  # the same as ever, but what we had of it is lost
            stored = store.read(f"{self._repo}/{CURRENT}", max_bytes=MAX_POINTER_BYTES)
            assert stored is not None
        pointer = read_pointer(stored.data, self._repo)
        _check_not_back(pointer, offered)
        pack = None if pointer.is_gone else self._kept(pointer) or self._taken(store, pointer)
        self._note(pointer, stored.etag, now)
        self._forget(but=pointer.pack)
        return self._of(pointer, pack, now)

    def _of(self, pointer: PackPointer, pack: Pack | None, now: int) -> PulledPack:
        gone = f"{self._repo!r} is gone, its publisher says; it is used no more"
        trouble = gone if pointer.is_gone else ""
        return PulledPack(self._repo, pack, pointer.revision, now, trouble)

    def _taken(self, store: PackStore, pointer: PackPointer) -> Pack:
        """Fetch and check a pack; it is kept once it is good. Raises `PackRefused`."""
        try:
            stored = store.read(key_of(self._repo, pointer.pack), max_bytes=MAX_PACK_BYTES)
        except FileNotFoundError:
            raise PackRefused(
                f"the pack that {store.where} offers of {self._repo!r} is not there; have it "
                "published again"
            ) from None
        assert stored is not None
        if hashlib.sha256(stored.data).hexdigest() != pointer.pack:
            raise PackRefused(
                f"the pack that {store.where} offers of {self._repo!r} has other bytes than its "
                "name says; have it published again"
            )
        pack = self._read(pointer.revision, stored.data)
        with writing(self._folder):
            make_private_folder(self._folder)
            write_private(self._file(pointer.pack), stored.data)
        return pack

    def _kept(self, pointer: PackPointer) -> Pack | None:
        """Return a pack that is in memory or in the cache; None where none is good."""
        known = self._known.pack if self._known else None
        if known is not None and known.digest == pointer.pack:
            return known.at(pointer.revision)
        try:
            data = read_bounded(self._file(pointer.pack), max_bytes=MAX_PACK_BYTES)
            if hashlib.sha256(data).hexdigest() == pointer.pack:
                return self._read(pointer.revision, data)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, PackRefused) as error:
            logger.warning("the pack of %s in the cache is not used: %s", self._repo, error)
        return None

    def _read(self, revision: str, data: bytes) -> Pack:
        with self._one_at_a_time:
            return Pack.read(self._repo, revision, data)

    def _file(self, pack: str) -> Path:
        return self._folder / f"{pack}.parquet"

    def _read_seen(self) -> dict[str, Any]:
        try:
            seen = read_json(self._folder / _SEEN, max_bytes=2 * MAX_POINTER_BYTES)
            return seen if isinstance(seen, dict) and isinstance(seen.get("at", 0), int) else {}
        except (OSError, ValueError):
            return {}

    def _pointer(self) -> PackPointer | None:
        try:
            return read_pointer(str(self._seen["pointer"]).encode(), self._repo)
        except (KeyError, PackRefused):
            return None

    def _note(self, pointer: PackPointer, etag: str, now: int) -> None:
        seen = {"etag": etag, "at": now, "pointer": pointer.to_bytes().decode()}
        with writing(self._folder):
            make_private_folder(self._folder)
            write_private(self._folder / _SEEN, json.dumps(seen))

    def _forget(self, *, but: str) -> None:
        with suppress(OSError):
            for file in self._folder.glob("*.parquet"):
                if file.name != f"{but}.parquet":
                    file.unlink()


def _check_not_back(pointer: PackPointer, seen: PackPointer | None) -> None:
    """Raise `PackOlder` where a place offers an older commit than it did when it was last seen."""
    if seen is None or pointer.time >= seen.time:
        return
    if pointer.published <= seen.published:
        raise PackOlder(
            f"{pointer.repo!r} is offered at {pointer.revision[:REVISION_CHARS]}, which is older "
            f"than {seen.revision[:REVISION_CHARS]}, that was offered before"
        )


def age_words(seconds: float) -> str:
    """Return an age for a sentence: "3 minutes", "2 days"."""
    for size, word in ((_SECONDS_A_DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' * (count > 1)}"
    return "a moment"
