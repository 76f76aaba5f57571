"""The spans of one completion: what each part took, what went in, what came out, and why nothing.

Names of attributes are those of OpenTelemetry's semantic conventions for generative AI where they
have one (`gen_ai.…`); what only homespun knows begins with `homespun.`. There is no source text in
them, and no path, unless the user's settings say so.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from homespun.indexer.languages import language_of
from homespun.server.completion.reasons import reason_of
from homespun.server.completion.sent import is_in_a_secret, masked, masked_part
from homespun.server.types import Completion, CompletionRequest
from homespun.traces.span import Span, Value, is_trace_id, new_span_id, new_trace_id, root_id

# In the order in which they come; "context" is what is neither retrieval nor the model.
_PARTS = (("retrieve", "retrieve"), ("render", "context"), ("prefill", "prefill"))
_CHARS_BEFORE, _CHARS_AFTER = 2_000, 500


@dataclass(slots=True)
class Times:
    """Readings of `time.monotonic_ns`; 0 for what did not happen."""

    began: int
    admitted: int = 0
    ran: int = 0
    ended: int = 0


def completion_spans(
    request: CompletionRequest | None, completion: Completion, times: Times, *, source_text: bool
) -> list[Span]:
    """Return the root and its parts. Without a request it ended before it was known what is asked.

    A suggestion's trace has the suggestion's identifier, so that its fate finds it later.
    """
    trace_id = request.id if request is not None and is_trace_id(request.id) else new_trace_id()
    root = root_id(trace_id)
    offset = time.time_ns() - time.monotonic_ns()
    told = _told(request, completion, times)
    if source_text and request is not None:
        told |= _source_text(request, completion)

    def span(name: str, began: float, ended: float, said: dict[str, Value] | None = None) -> Span:
        start, end = offset + round(began), offset + round(max(began, ended))
        return Span(name, trace_id, new_span_id(), start, end, root, said or {})

    parts = [
        span(name, began, ended, said)
        for name, began, ended, said in _parts(completion, times)
        if ended > began or name != "retrieve"  # a prompt that is gone on from asks no index
    ]
    is_error = completion.finish.startswith("error:")
    began, ended = offset + times.began, offset + times.ended
    whole = Span("completion", trace_id, root, began, ended, "", told, is_error)
    by_name = {part.name: part for part in parts}
    return [whole, *parts, *_parts_of_retrieval(completion, by_name.get("retrieve"))]


def _parts(
    completion: Completion, times: Times
) -> Iterator[tuple[str, float, float, dict[str, Value]]]:
    """Yield each part's name, beginning and end, and what there is to say of it."""
    if not times.admitted:
        return
    yield "admit", times.began, times.admitted, {}
    if not times.ran:
        if completion.finish == "cancelled":
            yield "wait", times.admitted, times.ended, {}
        return
    yield "wait", times.admitted, times.ran, {}
    ms = completion.timings_ms
    at = float(times.ran)
    for name, key in _PARTS:
        took = ms.get(key, 0.0) * 1e6
        yield name, at, at + took, _of_part(name, completion)
        at += took
    decode = ms.get("decode", 0.0) * 1e6
    yield "decode", at, at + decode, _of_part("decode", completion)
    at += decode
    judged = max(at, times.ran + ms.get("total", 0.0) * 1e6)
    yield "judge", at, min(judged, times.ended), _of_part("judge", completion)


def _of_part(name: str, completion: Completion) -> dict[str, Value]:
    tokens, context = completion.tokens, completion.context
    match name:
        case "retrieve":
            return {"homespun.sources": len(completion.sources)}
        case "render" if context is not None:
            return {"homespun.snippets": len(context.shown), "homespun.cut": len(context.cut)}
        case "prefill":
            return {
                "gen_ai.usage.input_tokens": tokens.get("prompt", 0),
                "gen_ai.usage.cache_read.input_tokens": tokens.get("reused", 0),
            }
        case "decode":
            return {
                "gen_ai.usage.output_tokens": tokens.get("generated", 0),
                "homespun.tokens.drafted": tokens.get("drafted", 0),
                "homespun.tokens.accepted": tokens.get("accepted", 0),
            }
        case "judge" if completion.probability is not None:
            return {"homespun.probability": round(completion.probability, 4)}
    return {}


def _parts_of_retrieval(completion: Completion, retrieve: Span | None) -> Iterator[Span]:
    if retrieve is None or completion.context is None:
        return
    at = retrieve.start_ns
    for name, ms in completion.context.parts_ms.items():
        end = min(at + round(ms * 1e6), retrieve.end_ns)
        yield Span(f"retrieve.{name}", retrieve.trace_id, new_span_id(), at, end, retrieve.span_id)
        at = end


def _told(
    request: CompletionRequest | None, completion: Completion, times: Times
) -> dict[str, Value]:
    tokens = completion.tokens
    told: dict[str, Value] = {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "homespun",
        "gen_ai.request.model": completion.model or "none",
        "gen_ai.response.finish_reasons": (completion.finish,),
        "gen_ai.usage.input_tokens": tokens.get("prompt", 0),
        "gen_ai.usage.cache_read.input_tokens": tokens.get("reused", 0),
        "gen_ai.usage.output_tokens": tokens.get("generated", 0),
        "homespun.adapter": completion.adapter,
        "homespun.route": completion.route,
        "homespun.finish": completion.finish,
        "homespun.shown": bool(completion.text),
        "homespun.chars": len(completion.text),
        "homespun.lines": completion.text.count("\n") + 1 if completion.text else 0,
        "homespun.from_cache": bool(completion.text) and not times.ran,
        "homespun.sources": len(completion.sources),
        "homespun.source_scores": tuple(round(each.score, 4) for each in completion.sources),
    }
    if not completion.text:
        told["homespun.reason"] = reason_of(completion.finish)
    if completion.finish.startswith("error:"):
        told["error.type"] = completion.finish.removeprefix("error:")
    if completion.probability is not None:
        told["homespun.probability"] = round(completion.probability, 4)
    if math.isfinite(completion.logprob):
        told["homespun.logprob"] = round(completion.logprob, 4)
    if completion.id:
        told["homespun.suggestion"] = completion.id
    if request is not None:
        told["homespun.language"] = request.language
        told["homespun.explicit"] = request.explicit
    return told


def _source_text(request: CompletionRequest, completion: Completion) -> dict[str, Value]:
    """Return what the user has asked to see as well, its known secrets masked."""
    safe = masked(request, request.language or language_of(request.path))
    before = safe.text[: safe.offset][-_CHARS_BEFORE:]
    after = safe.text[safe.offset :][:_CHARS_AFTER]
    around = "" if is_in_a_secret(request, safe) else f"{before}¦{after}"
    asked = [{"role": "user", "parts": [_text(around)]}]
    written = [
        {
            "role": "assistant",
            "parts": [_text(completion.text)],
            "finish_reason": completion.finish,
        }
    ]
    places = (f"{each.path}:{each.start_line}-{each.end_line}" for each in completion.sources)
    return {
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(written),
        "code.file.path": request.path,
        "homespun.source_places": tuple(places),
    }


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "content": masked_part(text)}
