"""What a completion tells beside its text: where it comes from, and what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homespun.models.types import Generation, Generator
from homespun.server.prompt.render import Prompt, Snippet
from homespun.server.types import Completion, PromptContext, SourceLocation


def nothing(
    generator: Generator, finish: str, total_ms: float, *, id: str, facts: Mapping[str, object]
) -> Completion:
    """Return an answer that shows nothing, the model not having been asked."""
    return Completion(
        text="",
        finish=finish,
        model=generator.name,
        adapter=generator.adapter,
        timings_ms={
            "context": total_ms,
            "retrieve": 0.0,
            "prefill": 0.0,
            "decode": 0.0,
            "total": total_ms,
        },
        tokens={"prompt": 0, "reused": 0, "generated": 0, "drafted": 0, "accepted": 0},
        id=id,
        facts=facts,
    )


def sources_of(prompt: Prompt) -> tuple[SourceLocation, ...]:
    """Return where the code of a prompt comes from, each place once.

    A class may be there twice: with the members that its line wanted at first, and with others.
    """
    found: dict[tuple[str, int], SourceLocation] = {}
    for snippet in prompt.snippets:
        place = (snippet.path, snippet.start_line)
        known = found.get(place)
        if known is None or known.score < snippet.score:
            found[place] = SourceLocation(*place, snippet.end_line, snippet.score)
    return tuple(found.values())


def context_of(
    prompt: Prompt, offered: Sequence[Snippet], parts_ms: Mapping[str, float]
) -> PromptContext:
    """Return what was found for a prompt: what it shows, and what had no room."""
    shown = tuple(snippet.text for snippet in prompt.snippets)
    cut = tuple(snippet.text for snippet in offered if snippet.text not in shown)
    return PromptContext(parts_ms, shown, cut)


def tokens_of(generation: Generation) -> dict[str, int]:
    """Return how many tokens were read and written."""
    return {
        "prompt": generation.prompt_tokens,
        "reused": generation.reused_tokens,
        "generated": len(generation.token_ids),
        "drafted": generation.drafted_tokens,
        "accepted": generation.accepted_tokens,
    }
