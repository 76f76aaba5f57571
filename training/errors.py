"""Errors of the training room; every leaf's text says what, which value, what to do.

TrainingError
├── HistoryUnreadable    git is missing, refuses, or does not know a revision
├── TooLittleCode        the repository is too small to learn from; nothing is trained
├── DatasetUnwritable    the dataset cannot be written: no space, no permission, another writer
├── DatasetDamaged       a dataset's files are not what its card says
├── LeakFound            an example shows what came after the cut-off; nothing is written
├── BadCompletionReport  a report of an evaluation cannot be read or written
└── NothingToEvaluate    no item is left to complete, or an arm cannot be run
"""

from homespun.errors import HomespunError


class TrainingError(HomespunError):
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


class BadCompletionReport(TrainingError):
    """A report of an evaluation cannot be read or written."""


class NothingToEvaluate(TrainingError):
    """No item is left to complete, or an arm cannot be run."""


class LibrariesMissing(TrainingError):
    """The `train` extra is not installed."""


class TrainingLocked(TrainingError):
    """Another training of this workspace is running."""


class TrainingUnwritable(TrainingError):
    """A run's files cannot be written."""


class RunUnreadable(TrainingError):
    """There is no run to go on with, or its state cannot be read."""


class TrainingFailed(TrainingError):
    """The loss is no number, or the memory does not do for a single example."""


class FirstProcessFailed(TrainingFailed):
    """The first of the processes that learn together has failed, and has said why."""


class ExamFailed(TrainingError):
    """The server that is examined does not fit, or gave no answer that can be believed."""
