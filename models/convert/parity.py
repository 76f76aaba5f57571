"""Is a served form what it was made from? Float32 and int8 on the same text, without torch.

While weights are converted, the calibration text runs through them in float32 anyway
(`smoothquant.py`); what comes out is kept in the served form's manifest: for some rows the
likeliest token and the log-probability of the token that really follows. Before an adapter is
promoted the served form answers for the same rows. A wrong merge, a wrong order of rows or a
damaged file changes nearly all of them; rounding to int8 changes a few near ties and hardly the
mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from homespun.models.weights.source import Float32

# The default model agrees in 98 % of the rows and its mean moves by 0.001 nats (what `homespun
# adapters promote` prints); a wrong merge is far outside of these.
MIN_AGREEMENT = 0.9
MAX_NATS = 0.05
_ROWS = 128
_PIECE = 8192  # rows of the output layer at a time


class GivesLogits(Protocol):
    """What of a decoder is asked."""

    def logits(self, ids: Sequence[int], rows: Sequence[int] | None = None) -> Float32:
        """Return `(len(rows), vocabulary)` float32, for all rows where none are named."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far a served form is from the float32 weights it was made from."""

    rows: int
    agreement: float  # share of the rows with the same likeliest token
    float_nats: float  # mean loss of the following token, nats
    served_nats: float

    @property
    def fault(self) -> str:
        """Say in one sentence what is wrong; "" where the served form is good."""
        if self.agreement >= MIN_AGREEMENT and self.served_nats - self.float_nats <= MAX_NATS:
            return ""
        return (
            f"the int8 form agrees with the float32 weights in {self.agreement:.1%} of "
            f"{self.rows} tokens (at least {MIN_AGREEMENT:.0%} wanted) and has a mean loss of "
            f"{self.served_nats:.3f} against {self.float_nats:.3f} nats (at most {MAX_NATS:g} "
            "more wanted)"
        )

    def to_json(self) -> dict[str, object]:
        """Return it as JSON, losses in nats per token."""
        return {
            "rows": self.rows,
            "agreement": round(self.agreement, 4),
            "float_nats": round(self.float_nats, 4),
            "served_nats": round(self.served_nats, 4),
        }


def reference(hidden: Float32, head: Float32, ids: Sequence[int]) -> dict[str, Any]:
    """Return what float32 weights say: `hidden` `(len(ids), hidden)` final states of `ids`.

    `head` is the output layer, `(vocabulary, hidden)`.
    """
    count = len(ids) - 1
    rows = list(range(0, count, max(1, -(-count // _ROWS))))
    states, following = hidden[rows], np.array([ids[row + 1] for row in rows])
    best = np.full(len(rows), -np.inf, np.float32)
    top = np.zeros(len(rows), np.int64)
    total = np.zeros(len(rows), np.float64)  # of exp(logit - best so far)
    wanted = np.zeros(len(rows), np.float32)
    for start in range(0, len(head), _PIECE):
        logits = states @ head[start : start + _PIECE].T
        place = logits.argmax(axis=1)
        peak = logits[np.arange(len(rows)), place]
        higher = np.maximum(best, peak)
        total *= np.exp(best.astype(np.float64) - higher)
        total += np.exp((logits - higher[:, None]).astype(np.float64)).sum(axis=1)
        top[peak > best] = start + place[peak > best]
        best = higher
        here = (following >= start) & (following < start + _PIECE)
        wanted[here] = logits[here, following[here] - start]
    logprobs = wanted - best - np.log(total)
    return {
        "ids": [int(token) for token in ids],
        "rows": rows,
        "top": top.tolist(),
        "logprobs": [round(float(value), 5) for value in logprobs],
    }


def compare(decoder: GivesLogits, recorded: Mapping[str, Any]) -> Parity:
    """Ask a served form for the rows of a `reference`."""
    ids, rows = recorded["ids"], recorded["rows"]
    logits = decoder.logits(ids[: rows[-1] + 1], rows)
    following = [ids[row + 1] for row in rows]
    served = _logprobs(logits, following)
    return Parity(
        rows=len(rows),
        agreement=float(np.mean(logits.argmax(axis=1) == np.array(recorded["top"]))),
        float_nats=-float(np.mean(recorded["logprobs"])),
        served_nats=-float(np.mean(served)),
    )


def _logprobs(logits: Float32, tokens: Sequence[int]) -> npt.NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    sums: npt.NDArray[np.float64] = np.log(np.exp(wide).sum(axis=1))
    chosen: npt.NDArray[np.float64] = wide[np.arange(len(tokens)), tokens]
    return np.subtract(chosen, sums)
