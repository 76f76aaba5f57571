"""What speaks for the line that the model here wrote, taken from its question and its answer."""

from __future__ import annotations

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
        logprobs = logprobs[: _first_line_tokens(done, question.heal, tokenizer)]
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


def _alike(done: Generation) -> tuple[float, ...]:
    """Return the mean for each token of a model that tells no more."""
    count = len(done.token_ids)
    return (done.logprob / count,) * count if count else ()


def _first_line_tokens(done: Generation, heal: str, tokenizer: Tokenizer) -> int:
    """Return how many tokens it took to the end of the first line that says something."""
    for count in range(1, len(done.token_ids) + 1):
        text = tokenizer.decode(done.token_ids[:count])[len(heal) :]
        if "\n" in text.lstrip():
            return count
    return len(done.token_ids) + 1
