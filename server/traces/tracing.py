"""The server's traces: switched by the user's settings alone, off until they say otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homespun.models.observe.open import open_recorder
from homespun.models.observe.options import SECTION, ObserveOptions
from homespun.server.acceptance.suggestions import Suggestion
from homespun.server.acceptance.survival import Kept
from homespun.server.traces.fate_spans import fate_spans
from homespun.server.traces.trail import RequestTrail
from homespun.settings import resolve
from homespun.traces.recorder import current_recorder, use_recorder


class Tracing:
    """What the settings ask for: a recorder, trails of requests, fates of suggestions."""

    def __init__(self, *, say: Callable[[str], None], knows: Callable[[str, str], bool]) -> None:
        """`knows` says whether the repository of a document, by its uri, defines a name."""
        self._say = say
        self._knows = knows
        self._options = ObserveOptions()

    def configure(self) -> None:
        """Begin, end or change it as the user's settings say by now."""
        resolved = resolve(ObserveOptions, SECTION, workspace=None)
        for fault in resolved.faults:
            self._say(fault)
        options = resolved.value
        if options == self._options:
            return
        self._options = options
        use_recorder(open_recorder(options, say=self._say) if options.is_on else None)

    @property
    def is_on(self) -> bool:
        """Say whether anybody wants traces."""
        return current_recorder() is not None

    def trail(self) -> RequestTrail | None:
        """Begin the trace of a request; None where nobody wants one."""
        recorder = current_recorder()
        if recorder is None:
            return None
        return RequestTrail(recorder)

    def tell(self, suggestion: Suggestion, measured: Sequence[Kept | None], instead: str) -> None:
        """Note what became of a suggestion."""
        recorder = current_recorder()
        if recorder is None:
            return
        recorder.note(
            lambda: fate_spans(
                suggestion,
                measured,
                instead,
                lambda name: self._knows(suggestion.uri, name),
                source_text=recorder.source_text,
            )
        )

    def close(self) -> None:
        """Keep or send what waits, and end."""
        use_recorder(None)
