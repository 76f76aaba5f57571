"""Errors that only the command line knows."""


class UsageError(Exception):
    """Arguments that argparse accepts but that make no sense together; exit status 2."""


class Unavailable(Exception):
    """What was asked for is not there: a file, an adapter; exit status 1."""
