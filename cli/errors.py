"""Errors that only the command line knows."""


class UsageError(Exception):
    """Arguments that argparse accepts but that make no sense together; exit status 2."""
