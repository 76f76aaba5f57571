"""The command itself, as a process."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["models", "list"]])
def test_a_reader_that_has_enough_ends_the_command_without_a_word(arguments):
    command = [sys.executable, "-P", "-m", "homespun.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, b"")
