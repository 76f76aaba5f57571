"""Where a listed repository lies on this machine: its own folder, or a clone that is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from filelock import Timeout

from homespun.cli.errors import Unavailable
from homespun.cli.fleet.repositories import FleetRepository
from homespun.indexer.scan.clone import clone_at, remote_commit
from homespun.locks import lock_file
from homespun.storage import make_private_folder


def clone_folder(repository: FleetRepository, work: Path) -> Path:
    """Return where the clone of a repository lies, whether it is there or not."""
    return work / "clones" / repository.file_name


def alone(
    repository: FleetRepository, work: Path, *, patience_seconds: float
) -> AbstractContextManager[object]:
    """Let one run at a time into a clone; a folder of the user's has the index's own lock.

    Raises `Unavailable` where another one does not end.
    """
    if not repository.is_remote:
        return nullcontext()
    folder = clone_folder(repository, work)
    make_private_folder(folder.parent)
    try:
        return lock_file(folder.with_name(f"{folder.name}.lock")).acquire(timeout=patience_seconds)
    except Timeout as error:
        raise Unavailable("another run of the fleet is at this repository; try again") from error


def brought(repository: FleetRepository, work: Path, *, patience_seconds: float) -> Path:
    """Return the folder of a repository, cloned or brought up to date where it is elsewhere.

    Raises `GitFailed`, `Unavailable`, `OSError`.
    """
    if not repository.is_remote:
        return Path(repository.where)
    with alone(repository, work, patience_seconds=patience_seconds):
        where, folder = repository.where, clone_folder(repository, work)
        commit = remote_commit(
            where, repository.revision, outside=work, patience_seconds=patience_seconds
        )
        clone_at(where, commit, folder, patience_seconds=patience_seconds)
        return folder
