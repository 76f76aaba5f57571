"""Errors that only the command line knows."""

from homespun.errors import HomespunError


class UsageError(HomespunError):
    """Arguments that argparse accepts but that make no sense together; exit status 2."""


class Unavailable(HomespunError):
    """What was asked for is not there: a file, an adapter; exit status 1."""


class ChangeRefused(HomespunError):
    """A file of the user's that is not changed, because something in it could be lost."""
