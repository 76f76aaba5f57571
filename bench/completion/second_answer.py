"""The second answer: where two tokens of a line are close, the line with the other one.

The prompt and what both share are in the decoder's cache, so it costs the tokens behind that alone.
What is told of its tokens is what the decoder would have told of them in the first answer, so both
are judged by the same evidence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from homespun.models.types import Generation, Generator, Stop, StopRule

_FIRST_WORD = re.compile(r"\s*\w*")


@dataclass(frozen=True, slots=True)
class LineQuestion:
    """What the first answer was asked for."""

    prompt: Sequence[int]
    max_tokens: int
    stop: StopRule
    heal: str = ""


def fork_of(first: Generation, *, closer_than: float, anywhere: bool = False) -> int | None:
    """Return which token of the first word was the nearest thing, None where none was near.

    `closer_than` is in nats. Whether the word ends there is a thing, too. With `anywhere` it is a
    token of the whole line. A server that does not tell margins gives none.
    """
    if not first.token_margins or not first.text.strip():
        return None
    forks, begin = [], 0
    for place in range(min(len(first.token_ids), len(first.token_margins))):
        if not (anywhere or _FIRST_WORD.fullmatch(first.text[:begin])):
            break
        forks.append(place)
        begin = first.token_ends[place]
    nearest = min(forks, key=first.token_margins.__getitem__)
    return nearest if first.token_margins[nearest] < closer_than else None


def second_answer(
    generator: Generator, asked: LineQuestion, first: Generation, fork: int
) -> Generation | None:
    """Return the answer with the runner-up at a fork, None where there is none."""
    shared = generator.tokenizer.decode(first.token_ids[:fork])
    if "\ufffd" in shared:
        return None  # half a character
    written = shared[len(asked.heal) :]
    done = generator.generate(
        [*asked.prompt, *first.token_ids[:fork]],
        max_tokens=asked.max_tokens - fork,
        stop=_behind(written, asked.stop),
        cancelled=lambda: False,
        heal=asked.heal[len(shared) :],
        hints=(first.token_ids,),  # behind another word a line often goes on as it did
        not_first=(first.token_ids[fork],),
    )
    return _whole(first, fork, done, written) if done.token_ids else None


def _behind(written: str, rule: StopRule) -> StopRule:
    """Return the rule for what is written behind a text."""

    def behind(text: str) -> Stop | None:
        verdict = rule(written + text)
        return verdict and Stop(max(verdict.end - len(written), 0), verdict.reason)

    return behind


def _whole(first: Generation, fork: int, done: Generation, written: str) -> Generation:
    """Return both parts as one answer; its token at the fork is as likely as it was there."""
    margin = first.token_margins[fork]
    likely = first.token_logprobs[fork] - margin
    logprobs = (*first.token_logprobs[:fork], likely, *done.token_logprobs[1:])
    ends = (len(written) + end for end in done.token_ends)
    return replace(
        done,
        text=written + done.text,
        token_ids=(*first.token_ids[:fork], *done.token_ids),
        logprob=math.fsum(logprobs),
        token_logprobs=logprobs,
        token_margins=(*first.token_margins[:fork], -margin, *done.token_margins[1:]),
        token_entropies=(*first.token_entropies[: fork + 1], *done.token_entropies[1:]),
        token_ends=(*first.token_ends[:fork], *ends),
    )
