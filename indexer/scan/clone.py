"""Brings others' repositories: which address may be asked, and a clone that is whole or none.

An address comes from a list that somebody wrote. It is one of three transports, holds no password,
and stands behind `--`. A clone is made beside its place and renamed there, so one that was killed
is never taken for whole. What is checked out follows no link and runs no filter.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from homespun.indexer.errors import GitFailed
from homespun.indexer.scan.git import TRANSPORTS, Git, repository_of, transfer
from homespun.storage import make_private_folder, remove_whatever, replace

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")
_MAX_CHARS = 2_000
_DRAFT = ".draft-"
# Of the clone itself, so that whoever reads it later does the same: links are files with a path in
# them, and no filter is asked (Git LFS leaves its pointers).
_OWN_SETTINGS = (
    "core.symlinks=false",
    "core.autocrlf=false",
    "filter.lfs.required=false",
    "filter.lfs.process=",
    "filter.lfs.smudge=",
    "filter.lfs.clean=",
)


def is_address(text: str) -> bool:
    """Tell whether a text names a repository elsewhere, allowed or not; else it is a path."""
    return "://" in text or "::" in text or re.match(r"[^/\\]{2,}:", text) is not None


def fault_of_address(address: str) -> str:
    """Return why an address may not be asked, in words of a sentence; "" where it may."""
    if len(address) > _MAX_CHARS or not address.isprintable() or " " in address:
        return "it is too long, or has characters that no address has"
    try:
        parts = urlsplit(address)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return "it is no address"
    if "::" in address.partition("://")[0] or parts.scheme not in TRANSPORTS:
        schemes = ", ".join(f"{name}://" for name in TRANSPORTS)
        return f"only {schemes} are asked (for git@HOST:PATH write ssh://git@HOST/PATH)"
    if parts.password is not None or (parts.username and parts.scheme != "ssh"):
        return "it holds credentials; leave them to git's credential helper"
    if parts.query or parts.fragment:
        return "it has a query or a fragment"
    if parts.scheme == "file":
        return "" if not parts.netloc and parts.path.startswith("/") else "file:/// wants a path"
    names = (parts.hostname or "", parts.username or "x")
    if not port_is_one or any(name[:1] in ("", "-") for name in names) or len(parts.path) < 2:
        return "it wants a host and a path, and neither begins with '-'"
    return "" if not parts.path.startswith("/-") else "its path begins with '-'"


def fault_of_revision(revision: str) -> str:
    """Return why a revision is none, in words of a sentence; "" where it may be one."""
    if not _REVISION.fullmatch(revision) or ".." in revision:
        return "a branch, a tag or a commit is wanted, of letters, digits and . _ / + -"
    return ""


def remote_commit(address: str, revision: str, *, outside: Path, patience_seconds: float) -> str:
    """Ask for the commit of a branch or a tag, of HEAD for ""; a whole hash is one already.

    Raises `GitFailed`, also where there is none of that name.
    """
    _check(address, revision)
    if _COMMIT.fullmatch(revision):
        return revision
    wanted = [f"refs/heads/{revision}", f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"]
    names = wanted if revision else ["HEAD"]
    printed = transfer(
        *("ls-remote", "--", address, *names),
        outside=outside,
        patience_seconds=patience_seconds,
    )
    rows = [line.split("\t", 1) for line in printed.splitlines()]
    found = {row[1]: row[0] for row in rows if len(row) == 2}
    commit = next((found[name] for name in names if name in found), "")
    if not _COMMIT.fullmatch(commit):
        raise GitFailed(f"{address!r} has no branch and no tag {revision or 'HEAD'!r}")
    return commit


def local_commit(folder: Path, wanted: str = "") -> str:
    """Return the commit that a folder is at, which stays as it is; "" where it is at none.

    Raises `GitFailed` where it is at another one than a list wants.
    """
    commit = _commit_in(folder, "HEAD")
    if wanted and (not commit or _commit_in(folder, wanted) != commit):
        raise GitFailed(
            f"{str(folder)!r} is at {commit[:12] or 'no commit'}, and the list wants {wanted!r}; "
            "check that out there, or give an address to clone"
        )
    return commit


def _commit_in(folder: Path, revision: str) -> str:
    if repository_of(folder) is None:
        return ""
    return Git(folder).ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") or ""


def clone_at(address: str, commit: str, folder: Path, *, patience_seconds: float) -> None:
    """Have a clone of an address in `folder`, with all of its history, at a commit.

    One that is there is brought up to date; one of another address, or that cannot be, is made
    anew. Nobody else may use the folder meanwhile. Raises `GitFailed`, `OSError`.
    """
    _check(address, "")
    if not _COMMIT.fullmatch(commit):
        raise GitFailed(f"{commit!r} is no commit")
    _remove_drafts(folder)
    if folder.is_dir() and not _is_up_to_date(address, commit, folder, patience_seconds):
        remove_whatever(folder)
    if not folder.is_dir():
        make_private_folder(folder.parent)
        draft = folder.with_name(f"{folder.name}{_DRAFT}{secrets.token_hex(8)}")
        settings = [part for setting in _OWN_SETTINGS for part in ("--config", setting)]
        what = ("--quiet", "--no-checkout", "--no-recurse-submodules", "--template=")
        try:
            transfer(
                *("clone", *what, *settings, "--", address, str(draft)),
                outside=folder.parent,
                patience_seconds=patience_seconds,
            )
            replace(draft, folder)
        finally:
            remove_whatever(draft)
    _inside(folder, "checkout", "--quiet", "--force", "--detach", commit, "--")


def _is_up_to_date(address: str, commit: str, folder: Path, patience_seconds: float) -> bool:
    """Fetch into a clone; False where it is of another address or no whole clone."""
    try:
        if _inside(folder, "config", "--local", "--get", "remote.origin.url") != address:
            return False
        everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        transfer(
            *("-C", str(folder), "fetch", "--quiet", "--no-recurse-submodules", "--force"),
            *("--prune", "--", "origin", *everything),
            outside=folder,
            patience_seconds=patience_seconds,
        )
        _inside(folder, "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}")
    except GitFailed:
        return False
    return True


def _inside(folder: Path, *arguments: str) -> str:
    return transfer("-C", str(folder), *arguments, outside=folder, patience_seconds=600.0)


def _remove_drafts(folder: Path) -> None:
    """Remove what a killed clone has left beside the place."""
    for left in folder.parent.glob(f"{folder.name}{_DRAFT}*"):
        remove_whatever(left)


def _check(address: str, revision: str) -> None:
    """Raise `GitFailed` for what nobody should have let through."""
    fault = fault_of_address(address) or (fault_of_revision(revision) if revision else "")
    if fault:
        raise GitFailed(f"{address[:200]!r} at {revision[:200]!r} is not asked: {fault}")
