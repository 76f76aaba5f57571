"""Spans to an OpenTelemetry collector, by OTLP over HTTP (extra `observe`).

OpenTelemetry's own SDK batches, sends, tries again and gives up; what is new here is that its spans
are made behind the work, from times that were taken, and keep their identifiers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from homespun.traces.span import Span

_EVERY_MS = 2_000
_TIMEOUT_SECONDS = 5


class OtlpSpans:
    """Sends spans; called on one thread."""

    def __init__(self, base: str, resource: Resource, say: Callable[[str], None]) -> None:
        """Send to `base`, the collector's address without the path of a signal."""
        exporter = _Exporter(OTLPSpanExporter(base + "/v1/traces", timeout=_TIMEOUT_SECONDS), say)
        self._ids = _KnownIds()
        self._provider = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS)
        )
        self._tracer = self._provider.get_tracer("homespun")

    def take(self, spans: Sequence[Span]) -> None:
        """Hand spans to the SDK."""
        for span in spans:
            self._ids.trace_id, self._ids.span_id = int(span.trace_id, 16), int(span.span_id, 16)
            sent = self._tracer.start_span(
                span.name,
                context=_under(span),
                start_time=span.start_ns,
                attributes=dict(span.attributes),
            )
            if span.is_error:
                sent.set_status(Status(StatusCode.ERROR))
            sent.end(span.end_ns)

    def close(self) -> None:
        """Send what waits; whoever calls does not wait for it to the end."""
        self._provider.shutdown()


class _KnownIds(IdGenerator):
    """Identifiers that are known already: what becomes of a suggestion comes minutes later."""

    trace_id = 0
    span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


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


def _under(span: Span) -> Context | None:
    """Return the context with a span's parent, which may have been sent long ago; None for none."""
    if not span.parent_id:
        return None
    parent = SpanContext(
        int(span.trace_id, 16),
        int(span.parent_id, 16),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))
