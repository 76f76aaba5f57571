"""Has the champion gone stale? What it still brings on lines committed after it was trained.

Each item is a hole in lines that a later commit added, in the document that its author had
(`training/evaluation/items.py`); the prompt has no retrieved context, so that only the weights
differ. Scored is the mean log-probability of a token of what belongs there, in nats: the served
form with the champion's adapter against the model as shipped, as the loss of an evaluation's arms
without context. A champion is stale when what it brings has fallen by more than a quarter of what
its own evaluation found, or when nothing is left of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from homespun.models.adapters.adapter import Adapter
from homespun.models.types import FimTokens, Tokenizer
from homespun.progress import NoProgress, Progress
from homespun.stats import cluster_mean
from homespun.training.config import DatasetConfig
from homespun.training.dataset.examples import EncodedExample, ExampleEncoder
from homespun.training.dataset.leaks import Seen
from homespun.training.errors import BadCompletionReport, HistoryUnreadable
from homespun.training.evaluation.items import ItemConfig, Judge, items_of_history
from homespun.training.evaluation.report import CompletionReport
from homespun.training.history.repository import Repository
from homespun.training.sources.select import of_revision

Outcome = Literal["fresh", "stale", "too little"]
Score = Callable[[str, Sequence[EncodedExample]], list[float]]
"""(adapter, examples) -> the summed log-probability of each example's answer, in nats."""

FEWEST_ITEMS = 30
MAX_ITEMS = 80
MAX_LOSS = 0.25  # of what the adapter brought at its release
BUDGET_TOKENS = 512  # of a prompt: half of what is served, and half the time


@dataclass(frozen=True, slots=True)
class RecentItem:
    """A hole in lines that were added after an adapter was trained."""

    encoded: EncodedExample
    commit: str

    @property
    def tokens(self) -> int:
        """Tokens of the answer."""
        return len(self.encoded.ids) - self.encoded.start


@dataclass(frozen=True, slots=True)
class Drift:
    """What an adapter brings on recent commits; nats a token, more than 0 is better."""

    adapter: str
    outcome: Outcome
    items: int
    commits: int
    gain: float | None  # None: too few items to say
    low: float | None  # 95 % interval of the gain, whole commits drawn
    high: float | None
    released: float | None  # the gain in its own evaluation; None where there is none

    @property
    def sentence(self) -> str:
        """Say what it means and what to do."""
        if self.outcome == "too little":
            return (
                f"adapter {self.adapter!r}: only {self.items} holes in lines committed since it "
                f"was trained, {FEWEST_ITEMS} are needed to tell; nothing to do yet"
            )
        assert self.gain is not None  # enough items
        then = "" if self.released is None else f", {self.released:+.3f} at its release"
        found = f"{self.gain:+.3f} nats a token on {self.items} recent holes{then}"
        if self.outcome == "stale":
            return (
                f"adapter {self.adapter!r} has gone stale: {found}; train a new one with "
                "`homespun train`, or go back with `homespun adapters rollback`"
            )
        return f"adapter {self.adapter!r} still does its work: {found}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `homespun adapters check --json`."""
        figures = {"gain": self.gain, "low": self.low, "high": self.high, "released": self.released}
        return {
            "adapter": self.adapter,
            "outcome": self.outcome,
            "items": self.items,
            "commits": self.commits,
            **{n: None if value is None else round(value, 5) for n, value in figures.items()},
            "sentence": self.sentence,
        }


def recent_items(
    workspace: Path,
    since: str,
    tokenizer: Tokenizer,
    fim: FimTokens,
    *,
    most: int = MAX_ITEMS,
    budget: int = BUDGET_TOKENS,
    progress: Progress | None = None,
) -> list[RecentItem]:
    """Return at most `most` holes in lines that commits after `since` added.

    A prompt takes at most `budget` tokens. Raises `HistoryUnreadable`.
    """
    progress = progress or NoProgress()
    if not since:
        raise HistoryUnreadable(
            "the adapter was trained without a git history, so which lines are newer than it is "
            "not known; train a new one when the code has changed much"
        )
    encoder = ExampleEncoder(tokenizer, fim)
    with Repository.open(workspace) as repository:
        since = repository.resolve(since)
        house = of_revision(repository, since, DatasetConfig(), progress=progress).house
        items = items_of_history(
            repository,
            repository.commits(since=since),
            Judge((), Seen(())),
            house,
            lambda text: len(tokenizer.encode(text)),
            ItemConfig(items=most),
            progress=progress,
        )
    return [
        RecentItem(encoder.encode_as_asked(item.example, budget=budget), item.example.commit)
        for item in items
    ]


def drift(adapter: Adapter, items: Sequence[RecentItem], score: Score) -> Drift:
    """Score recent items with an adapter and with the model as shipped, and say what it means."""
    released = released_gain(adapter)
    commits = [item.commit for item in items]
    if len(items) < FEWEST_ITEMS:
        found = (None, None, None)
        outcome: Outcome = "too little"
        return Drift(adapter.id, outcome, len(items), len(set(commits)), *found, released)
    encoded = [item.encoded for item in items]
    arms = zip(score(adapter.id, encoded), score("none", encoded), items, strict=True)
    gains = [(tuned - shipped) / item.tokens for tuned, shipped, item in arms]
    gain = cluster_mean(gains, commits)
    least = 0.0 if released is None else max(0.0, (1 - MAX_LOSS) * released)
    outcome = "fresh" if gain.mean > least else "stale"
    return Drift(
        adapter.id,
        outcome,
        len(items),
        len(set(commits)),
        gain.mean,
        gain.low if math.isfinite(gain.low) else None,  # one commit says nothing of others
        gain.high if math.isfinite(gain.high) else None,
        released,
    )


def released_gain(adapter: Adapter) -> float | None:
    """Return what the adapter brought in its own evaluation, nats a token; None where none is kept.

    That is the loss of the model as shipped minus the adapter's, in the arms without context, else
    with production retrieval.
    """
    path = adapter.directory / "evaluation.json"
    if not path.is_file():
        return None
    try:
        report = CompletionReport.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCompletionReport(
            f"{str(path)!r} is no evaluation of completions ({error!r})"
        ) from error
    for context in ("none", "retrieval"):
        found = report.compare(f"general/{context}", f"repository/{context}", "loss")
        if found is not None:
            return found.difference.mean
    return None
