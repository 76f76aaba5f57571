"""The root of what homespun raises on purpose; the text of each says what, which value, what to do.

HomespunError
├── StorageFull      writing failed: no space, no permission
├── FolderRefused    a `.homespun` is a link, holds one, is no folder, or another user's
├── ModelsError      homespun/models/errors.py: weights, downloads, adapters
├── IndexerError     homespun/indexer/errors.py: the index, its store, git, queries
├── ServerError      homespun/server/errors.py: the server's socket and token, a file to complete
├── TrainingError    homespun/training/errors.py: history, dataset, training, evaluation
├── UsageError       homespun/cli/errors.py: arguments that make no sense together
├── Unavailable      homespun/cli/errors.py: what a command was asked for is not there
└── ChangeRefused    homespun/cli/errors.py: a file of the user's where something could be lost
"""

from __future__ import annotations


class HomespunError(Exception):
    """Base of everything that homespun raises on purpose."""


class StorageFull(HomespunError):
    """Writing failed: no space left, or no permission."""


class FolderRefused(HomespunError):
    """A workspace's `.homespun` is not a plain folder of this user's."""


def in_words(error: Exception) -> str:
    """Return why a file cannot be read or written; of any other error what it says itself.

    As words of a sentence: no number, and no path twice.
    """
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, NotADirectoryError):
        return "a part of its path is a file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)
