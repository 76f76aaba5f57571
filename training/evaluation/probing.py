"""Asks a served model about texts at a place: how likely each is, and what it writes itself."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.models.types import Stop
from homespun.server.options import CompletionOptions
from homespun.server.prompt.encode import Encoded, PromptEncoder
from homespun.server.prompt.render import DEFAULT_LAYOUT
from homespun.training.evaluation.served_model import Opened
from homespun.training.safety.memorisation import Canary, ScoreTexts, WriteText


def scoring_of(opened: Opened, options: CompletionOptions, repo: str) -> ScoreTexts:
    """Return a function that says how likely texts are at a place, in the server's prompt."""

    def score(place: Canary, texts: Sequence[str]) -> list[float]:
        generator = opened.generator
        asked = _asked(opened, options, repo, place)
        encode = generator.tokenizer.encode
        return [generator.score(asked.ids, encode(asked.heal + text)) for text in texts]

    return score


def writing_of(opened: Opened, options: CompletionOptions, repo: str) -> WriteText:
    """Return a function that lets the model write a line at a place, greedily."""

    def write(place: Canary) -> str:
        asked = _asked(opened, options, repo, place)
        done = opened.generator.generate(
            asked.ids,
            max_tokens=options.max_tokens,
            stop=_line_end,
            cancelled=_never,
            heal=asked.heal,
        )
        return done.text

    return write


def _asked(opened: Opened, options: CompletionOptions, repo: str, place: Canary) -> Encoded:
    generator = opened.generator
    encoder = PromptEncoder(generator.tokenizer, generator.fim, layout=DEFAULT_LAYOUT)
    rendered = encoder.render(
        place.prefix, place.suffix, repo=repo, path=place.path, budget=options.context_tokens
    )
    return encoder.encode(rendered.ids, rendered.prompt.typed)


def _line_end(text: str) -> Stop | None:
    end = text.find("\n")
    return Stop(end, "newline") if end >= 0 else None


def _never() -> bool:
    return False
