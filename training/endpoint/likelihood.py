"""How likely a given text is, by a server's word: vLLM's `prompt_logprobs`.

`POST /v1/completions` with `"prompt_logprobs": 0` has an entry a token of the prompt, null
for the first, else `{"ID": {"logprob": x, "rank": n, "decoded_token": "…"}}` that has the token
itself (vLLM, "OpenAI-Compatible Server"). An answer of another form is no likelihood, whatever it
may be; where the field is missing, the server cannot say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_ABOVE_ZERO = 1e-3  # what rounding may leave of a probability of one


class NoLikelihood(ValueError):
    """What a server said is no list of likelihoods of these tokens."""


def question(model: str, ids: Sequence[int]) -> dict[str, Any]:
    """Return the body that asks for the likelihood of `ids`; one token is written, and not read."""
    return {
        "model": model,
        "prompt": list(ids),
        "max_tokens": 1,
        "temperature": 0,
        "prompt_logprobs": 0,
    }


def read(body: object, ids: Sequence[int], start: int) -> float | None:
    """Return the summed log-probability (nats) of `ids[start:]`; None where it is not said.

    Raises `NoLikelihood` for anything that is not as documented.
    """
    choice = _choice(body)
    said = choice.get("prompt_logprobs")
    if said is None:
        return None
    if not isinstance(said, list) or len(said) != len(ids):
        count = len(said) if isinstance(said, list) else "no list of"
        raise NoLikelihood(f"{count} likelihoods of {len(ids)} tokens")
    return math.fsum(_of(said[place], ids[place]) for place in range(start, len(ids)))


def _choice(body: object) -> dict[str, Any]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise NoLikelihood("no single choice")
    return choices[0]


def _of(entry: object, token: int) -> float:
    own = entry.get(str(token)) if isinstance(entry, dict) else None
    logprob = own.get("logprob") if isinstance(own, dict) else None
    if isinstance(logprob, int | float) and not isinstance(logprob, bool):
        try:
            number = float(logprob)
        except OverflowError:
            number = math.nan
        if math.isfinite(number) and number <= _ABOVE_ZERO:
            return min(number, 0.0)
    raise NoLikelihood(f"no likelihood of the token {token}")
