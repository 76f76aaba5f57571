"""Which folder is the workspace of a file: who may say so.

A folder with `.git` is one: no clone can bring that name. A folder with `.homespun` is one only
where the user's own run of homespun made it (`is_ours`): a clone may carry such a folder anywhere,
and in a shared folder above, another user may have left one.
"""

from __future__ import annotations

from pathlib import Path

from homespun.indexer.errors import GitFailed
from homespun.indexer.scan.git import Git, repository_of
from homespun.indexer.storage import manifest
from homespun.paths import WORKSPACE_FOLDER


def workspace_of(file: Path) -> Path:
    """Return the nearest folder with an index of ours, else the git repository, else the file's."""
    folders = list(file.absolute().parents)
    indexed = next((folder for folder in folders if is_ours(folder)), None)
    return indexed or repository_of(folders[0]) or folders[0]


def is_ours(folder: Path) -> bool:
    """Tell whether the `.homespun` of a folder was made by this machine's homespun, in this place.

    It is a real folder of this user with an index that carries our seal, and the repository around
    does not track it. Where git does not say, it is not believed.
    """
    if not manifest.is_ours(folder / WORKSPACE_FOLDER):
        return False
    if repository_of(folder) is None:
        return True
    try:
        return Git(folder).run("ls-files", "-z", "--", WORKSPACE_FOLDER) == b""
    except GitFailed:
        return False
