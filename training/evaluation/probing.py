"""Asks a served model about texts at a place: how likely each is, and what it writes itself."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.models.types import Stop
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import DEFAULT_LAYOUT, Context, encode_parts, render, split
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.served_model import Opened, Scores
from homespun.training.safety.memorisation import Canary, ScoreTexts, WriteText


def scoring_of(opened: Opened, options: CompletionOptions, repo: str) -> ScoreTexts:
    """Return a function that says how likely texts are at a place, in the server's prompt."""

    def score(place: Canary, texts: Sequence[str]) -> list[float]:
        generator = opened.generator
        if not isinstance(generator, Scores):
            raise NothingToEvaluate(f"model {generator.name!r} cannot say how likely a text is")
        ids, typed = _prompt(opened, options, repo, place)
        encode = generator.tokenizer.encode
        return [generator.score(ids, encode(typed + text)) for text in texts]

    return score


def writing_of(opened: Opened, options: CompletionOptions, repo: str) -> WriteText:
    """Return a function that lets the model write a line at a place, greedily."""

    def write(place: Canary) -> str:
        ids, typed = _prompt(opened, options, repo, place)
        done = opened.generator.generate(
            ids, max_tokens=options.max_tokens, stop=_line_end, cancelled=_never, heal=typed
        )
        return done.text

    return write


def _prompt(
    opened: Opened, options: CompletionOptions, repo: str, place: Canary
) -> tuple[list[int], str]:
    tokenizer = opened.generator.tokenizer
    before, typed, behind = split(place.prefix, place.suffix)
    prompt = render(
        Context(repo, place.path, before, behind, (), typed),
        fim=opened.generator.fim,
        budget=options.context_tokens,
        count_tokens=lambda text: len(tokenizer.encode(text)),
        layout=DEFAULT_LAYOUT,
    )
    return encode_parts(prompt.parts, tokenizer), prompt.typed


def _line_end(text: str) -> Stop | None:
    end = text.find("\n")
    return Stop(end, "newline") if end >= 0 else None


def _never() -> bool:
    return False
