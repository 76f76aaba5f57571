"""Traces as one page of HTML: a waterfall each; no script, and nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homespun.cli.verbs.traces.rows import depth, later, making, row_of, told
from homespun.traces.kept import Trace
from homespun.traces.span import Span
from homespun.training.report.html import filled


def page_of(traces: Sequence[Trace]) -> str:
    """Return the page, the newest trace first."""
    view = {"traces": [_view(trace) for trace in traces]}
    return filled("traces.html.j2", view, package=__package__)


def _view(trace: Trace) -> dict[str, Any]:
    return {
        "row": row_of(trace),
        "spans": [_bar(trace, span) for span in making(trace)],
        "later": [{"name": span.name, "told": told(span)} for span in later(trace)],
    }


def _bar(trace: Trace, span: Span) -> dict[str, Any]:
    """Return where a span lies in the whole, in percent."""
    root = trace.root
    whole = max(root.end_ns - root.start_ns, 1)
    left = min(max(span.start_ns - root.start_ns, 0), whole) / whole
    width = min(span.end_ns - span.start_ns, whole) / whole
    return {
        "name": span.name,
        "kind": span.name.split(".")[0],
        "depth": depth(trace, span),
        "ms": f"{span.ms:.2f}",
        "left": f"{100 * left:.2f}",
        "width": f"{100 * min(width, 1 - left):.2f}",
        "told": told(span),
    }
