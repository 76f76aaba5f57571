"""Which model of the catalogue is named, and why: the largest that is quick enough and fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from homespun.models.catalogue import CatalogueEntry
from homespun.models.recommend.predict import (
    RecordedKeys,
    layer_weights,
    predict,
    recorded_keys,
    resident_mb,
)
from homespun.models.recommend.speeds import MachineSpeeds

# Keys come 160 ms apart in the median, pauses last 0.6 s at least (bench/typing/sessions.py): half
# of the answers should stand there before the next key, nearly all before a pause ends.
MAX_P50_MS = 160
MAX_P95_MS = 600
_LEFT_MB = 1000  # of free memory, for whatever the user does beside


@dataclass(frozen=True, slots=True)
class ModelPrediction:
    """What a model would be on this machine."""

    name: str
    p50_ms: float  # from a key at which the model is asked to its answer
    p95_ms: float
    memory_mb: int  # resident, of a server with it
    download_mb: int

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun models recommend --json`."""
        return asdict(self) | {"p50_ms": round(self.p50_ms), "p95_ms": round(self.p95_ms)}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model and why it is named."""

    model: str  # "" where none fits
    reason: str  # one sentence


def predictions(
    entries: Sequence[CatalogueEntry],
    speeds: MachineSpeeds,
    recorded: RecordedKeys | None = None,
) -> list[ModelPrediction]:
    """Return a prediction for each generator, the largest first."""
    found = []
    for entry in entries:
        if entry.shape is None:
            continue
        times = predict(entry.shape, speeds, recorded or recorded_keys())
        row = ModelPrediction(
            name=entry.name,
            p50_ms=times.p50_ms,
            p95_ms=times.p95_ms,
            memory_mb=resident_mb(entry.shape),
            download_mb=round(entry.total_bytes / 1e6),
        )
        found.append((layer_weights(entry.shape), row))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def choose(
    rows: Sequence[ModelPrediction], *, free_memory_mb: int, strain: str = ""
) -> ModelChoice:
    """Name one of `rows`, which are the largest first; 0 MB free means that nobody knows.

    `strain` says why the machine is to be spared: then it is the smallest.
    """
    fitting = [row for row in rows if _fits(row, free_memory_mb)]
    if not fitting:
        least = min((row.memory_mb for row in rows), default=0) + _LEFT_MB
        return ModelChoice(
            "",
            f"no model fits: {free_memory_mb:,} MB of memory are free, the smallest needs "
            f"{least:,} MB with what is left to other programs; close some, and ask again",
        )
    smallest = fitting[-1]
    if strain and len(fitting) > 1:
        return ModelChoice(smallest.name, f"{strain}; {_answers(smallest)}")
    quick = [row for row in fitting if row.p50_ms <= MAX_P50_MS and row.p95_ms <= MAX_P95_MS]
    if not quick:
        return ModelChoice(
            smallest.name,
            f"no model answers half of the keys in {MAX_P50_MS} ms here, and nearly all in "
            f"{MAX_P95_MS} ms; {smallest.name} is the quickest: {_answers(smallest)}",
        )
    return ModelChoice(quick[0].name, _why(quick[0], rows, fitting))


def _why(
    chosen: ModelPrediction, rows: Sequence[ModelPrediction], fitting: Sequence[ModelPrediction]
) -> str:
    """Return how quick the chosen one is, and what speaks against the next larger."""
    place = rows.index(chosen)
    if place == 0:
        return f"the largest model is quick enough: {_answers(chosen)}"
    larger = rows[place - 1]
    against = (
        f"{larger.name} would take {larger.p50_ms:,.0f} and {larger.p95_ms:,.0f} ms"
        if larger in fitting
        else f"{larger.name} needs {larger.memory_mb + _LEFT_MB:,} MB of free memory"
    )
    return f"{_answers(chosen)}; {against}"


def _answers(row: ModelPrediction) -> str:
    return (
        f"it answers half of the keys within {row.p50_ms:,.0f} ms, 95 of 100 within "
        f"{row.p95_ms:,.0f} ms"
    )


def _fits(row: ModelPrediction, free_memory_mb: int) -> bool:
    return free_memory_mb == 0 or row.memory_mb + _LEFT_MB <= free_memory_mb
