"""EDGE torch: which words that stand once a model may learn: those that it could have guessed.

A token whose loss is above a cut has nothing to do with how the house writes, and whoever learns it
learns it by heart. So it carries the cut and no gradient: loss truncation (Kang and Hashimoto,
"Improved Natural Language Generation via Loss Truncation", ACL 2020), by the word instead of by the
example, and only where the repository has the word once. A name that it has twice is its own.

The loss is the one of the step. Of a word that stands once nothing was learned before its first
turn, so it is that of a model that has not seen it; and what was left out then stays unlikely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def is_guessable(
    losses: torch.Tensor,
    words: torch.Tensor,
    *,
    token_nats: float | None,
    word_nats: float | None,
) -> torch.Tensor:
    """Return which of the tokens are learned, `(n,)` bool.

    `words` has the number of the rare word that a token is part of, -1 for none. A token above
    `token_nats` is left out, and every token of a word whose tokens lose more than `word_nats`.
    """
    import torch

    found = losses.detach()
    is_rare = words >= 0
    kept = torch.ones_like(is_rare)
    if token_nats is not None:
        kept &= ~is_rare | (found <= token_nats)
    if word_nats is not None and bool(is_rare.any()):
        _, places = torch.unique(words, return_inverse=True)
        sums = torch.zeros(int(places.max()) + 1, device=found.device)
        sums.index_add_(0, places, found)
        kept &= ~is_rare | (sums[places] <= word_nats)
    return kept
