"""Errors of the training room; every leaf's text says what, which value, what to do.

TrainingError
├── HistoryUnreadable  git is missing, refuses, or does not know a revision
├── TooLittleCode      the repository is too small to learn from; nothing is trained
├── DatasetUnwritable  the dataset cannot be written: no space, no permission, another writer
├── DatasetDamaged     a dataset's files are not what its card says
└── LeakFound          an example shows what came after the cut-off; nothing is written
"""


class TrainingError(Exception):
    """Base of everything this room raises on purpose."""


class HistoryUnreadable(TrainingError):
    """Git is missing, refuses, or does not know a revision."""


class TooLittleCode(TrainingError):
    """The repository is too small to learn from."""


class DatasetUnwritable(TrainingError):
    """The dataset cannot be written."""


class DatasetDamaged(TrainingError):
    """A dataset's files are missing, or not what its card says."""


class LeakFound(TrainingError):
    """An example shows what came after the cut-off."""
