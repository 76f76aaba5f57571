"""Figures to an OpenTelemetry collector: how long, how many, which memory (extra `observe`).

All of them are read off the spans, so a figure and a trace cannot say different things; names are
those of the semantic conventions where they have one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from homespun.traces.span import Span

_EVERY_MS = 15_000
_TIMEOUT_SECONDS = 5
# Of a completion: a key in the cache takes less than a millisecond, a cold block seconds.
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)


class OtlpFigures:
    """Counts spans and sends what was counted every quarter of a minute."""

    def __init__(self, base: str, resource: Resource) -> None:
        """Send to `base`, the collector's address without the path of a signal."""
        exporter = OTLPMetricExporter(base + "/v1/metrics", timeout=_TIMEOUT_SECONDS)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=_EVERY_MS)
        buckets = View(
            instrument_name="*.duration", aggregation=ExplicitBucketHistogramAggregation(_SECONDS)
        )
        self._provider = MeterProvider(
            [reader], resource=resource, views=[buckets], shutdown_on_exit=False
        )
        meter = self._provider.get_meter("homespun")
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration", unit="s", description="of a completion"
        )
        self._others = meter.create_histogram(
            "homespun.work.duration", unit="s", description="of a search, an update or a training"
        )
        self._parts = meter.create_histogram(
            "homespun.part.duration", unit="s", description="of a part of a completion"
        )
        self._tokens = meter.create_counter(
            "homespun.tokens", unit="{token}", description="that the model read and wrote"
        )
        self._completions = meter.create_counter(
            "homespun.completions", unit="{completion}", description="by how they ended"
        )
        self._fates = meter.create_counter(
            "homespun.suggestions", unit="{suggestion}", description="by what became of them"
        )
        meter.create_observable_gauge(
            "process.memory.usage", [_memory], unit="By", description="resident in memory"
        )

    def take(self, spans: Sequence[Span]) -> None:
        """Count what spans say."""
        for span in spans:
            seconds = span.ms / 1000
            said = span.attributes
            if span.name == "completion":
                model = str(said.get("gen_ai.request.model", ""))
                named = {"gen_ai.operation.name": "text_completion", "gen_ai.request.model": model}
                self._durations.record(seconds, named)
                self._completions.add(1, {"finish": str(said.get("homespun.finish", ""))})
                for name, kind in _TOKENS.items():
                    self._tokens.add(_count(said.get(name)), {"gen_ai.token.type": kind})
            elif span.name == "shown":
                self._fates.add(1, {"outcome": str(said.get("homespun.outcome", ""))})
            elif span.name in _PARTS:
                self._parts.record(seconds, {"part": span.name})
            elif not span.parent_id:
                self._others.record(seconds, {"work": span.name})

    def close(self) -> None:
        """Send what was counted; whoever calls does not wait for it to the end."""
        self._provider.shutdown()


_PARTS = frozenset(("admit", "wait", "context", "retrieve", "render", "prefill", "decode", "judge"))
_TOKENS = {"gen_ai.usage.input_tokens": "input", "gen_ai.usage.output_tokens": "output"}


def _count(value: object) -> int:
    return value if type(value) is int else 0


def _memory(_options: CallbackOptions) -> Iterable[Observation]:
    """Yield the bytes of this process in memory, where the system says so."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return
    yield Observation(pages * os.sysconf("SC_PAGE_SIZE"))
