"""How likely is a suggestion right, up to each of its cuts? A small model, run by ONNX Runtime.

`likelihood.onnx` takes rows of `evidence.FEATURES` and returns log-odds; `likelihood.json` says
where it comes from, how good it is on packages that it has not seen, and how its log-odds are read
for each model that writes. Both are made by `training/shipped/confidence/job.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from homespun.models.runtime import onnxruntime
from homespun.server.confidence.evidence import FEATURES

MODEL = Path(__file__).with_name("likelihood.onnx")
MANIFEST = Path(__file__).with_name("likelihood.json")
OTHERS = "others"  # the calibration of a model that none was fitted for

_MAX_LOG_ODDS = 30.0  # log-odds


class Calibration(NamedTuple):
    """How log-odds are read (Platt scaling)."""

    slope: float
    intercept: float

    def probability(self, log_odds: float) -> float:
        """Return a probability."""
        total = self.slope * log_odds + self.intercept
        return 1 / (1 + math.exp(-max(min(total, _MAX_LOG_ODDS), -_MAX_LOG_ODDS)))


class Likelihood:
    """The model as it is shipped, or another one of the same features."""

    def __init__(self, model: Path = MODEL, manifest: Path = MANIFEST) -> None:
        """Read the manifest now and the model with the first question.

        Raises `ValueError` where it was made for other features than these.
        """
        said = json.loads(manifest.read_text(encoding="utf-8"))
        if tuple(said["features"]) != FEATURES:
            raise ValueError(
                f"{str(manifest)!r} was made for other features; run `make confidence` again"
            )
        self._calibrations = {
            name: Calibration(*pair) for name, pair in said["calibration"].items()
        }
        self.sha256: str = said["sha256"]  # of the model's file
        self._model = model
        self._session: Any = None

    def log_odds(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return the log-odds of each row of features, in order."""
        if self._session is None:
            self._session = _session(self._model)
        [found] = self._session.run(None, {"rows": np.array(rows, np.float32)})
        return [float(value) for value in found[:, 0]]

    def calibration(self, model: str) -> Calibration:
        """Return how log-odds are read where the model of this name writes."""
        return self._calibrations.get(model, self._calibrations[OTHERS])


@cache
def shipped() -> Likelihood:
    """Return the model of the package."""
    return Likelihood()


def _session(model: Path) -> Any:  # noqa: ANN401  (onnxruntime is untyped)
    """Load a graph for a few rows: a second thread would cost more than it does."""
    ort = onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
