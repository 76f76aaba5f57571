"""What became of a suggestion, as spans under the completion that it came from, minutes later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from homespun.server.acceptance.suggestions import Suggestion
from homespun.server.acceptance.survival import HORIZONS_SECONDS, Kept
from homespun.server.completion.sent import masked_part
from homespun.server.traces.fault import fault_of
from homespun.server.types import PromptContext
from homespun.traces.span import Span, Value, new_span_id, root_id

_UNKNOWN = PromptContext()


def fate_spans(
    suggestion: Suggestion,
    measured: Sequence[Kept | None],
    instead: str,
    knows: Callable[[str], bool],
    *,
    source_text: bool,
) -> list[Span]:
    """Return when it was shown, and what stood of it after each horizon where it was accepted.

    `instead` is what stands in its place, `knows` whether the repository defines a name.
    """
    start = round(suggestion.time * 1e9)
    shown = start + round(suggestion.stood_seconds * 1e9)
    told: dict[str, Value] = {
        "homespun.outcome": suggestion.outcome,
        "homespun.chars": len(suggestion.completion.text),
        "homespun.accepted_chars": suggestion.accepted_chars,
        "homespun.typed_chars": suggestion.typed_chars,
        "homespun.steps": tuple(suggestion.steps),
    }
    if suggestion.outcome in ("sent", "shown", "typed"):
        told |= _fault(suggestion, instead, knows)
        if source_text and instead:
            told["homespun.written_instead"] = masked_part(instead)
    spans = [_span(suggestion, "shown", start, shown, told)]
    if suggestion.accepted_chars:
        spans.append(_span(suggestion, "accepted", shown, shown, {}))
    for seconds, kept in zip(HORIZONS_SECONDS, measured, strict=True):
        if kept is not None:
            shares: dict[str, Value] = {
                "homespun.kept": round(kept.kept, 3),
                "homespun.changed": round(kept.changed, 3),
            }
            until = shown + round(seconds * 1e9)
            spans.append(_span(suggestion, f"kept.{seconds:g}s", shown, until, shares))
    return spans


def _fault(suggestion: Suggestion, instead: str, knows: Callable[[str], bool]) -> dict[str, Value]:
    context = suggestion.completion.context or _UNKNOWN
    fault = fault_of(suggestion.expected, instead, context, knows)
    if fault is None:
        return {}
    detail: dict[str, Value] = {"homespun.fault.detail": fault.detail} if fault.detail else {}
    return {"homespun.fault": fault.sort.name, **detail}


def _span(suggestion: Suggestion, name: str, start: int, end: int, told: dict[str, Value]) -> Span:
    parent = root_id(suggestion.id)
    return Span(name, suggestion.id, new_span_id(), start, max(start, end), parent, told)
