"""What of a trace is shown in a line, for a terminal and a page: the same words in both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from homespun.traces.kept import Trace
from homespun.traces.span import Span, Value

_SILENT = {"homespun.shown", "homespun.source_scores", "homespun.suggestion"}
PARTS = ("wait", "retrieve", "render", "prefill", "decode", "judge")
_LATER = ("shown", "accepted", "kept")  # what becomes of a suggestion is no part of its making


@dataclass(frozen=True, slots=True)
class TraceRow:
    """A line about a trace."""

    id: str
    time: str  # of day, as the machine has it
    name: str
    ms: float
    parts: dict[str, float]  # milliseconds by part
    outcome: str  # what it showed, or why nothing, and what became of it


def row_of(trace: Trace) -> TraceRow:
    """Return the line about a trace."""
    root = trace.root
    parts = {name: span.ms for name in PARTS if (span := trace.part(name)) is not None}
    when = datetime.fromtimestamp(root.start_ns / 1e9).strftime("%H:%M:%S")
    return TraceRow(root.trace_id[:8], when, root.name, root.ms, parts, _outcome(trace))


def making(trace: Trace) -> list[Span]:
    """Return the spans of the work itself, without what came of it later."""
    return [span for span in trace.spans if span.name.split(".")[0] not in _LATER]


def later(trace: Trace) -> list[Span]:
    """Return what came of it later."""
    found = (span for span in trace.spans if span.name.split(".")[0] in _LATER)
    return sorted(found, key=lambda span: span.end_ns)


def depth(trace: Trace, span: Span) -> int:
    """Return how many spans a span lies in."""
    parents = {each.span_id: each.parent_id for each in trace.spans}
    count, at = 0, span.parent_id
    while at in parents and count < len(parents):
        count, at = count + 1, parents[at]
    return count


def told(span: Span) -> str:
    """Return a span's attributes in a line."""
    rows = ((name, value) for name, value in span.attributes.items() if name not in _SILENT)
    return ", ".join(f"{name.removeprefix('homespun.')} {_shown(value)}" for name, value in rows)


def _outcome(trace: Trace) -> str:
    said = trace.root.attributes
    if trace.root.is_error:
        return "failed"
    if trace.root.name != "completion":
        return ""
    if not said.get("homespun.shown"):
        return f"nothing: {said.get('homespun.reason', '')}"
    fate = trace.part("shown")
    what = "from cache" if said.get("homespun.from_cache") else "suggested"
    if fate is None:
        return what
    fault = fate.attributes.get("homespun.fault", "")
    detail = fate.attributes.get("homespun.fault.detail", "")
    became = fate.attributes.get("homespun.outcome", "")
    return ", ".join(str(each) for each in (what, became, fault, detail) if each)


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "-"
    return str(value)
