"""The command, run in the process of a test."""

from __future__ import annotations

from homespun.cli.main import main


def run_command(capsys, *words):
    """Run `homespun WORDS`; return its exit status, what it printed, and what it said on stderr."""
    try:
        status = main([str(word) for word in words])
    except SystemExit as stopped:
        status = stopped.code
    return status, *capsys.readouterr()
