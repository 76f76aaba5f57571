"""The releases of a package -> a git repository with one commit a release.

What reads histories then works on packages whose repository is not at hand. Files are stored byte
for byte; links, and folders of tools (`.git`, `node_modules` …), are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.indexer.scan.git import Git
from homespun.indexer.scan.skip import TOOL_FOLDERS
from homespun.storage import make_private_folder
from homespun.training.errors import HistoryUnreadable
from homespun.training.history.checkout import Checkout
from homespun.training.history.repository import Repository

_WHO = "releases <releases@localhost>"


@dataclass(frozen=True, slots=True)
class Release:
    """An unpacked release."""

    version: str
    date: int  # seconds since 1970 (UTC)
    folder: Path  # whose content is the tree


def history_from_releases(releases: Sequence[Release], target: Path) -> Repository:
    """Make a repository of releases, in the order given; the message of a commit is the version.

    `target` is made, with the last release checked out. Raises `HistoryUnreadable` where it is not
    empty, where a release is no folder or where there is none.
    """
    if not releases:
        raise HistoryUnreadable("there is no release to make a history of; give at least one")
    missing = [release for release in releases if not release.folder.is_dir()]
    if missing:
        raise HistoryUnreadable(
            f"release {missing[0].version!r}: {str(missing[0].folder)!r} is no folder; unpack it "
            "first"
        )
    if target.is_dir() and any(target.iterdir()):
        raise HistoryUnreadable(f"{str(target)!r} is not empty; give a folder that is")
    make_private_folder(target)
    git = Git(target, failure=HistoryUnreadable)
    # An empty template: no hooks come from this machine's settings.
    git.run("init", "--quiet", "--template=", "--initial-branch=main", ".")
    commits = (part for release in releases for part in _commands(release))
    git.write("fast-import", "--quiet", "--date-format=raw", parts=commits)
    git.run("read-tree", "HEAD")
    repository = Repository.open(target)
    Checkout(repository, target, wanted=lambda _: True, most_bytes=1 << 40).move(repository.head)
    return repository


def _commands(release: Release) -> Iterator[bytes]:
    """Yield what fast-import reads for one commit."""
    message = release.version.encode()
    yield b"commit refs/heads/main\n"
    yield f"committer {_WHO} {release.date} +0000\n".encode()
    yield b"data %d\n%s\n" % (len(message), message)
    yield b"deleteall\n"
    for path in _files(release.folder):
        name = path.relative_to(release.folder).as_posix()
        source = path.read_bytes()
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        yield f'M 100644 inline "{quoted}"\n'.encode("utf-8", "surrogateescape")
        yield b"data %d\n" % len(source)
        yield source
        yield b"\n"


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - TOOL_FOLDERS)
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path
