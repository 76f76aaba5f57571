"""What a lever costs: minutes of this machine, and milliseconds a completion afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.recommend.choose import ModelPrediction, predictions
from homespun.models.recommend.predict import StepWork, layer_weights, recorded_keys, step_ms
from homespun.models.recommend.speeds import MachineSpeeds
from homespun.models.types import DecoderShape
from homespun.training.config import CPU_MINUTES, FORGETTING_TASKS, OTHER_ITEMS
from homespun.training.gate.exam import Exam

_PROMPT_ROWS = 128  # of a prompt, run at once (models/engine/decoder.py)
_ANSWER_STEPS = 12  # tokens of a line that were not guessed
# A place is asked without retrieval, with it, and where a name is missing with that, too.
_ASKED_A_PLACE = 2.3
_MB_A_MINUTE = 600  # of a download, at 10 MB a second
_CONVERTING_MINUTES = 2


@dataclass(frozen=True, slots=True)
class LargerPrice:
    """The next larger model of the catalogue on this machine."""

    name: str
    is_here: bool
    download_mb: int
    memory_mb: int
    p50_ms: float  # a key, predicted
    now_p50_ms: float  # with the model that serves

    @property
    def minutes(self) -> float:
        """Until it could serve: download and conversion; 0 where it is here."""
        return 0.0 if self.is_here else self.download_mb / _MB_A_MINUTE + _CONVERTING_MINUTES


def expected_seconds(
    model: str, speeds: MachineSpeeds, *, places: int, habits: int, context_tokens: int
) -> float | None:
    """Return how long the completions take at most; None for a model whose shape nobody knows."""
    shape = _shape(model)
    if shape is None:
        return None
    one = _cold_ms(shape, speeds, context_tokens) / 1000
    return (places * _ASKED_A_PLACE + habits) * one


def larger_price(model: str, speeds: MachineSpeeds) -> LargerPrice | None:
    """Return the next larger model's price; None where there is none, or nobody knows this one."""
    shape = _shape(model)
    if shape is None:
        return None
    larger = [
        (layer_weights(entry.shape), entry)
        for entry in catalogue.generators()
        if entry.shape is not None and layer_weights(entry.shape) > layer_weights(shape)
    ]
    if not larger:
        return None
    entry = min(larger, key=lambda pair: pair[0])[1]
    rows = {row.name: row for row in _predictions(speeds, (model, entry.name))}
    row = rows[entry.name]
    return LargerPrice(
        name=entry.name,
        is_here=cache.is_here(entry),
        download_mb=row.download_mb,
        memory_mb=row.memory_mb,
        p50_ms=row.p50_ms,
        now_p50_ms=rows[model].p50_ms,
    )


def training_minutes(exam: Exam, completion_ms: float) -> float:
    """Return an hour of learning and the exam behind it, on a CPU, as `homespun train` would do.

    Both models at every place and habit with retrieval, at some without, and at lines of other
    people; a completion as long as it was measured here.
    """
    asked = 2 * (exam.places + min(exam.places, OTHER_ITEMS) + exam.habits + FORGETTING_TASKS)
    return CPU_MINUTES + asked * completion_ms / 60_000


def _predictions(speeds: MachineSpeeds, names: Sequence[str]) -> list[ModelPrediction]:
    return predictions([catalogue.get(name) for name in names], speeds, recorded_keys())


def _shape(model: str) -> DecoderShape | None:
    """Return the shape of a model of the catalogue; None for one of the user's own."""
    return catalogue.get(model).shape if model in catalogue.names() else None


def _cold_ms(shape: DecoderShape, speeds: MachineSpeeds, tokens: int) -> float:
    """Return a completion whose prompt nobody had prepared."""
    reading = sum(
        step_ms(shape, speeds, StepWork(_PROMPT_ROWS, 0, past))
        for past in range(0, tokens, _PROMPT_ROWS)
    )
    return reading + _ANSWER_STEPS * step_ms(shape, speeds, StepWork(1, 1, tokens))
