"""`homespun.why`: from what a suggestion was made, or why there was none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from homespun.models.types import MODEL_AS_SHIPPED
from homespun.server.commands.previews import described
from homespun.server.completion import reasons
from homespun.server.licences.check import same_as_words
from homespun.server.types import Completion, SourceLocation
from homespun.showable import showable_line

_BASE = "base"  # the label of a model without its general adapter
_NAMED_SOURCES = 2


def why(completion: Completion, root: Path | None) -> dict[str, object]:
    """Return the answer of the command; reads the sources' files, so not on the event loop.

    `root` is the workspace folder of the document, None outside of any.
    """
    is_shown = bool(completion.text)
    return {
        "shown": is_shown,
        "sentence": sentence(completion),
        "reason": completion.finish if is_shown else reasons.reason_of(completion.finish),
        "details": details(completion, root),
    }


def unknown(identifier: str, *, kept: int) -> dict[str, object]:
    """Return the answer for a suggestion that is forgotten, or that never was."""
    return {
        "shown": False,
        "sentence": f"Nothing is known of the suggestion {identifier!r}: only the last {kept} are "
        "remembered, and none from before the server's last start.",
        "reason": "unknown-suggestion",
        "details": {},
    }


def sentence(completion: Completion) -> str:
    """Return what shaped a completion, or why it shows nothing."""
    if not completion.text:
        return reasons.sentence(completion.finish, completion.facts)
    parts = [_author(completion), _context(completion.sources)]
    if completion.same_as:
        parts.append(f"the same as {same_as_words(completion.same_as)}")
    mean = _mean_logprob(completion)
    if mean is not None:
        parts.append(f"mean log-probability {mean:.2f}")
    if completion.facts.get("route_why"):
        parts.append(str(completion.facts["route_why"]))
    if completion.tokens.get("recalled"):
        parts.append("remembered from a moment ago, without the model")
    elif "total" in completion.timings_ms:
        parts.append(f"in {completion.timings_ms['total']:.0f} ms")
    return ", ".join(parts) + "."


def details(completion: Completion, root: Path | None) -> dict[str, object]:
    """Return a completion with all that is known of it, as JSON."""
    mean = _mean_logprob(completion)
    return completion.to_json() | {
        "id": completion.id,
        "sources": described(completion.places, root),
        "mean_logprob": None if mean is None else round(mean, 4),
        "recalled": bool(completion.tokens.get("recalled")),
        "facts": dict(completion.facts),
    }


def _author(completion: Completion) -> str:
    if completion.adapter == MODEL_AS_SHIPPED:
        return f"Written by {completion.model} as shipped"
    if completion.adapter == _BASE:
        return f"Written by {completion.model} without its general adapter"
    return f"Written by {completion.model} with the adapter {completion.adapter}"


def _context(sources: Sequence[SourceLocation]) -> str:
    if not sources:
        return "from this document alone"
    named = [
        f"{showable_line(s.path)}:{s.start_line}-{s.end_line}" for s in sources[:_NAMED_SOURCES]
    ]
    more = len(sources) - len(named)
    listed = ", ".join(named) + (f" and {more} more" if more else "")
    places = "1 other place" if len(sources) == 1 else f"{len(sources)} other places"
    return f"with {places} of the repository in its prompt ({listed})"


def _mean_logprob(completion: Completion) -> float | None:
    """Return the mean over the tokens that the model wrote, None where that is not known."""
    tokens = completion.tokens.get("generated", 0)
    is_known = tokens and not math.isnan(completion.logprob)
    return completion.logprob / tokens if is_known else None
