"""Damaged input for a quarter of a minute; an hour by hand with `make fuzz`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-m", "tests.fuzz.fuzz"]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("HOMESPUN_FUZZ_SECONDS", "16"))
TARGETS = (
    "grammars",
    "documents",
    "settings-files",
    "index-manifests",
    "adapter-files",
    "safetensors-headers",
    "gguf-headers",
    "frames",
)


def test_damaged_input_raises_nothing_but_our_own_errors():
    """One process for all: to import everything again takes as long as a target has."""
    done = subprocess.run(
        [*PROGRAM, "--seconds", str(SECONDS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600 + 2 * SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]
    ended = re.findall(r"^([a-z-]+): [1-9]\d* examples", done.stdout, re.MULTILINE)
    assert tuple(ended) == TARGETS


HANGING = """
import re, sys
from hypothesis import strategies
from tests.fuzz import fuzz
fuzz.EXAMPLE_SECONDS = 1.0
endless = re.compile("(a*)*$").match  # native code that holds the interpreter's lock
fuzz.TARGETS["endless"] = lambda scratch: (
    strategies.just(b"a" * 60 + b"b"), lambda data: endless(data.decode())
)
sys.argv[1:] = ["endless"]
sys.exit(fuzz.main())
"""


def test_an_example_that_never_ends_ends_the_fuzzer_and_says_which():
    done = subprocess.run(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    kept = Path(done.stdout.splitlines()[0].removeprefix("endless: the input at hand is in "))
    assert kept.read_bytes() == b"a" * 60 + b"b"
    kept.unlink()
