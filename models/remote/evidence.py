"""What speaks for the line that the model here wrote, taken from its question and its answer."""

from __future__ import annotations

from collections.abc import Sequence

from homespun.models.remote.answer import ends_with_the_line
from homespun.models.remote.route.probability import evidence_of, probability
from homespun.models.remote.route.question import RoutedQuestion
from homespun.models.types import FimTokens, Generation, Tokenizer


def line_probability(
    question: RoutedQuestion, done: Generation, *, line: str, tokenizer: Tokenizer
) -> float:
    """Return how likely the line is right, of a block its first line.

    `line` is what stands on it before the cursor, as `line_of` finds it.
    """
    is_block = not ends_with_the_line(question.stop, question.heal)
    logprobs = done.token_logprobs or _alike(done)
    if is_block:
        logprobs = logprobs[: first_line_tokens(done.token_ids, question.heal, tokenizer)]
    return probability(evidence_of(logprobs, line=line, is_block=is_block))


def line_of(question: RoutedQuestion, tokenizer: Tokenizer, fim: FimTokens) -> str:
    """Return what stands before the cursor on its line: it is typed behind the middle token."""
    middle = tokenizer.control(fim.middle)
    typed: list[int] = []
    for token in reversed(question.prompt):
        if token == middle:
            break
        typed.append(token)
    text = tokenizer.decode(typed[::-1]) + question.heal
    return text.rpartition("\n")[2]


def first_line_tokens(ids: Sequence[int], heal: str, tokenizer: Tokenizer) -> int:
    """Return how many tokens it took to the end of the first line that says something.

    `heal` is text that the tokens begin with and that stood there before.
    """
    for count in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[:count])[len(heal) :]
        if "\n" in text.lstrip():
            return count
    return len(ids) + 1  # an end token's probability counts


def _alike(done: Generation) -> tuple[float, ...]:
    """Return the mean for each token of a model that tells no more."""
    count = len(done.token_ids)
    return (done.logprob / count,) * count if count else ()
