"""When each part of one request began: a few readings of a clock, and spans once it has ended."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns

from homespun.progress import never
from homespun.server.completion.completer import Completer
from homespun.server.traces.completion_spans import Times, completion_spans
from homespun.server.types import Completion, CompletionRequest
from homespun.traces.recorder import Recorder, current_recorder


class RequestTrail:
    """One request's; what it is told comes in this order, and what has no time did not happen."""

    __slots__ = ("_ended", "_recorder", "_request", "_times")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._request: CompletionRequest | None = None
        self._times = Times(monotonic_ns())
        self._ended = False

    def admit(self, request: CompletionRequest) -> None:
        """Note that it is known what is asked; asked anew, only the last counts."""
        self._request = request
        self._times.admitted = monotonic_ns()

    def run(self) -> None:
        """Note that the scheduler's thread begins to work on it."""
        self._times.ran = monotonic_ns()

    def end(self, completion: Completion) -> None:
        """Note what came of it; the first end counts."""
        if self._ended:
            return
        self._ended = True
        self._times.ended = monotonic_ns()
        request, times, source_text = self._request, self._times, self._recorder.source_text
        self._recorder.note(
            lambda: completion_spans(request, completion, times, source_text=source_text)
        )


def complete_traced(
    completer: Completer, request: CompletionRequest, *, cancelled: Callable[[], bool] = never
) -> Completion:
    """Complete where no editor waits, with a trace of it where the user wants one."""
    recorder = current_recorder()
    if recorder is None:
        return completer.complete(request, cancelled=cancelled)
    trail = RequestTrail(recorder)
    trail.admit(request)
    trail.run()
    completion = completer.complete(request, cancelled=cancelled)
    trail.end(completion)
    return completion
