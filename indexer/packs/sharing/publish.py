"""Offers what others may know of a repository: a pack first, then the pointer, under a condition.

Two that publish at once: the one whose pointer was moved meanwhile looks again, and yields where
the other's commit is the newer one. Nobody ever goes back to an older commit. A pointer that cannot
be read names none; it is replaced, and what it may have named stays for a week.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from homespun.indexer.errors import PackOlder, PackRefused, PointerBroken, PointerMoved
from homespun.indexer.packs.file import packed
from homespun.indexer.packs.names import REVISION_CHARS, check_repo
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.public import Indexed, What, rows_of
from homespun.indexer.packs.sharing.objects import Stored
from homespun.indexer.packs.sharing.pointer import (
    CURRENT,
    MAX_BEFORE,
    MAX_POINTER_BYTES,
    PackPointer,
    is_of_these_versions,
    is_pack,
    read_pointer,
)
from homespun.indexer.packs.sharing.revision import Revision, revision_of, why_older
from homespun.indexer.packs.sharing.stores import PackStore, check_conditions

logger = logging.getLogger(__name__)

KEPT_SECONDS = 7 * 86_400  # that no pointer has named a pack for, before it is swept
_SUFFIX = ".parquet"
_TRIES = 5  # as many others may publish at the same moment


class Clock(Protocol):
    """`time.time`."""

    def __call__(self) -> float:
        """Return the seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PackPublished:
    """What a place offers of a repository now."""

    repo: str
    revision: str
    pack: str  # sha256, "" where the repository is gone
    what: str
    modules: tuple[str, ...]  # the first parts of their names: what others import
    rows: int
    size_bytes: int
    is_new: bool  # False: it was offered already
    swept: int  # packs that nobody had named for a week

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun index --publish --json`."""
        return asdict(self)


def publish(
    index: Indexed, store: PackStore, repo: str, *, what: What, clock: Clock = time.time
) -> PackPublished:
    """Offer the public definitions of an index, which is up to date, as those of `repo`.

    Raises `PackRefused` (`PackOlder` where a newer commit is offered), `GitFailed`.
    """
    check_repo(repo)
    revision = revision_of(index.root)
    data = packed(rows_of(index, tracked=revision.tracked, what=what))
    pack = Pack.read(repo, revision.commit, data)  # what nobody would believe is not offered
    if not pack.modules:
        raise PackRefused(
            f"{str(index.root)!r} has no Python file that others could import, so there is nothing "
            "to publish; other languages have no packs yet"
        )
    check_conditions(store, repo)
    name = hashlib.sha256(data).hexdigest()
    store.put(key_of(repo, name), data)  # also where it is: so it is the youngest of all again
    now = int(clock())
    ours = PackPointer(
        repo, revision.commit, revision.time, name, what=what, rows=pack.rows, published=now
    )
    is_new = _move(store, ours, lambda offered: _check_newer(index, revision, offered))
    return PackPublished(
        *(repo, revision.commit, name, what, tuple(sorted(pack.modules)), pack.rows, len(data)),
        is_new=is_new,
        swept=sweep(store, repo, clock=clock),
    )


def is_offered(store: PackStore, repo: str, *, revision: str, what: What) -> bool:
    """Tell whether a commit's pack is offered, made by these versions, and lies there.

    What of it cannot be believed is not offered. Raises `PackRefused` where the place is away.
    """
    check_repo(repo)
    stored = _stored(store, repo)
    if stored is None:
        return False
    try:
        offered = read_pointer(stored.data, repo)
    except PackRefused:
        return False
    if (offered.revision, offered.what) != (revision, what) or offered.is_gone:
        return False
    names = {found.name for found in store.listed(repo)}
    return is_of_these_versions(stored.data) and f"{offered.pack}{_SUFFIX}" in names


def retract(store: PackStore, repo: str, *, clock: Clock = time.time) -> PackPublished:
    """Leave a mark that a repository is gone: nobody uses its pack any more.

    Only a commit that is made later is offered again. Raises `PackRefused`.
    """
    check_repo(repo)
    offered = _offered(store, repo)
    if offered is None:
        raise PackRefused(f"{store.where} offers nothing of {repo!r}, so there is nothing to take")
    now = int(clock())
    gone = PackPointer(repo, offered.revision, max(now, offered.time), published=now)
    is_new = not offered.is_gone and _move(store, gone, lambda _: None)
    swept = sweep(store, repo, clock=clock)
    return PackPublished(repo, offered.revision, "", "gone", (), 0, 0, is_new=is_new, swept=swept)


def sweep(store: PackStore, repo: str, *, clock: Clock = time.time) -> int:
    """Delete the packs of a repository that no pointer has named for a week; return how many."""
    offered = _offered(store, repo)
    if offered is None:
        return 0
    oldest = clock() - KEPT_SECONDS
    swept = 0
    for found in store.listed(repo):
        name = found.name.removesuffix(_SUFFIX)
        if not found.name.endswith(_SUFFIX) or name == offered.pack:
            continue
        if offered.before.get(name, 0) < oldest and found.modified < oldest:
            store.delete(f"{repo}/{found.name}")
            swept += 1
    return swept


def key_of(repo: str, pack: str) -> str:
    """Return where a pack lies."""
    return f"{repo}/{pack}{_SUFFIX}"


def _move(store: PackStore, ours: PackPointer, check: Callable[[PackPointer], None]) -> bool:
    """Move the pointer, unless it says so already; return whether it was moved."""
    for _ in range(_TRIES):
        stored = _stored(store, ours.repo)
        etag, pointer = "", ours
        if stored is not None:
            etag = stored.etag
            try:
                offered = read_pointer(stored.data, ours.repo)
            except PointerBroken as error:
                logger.warning("%s: %s; it is replaced", store.where, error)
                pointer = _after_a_broken_one(store, ours)
            else:
                if (offered.pack, offered.revision) == (ours.pack, ours.revision):
                    return False
                check(offered)
                pointer = offered.followed_by(ours)
        try:
            store.swap(f"{ours.repo}/{CURRENT}", pointer.to_bytes(), expected=etag)
        except PointerMoved:
            continue
        return True
    raise PackRefused(
        f"others have published {ours.repo!r} to {store.where} {_TRIES} times meanwhile; try again"
    )


def _check_newer(index: Indexed, revision: Revision, offered: PackPointer) -> None:
    why = why_older(index.root, revision, offered)
    if why:
        raise PackOlder(
            f"{offered.repo!r} is offered at {offered.revision[:REVISION_CHARS]}, and {why}: "
            f"{revision.commit[:REVISION_CHARS]} is not published"
        )


def _offered(store: PackStore, repo: str) -> PackPointer | None:
    """Return what is offered of a repository, None for nothing."""
    stored = _stored(store, repo)
    return read_pointer(stored.data, repo) if stored else None


def _stored(store: PackStore, repo: str) -> Stored | None:
    """Return what lies at the pointer's place, None for nothing."""
    try:
        stored = store.read(f"{repo}/{CURRENT}", max_bytes=MAX_POINTER_BYTES)
    except FileNotFoundError:
        return None
    assert stored is not None  # nothing was said to be known
    return stored


def _after_a_broken_one(store: PackStore, ours: PackPointer) -> PackPointer:
    """Return `ours` with a note of every pack that lies there: any may have been named."""
    names = (each.name.removesuffix(_SUFFIX) for each in store.listed(ours.repo))
    before = {name: ours.published for name in names if is_pack(name) and name != ours.pack}
    return replace(ours, before=dict(sorted(before.items())[:MAX_BEFORE]))
