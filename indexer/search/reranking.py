"""A second look at the best hits, by a model that reads question and code together.

It is one more voice, not the last word: its share is added to what words, vectors and rules give,
in the units of `weights.py`. Of the hits in question the one that it likes best gets all of the
weight, the one that it likes least nothing, so no model's scale of its own matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from homespun.indexer.search.fallbacks import Fallbacks
from homespun.indexer.secrets.mask import mask_part
from homespun.indexer.types import Hit
from homespun.models.errors import ModelsError
from homespun.models.rerank.options import SECTION, RerankerOptions
from homespun.models.types import Reranker
from homespun.settings import settings_of
from homespun.traces.traced import traced

PART = "reranker"  # its share in `Hit.why`


class Reranking:
    """A reranker and how much it counts."""

    def __init__(self, reranker: Reranker, *, candidates: int, weight: float) -> None:
        """Look at the best `candidates`, whatever the limit."""
        self.reranker = reranker
        self._candidates = candidates
        self._weight = weight

    def reach(self, limit: int) -> int:
        """Return how many hits have to be found for so many to be returned."""
        return max(limit, self._candidates)

    @traced("search.rerank")
    def reranked(self, query: str, hits: list[Hit], *, fallbacks: Fallbacks) -> list[Hit]:
        """Return the hits in their new order; as they are where it gives no answer in time.

        Hits behind the first candidates stay there.
        """
        first, rest = hits[: self._candidates], hits[self._candidates :]
        if len(first) < 2:
            return hits
        texts = [f"{hit.path}\n{hit.text}" for hit in first]
        try:
            scores = self.reranker.relevance(query, texts)
        except ModelsError as error:
            fallbacks.note(f"the hits are in the order without a reranker: {error}")
            return hits
        low, high = float(np.min(scores)), float(np.max(scores))
        spread = high - low or 1.0
        judged = [
            _with_share(hit, self._weight * (float(score) - low) / spread)
            for hit, score in zip(first, scores, strict=True)
        ]
        judged.sort(key=lambda hit: -hit.score)
        return [*judged, *rest]


def open_reranking(
    *,
    workspace: Path | None,
    flags: Mapping[str, object] | None = None,
    say: Callable[[str], None],
) -> Reranking | None:
    """Return what the user's settings name, None where they name nothing or it does not work.

    What the files of `workspace` try to set is ignored and said, and so is what does not work.
    """
    options = settings_of(RerankerOptions, SECTION, workspace=workspace, flags=flags, say=say)
    if not options.reranker:
        return None
    from homespun.models.rerank.open import open_reranker

    try:
        reranker = open_reranker(options, mask=mask_part, say=say)
    except ModelsError as error:
        say(f"the hits are in the order without a reranker: {error}")
        return None
    return Reranking(
        reranker, candidates=options.reranker_candidates, weight=options.reranker_weight
    )


def _with_share(hit: Hit, share: float) -> Hit:
    return replace(hit, score=hit.score + share, why={**hit.why, PART: share})
