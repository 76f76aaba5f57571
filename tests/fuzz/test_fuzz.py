"""A minute of damaged input; an hour by hand with `make fuzz`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "tests.fuzz.fuzz"]
ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("HOMESPUN_FUZZ_SECONDS", "60"))
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


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_input_raises_nothing_but_our_own_errors(target):
    seconds = SECONDS / len(TARGETS)
    done = subprocess.run(
        [*PROGRAM, target, "--seconds", str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600 + 2 * seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-8000:]


def test_no_target_is_left_out():
    done = subprocess.run(
        [*PROGRAM, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = " ".join(done.stdout.split())
    assert f"of {', '.join(TARGETS)}" in listed
