"""What every measured process shares."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bench.common.provenance import ROOT
from bench.engine.workers import base


def test_the_losses_of_rows_are_those_of_the_tokens_that_follow():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], np.float32))
    losses = base.next_token_losses(logits, [9, 1, 2])
    assert losses == pytest.approx([-np.log(0.25), -np.log(0.6)], abs=1e-6)


def test_a_process_answers_by_lines_and_survives_an_error(tmp_path):
    script = tmp_path / "answers.py"
    script.write_text(
        "from bench.engine.workers import base\n"
        "def double(n):\n"
        "    print('not part of the protocol')\n"
        "    return {'n': 2 * n}\n"
        "base.serve({'double': double})\n"
    )
    lines = [{"op": "double", "n": 4}, {"op": "double", "n": None}, {"op": "double", "n": 1}]
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answers[0], answers[2]] == [{"n": 8}, {"n": 2}]
    assert answers[1]["error"].startswith("double: TypeError")
    assert "not part of the protocol" in done.stderr
