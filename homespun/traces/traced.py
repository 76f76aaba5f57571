"""`traced`: a function or a block whose time is noted, and those within it as its parts.

    @traced("search")
    def search(...): ...

Where nobody wants traces it costs about a microsecond. A thread's work is a trace of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from homespun.traces.recorder import Recorder, current_recorder
from homespun.traces.span import Span, Value, new_span_id, new_trace_id, root_id

Told = dict[str, Value]


class _Work:
    """A trace under way: the parts that have ended."""

    def __init__(self) -> None:
        self.trace_id = new_trace_id()
        # A steady clock: no part ends before it began.
        self.offset_ns = time.time_ns() - time.monotonic_ns()
        self.parts: list[Span] = []


_under_way: ContextVar[tuple[_Work, str] | None] = ContextVar("homespun-traces", default=None)


@contextmanager
def traced(name: str) -> Iterator[Told]:
    """Time what is within; what is put into the dictionary becomes attributes of its span."""
    recorder = current_recorder()
    if recorder is None:
        yield {}
        return
    outer = _under_way.get()
    work, parent = outer or (_Work(), "")
    span_id = new_span_id() if parent else root_id(work.trace_id)
    token = _under_way.set((work, span_id))
    told: Told = {}
    began, is_error = time.monotonic_ns(), True
    try:
        yield told
        is_error = False
    finally:
        _under_way.reset(token)
        start, end = work.offset_ns + began, work.offset_ns + time.monotonic_ns()
        span = Span(name, work.trace_id, span_id, start, end, parent, told, is_error)
        work.parts.append(span)
        if not parent:
            _note(recorder, work)


def _note(recorder: Recorder, work: _Work) -> None:
    """Hand the whole over, the root, which ended last, first."""
    spans = [work.parts[-1], *work.parts[:-1]]
    recorder.note(lambda: spans)
