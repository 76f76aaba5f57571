"""Which commit a folder is at, and which of two commits is the older one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from homespun.indexer.errors import PackRefused
from homespun.indexer.packs.names import is_revision
from homespun.indexer.packs.sharing.pointer import PackPointer
from homespun.indexer.scan.git import Git


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and the files that it has."""

    commit: str
    time: int  # seconds since 1970
    tracked: frozenset[str]  # paths below the folder


def revision_of(folder: Path) -> Revision:
    """Return the commit that a folder's files are of. Raises `PackRefused`, `GitFailed`."""
    git = Git(folder)
    commit = git.ask("rev-parse", "--verify", "HEAD^{commit}")
    if commit is None or not is_revision(commit):
        raise PackRefused(
            f"{str(folder)!r} is at no commit of git, so nobody could tell its packs' order; "
            "commit first"
        )
    changed = git.run("diff", "--no-ext-diff", "--no-textconv", "--name-only", "HEAD", "--", ".")
    if changed:
        first = changed.decode("utf-8", "replace").splitlines()[0]
        raise PackRefused(
            f"{str(folder)!r} has changes that are in no commit ({first!r}), and a pack is of a "
            "commit; commit or stash them first"
        )
    time = git.run("show", "--no-patch", "--no-ext-diff", "--format=%ct", commit)
    names = git.run("ls-files", "-z").decode("utf-8", "surrogateescape")
    return Revision(commit, int(time), frozenset(names.split("\0")) - {""})


def why_older(folder: Path, ours: Revision, offered: PackPointer) -> str:
    """Return why a commit may not take the place of what is offered, "" where it may.

    The history decides where it knows both; else the times of the commits do.
    """
    if offered.is_gone:
        return "" if ours.time > offered.time else "the repository was said to be gone since then"
    if ours.commit == offered.revision:
        return ""
    git = Git(folder)
    if git.ask("cat-file", "-e", f"{offered.revision}^{{commit}}") is not None:
        if _is_ancestor(git, offered.revision, ours.commit):
            return ""
        if _is_ancestor(git, ours.commit, offered.revision):
            return "that is a later commit of the same history"
    return "" if ours.time > offered.time else "that was committed later"


def _is_ancestor(git: Git, older: str, newer: str) -> bool:
    return git.ask("merge-base", "--is-ancestor", older, newer) is not None
