"""Spans to an OpenTelemetry collector, by OTLP over HTTP (extra `observe`).

OpenTelemetry's own SDK batches, sends, tries again and gives up. Its tracer is left out: spans are
made behind the work, from times that were taken, and keep their identifiers, and a tracer takes
40 us for each, ten times what the rest of a span takes (`bench/micro/trace_cost.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from homespun.traces.span import Span

_EVERY_MS = 2_000
_TIMEOUT_SECONDS = 5
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_SCOPE = InstrumentationScope("homespun")
_STATUS = {False: Status(StatusCode.UNSET), True: Status(StatusCode.ERROR)}


class OtlpSpans:
    """Sends spans; called on one thread."""

    def __init__(self, base: str, resource: Resource, say: Callable[[str], None]) -> None:
        """Send to `base`, the collector's address without the path of a signal."""
        exporter = _Exporter(OTLPSpanExporter(base + "/v1/traces", timeout=_TIMEOUT_SECONDS), say)
        self._resource = resource
        self._processor = BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS)

    def take(self, spans: Sequence[Span]) -> None:
        """Hand spans to the SDK, which sends them in batches."""
        for span in spans:
            self._processor.on_end(self._finished(span))

    def close(self) -> None:
        """Send what waits; whoever calls does not wait for it to the end."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _finished(self, span: Span) -> ReadableSpan:
        trace_id = int(span.trace_id, 16)
        return ReadableSpan(
            span.name,
            context=_context(trace_id, span.span_id),
            parent=_context(trace_id, span.parent_id) if span.parent_id else None,
            resource=self._resource,
            attributes=span.attributes,
            status=_STATUS[span.is_error],
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=_SCOPE,
        )


class _Exporter(SpanExporter):
    """Says once where nothing arrives."""

    def __init__(self, inner: SpanExporter, say: Callable[[str], None]) -> None:
        self._inner = inner
        self._say = say
        self._has_failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS and not self._has_failed:
            self._has_failed = True
            self._say(
                "traces do not arrive at the address in observe.otlp; is the collector there, "
                "and does it take OTLP over HTTP? It is tried again with the next ones"
            )
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


def resource_of(attributes: Mapping[str, str]) -> Resource:
    """Return who sends: these words and nothing of the machine or the environment."""
    return Resource(dict(attributes))


def quiet() -> None:
    """Keep the SDK's own messages off the log: they repeat, and ours says what to do."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)


def _context(trace_id: int, span_id: str) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), is_remote=False, trace_flags=_SAMPLED)
