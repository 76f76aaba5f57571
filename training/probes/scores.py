"""Which form does a model prefer? Scores of minimal pairs, rule by rule, and before and after."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homespun.stats import RESAMPLES, Discordance, Estimate, cluster_mean, mcnemar, wilson
from homespun.training.dataset.examples import Example
from homespun.training.probes.pairs import Probe, ProbeContext

MIN_SITES = 20  # pairs of a rule that say something about it

# The log-probability and the number of tokens of each example's answer, in the order given.
LogProbs = Callable[[list[Example]], list[tuple[float, int]]]


@dataclass(frozen=True, slots=True)
class PairScore:
    """One pair."""

    id: str
    path: str
    difference: float  # log-probability of the house form minus the other's, per token; nats
    prefers_house: bool


@dataclass(frozen=True, slots=True)
class RuleScore:
    """All pairs of a rule in one context."""

    rule: str
    context: ProbeContext
    pairs: tuple[PairScore, ...]
    difference: Estimate  # mean per token, 95 % over files

    @property
    def sites(self) -> int:
        """How many pairs."""
        return len(self.pairs)

    @property
    def accuracy(self) -> float:
        """Share of the pairs in which the house form is likelier."""
        return statistics.fmean(pair.prefers_house for pair in self.pairs)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson)."""
        return wilson(sum(pair.prefers_house for pair in self.pairs), len(self.pairs))

    @property
    def has_enough(self) -> bool:
        """Whether there are enough pairs to speak of this rule alone."""
        return self.sites >= MIN_SITES

    def to_json(self) -> dict[str, Any]:
        """Return it for a report."""
        low, high = self.interval
        return {
            "rule": self.rule,
            "context": self.context,
            "sites": self.sites,
            "enough": self.has_enough,
            "accuracy": round(self.accuracy, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "difference": _estimate(self.difference),
        }


@dataclass(frozen=True, slots=True)
class RuleChange:
    """The same pairs, scored by two models."""

    rule: str
    context: ProbeContext
    sites: int
    before: float  # preference accuracy
    after: float
    discordance: Discordance  # wins: pairs that only the later model prefers in the house form
    difference: Estimate  # of the difference per token, after minus before; 95 % over files

    @property
    def has_enough(self) -> bool:
        """Whether there are enough pairs to speak of this rule alone."""
        return self.sites >= MIN_SITES

    @property
    def is_learned(self) -> bool:
        """Whether the house form gained beyond chance: the interval lies above zero."""
        return self.difference.low > 0

    @property
    def is_unlearned(self) -> bool:
        """Whether it lost beyond chance."""
        return self.difference.high < 0

    def to_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {
            "rule": self.rule,
            "context": self.context,
            "sites": self.sites,
            "enough": self.has_enough,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "wins": self.discordance.wins,
            "losses": self.discordance.losses,
            "p": round(self.discordance.p, 6),
            "difference": _estimate(self.difference),
            "learned": self.is_learned,
            "unlearned": self.is_unlearned,
        }


def score_probes(
    probes: Sequence[Probe],
    logprobs: LogProbs,
    *,
    contexts: Sequence[ProbeContext] = ("unseen", "shown"),
    repo: str = "",
    resamples: int = RESAMPLES,
) -> list[RuleScore]:
    """Score pairs in each context; in "shown" only those that have something to show.

    The examples go to `logprobs` in one call, the house form and the other one side by side.
    """
    asked = [
        (probe, context)
        for context in contexts
        for probe in probes
        if context != "shown" or probe.snippet is not None
    ]
    examples = [
        example for probe, context in asked for example in probe.examples(context, repo=repo)
    ]
    answers = logprobs(examples) if examples else []
    if len(answers) != len(examples):
        raise ValueError(f"{len(examples)} examples were given, but {len(answers)} scores came")
    scored: dict[tuple[ProbeContext, str], list[PairScore]] = {}
    for place, (probe, context) in enumerate(asked):
        pair = _pair(probe, answers[2 * place], answers[2 * place + 1])
        scored.setdefault((context, probe.rule), []).append(pair)
    return [
        RuleScore(rule, context, tuple(pairs), _mean(pairs, resamples))
        for (context, rule), pairs in sorted(
            scored.items(), key=lambda item: (contexts.index(item[0][0]), item[0][1])
        )
    ]


def compare_scores(
    before: Sequence[RuleScore], after: Sequence[RuleScore], *, resamples: int = RESAMPLES
) -> list[RuleChange]:
    """Compare two models rule by rule. Raises ValueError where the pairs are not the same."""
    earlier: Mapping[tuple[str, str], RuleScore] = {(s.rule, s.context): s for s in before}
    later: Mapping[tuple[str, str], RuleScore] = {(s.rule, s.context): s for s in after}
    if earlier.keys() != later.keys():
        raise ValueError("scores of different rules cannot be compared")
    return [_change(earlier[key], later[key], resamples) for key in earlier]


def _change(before: RuleScore, after: RuleScore, resamples: int) -> RuleChange:
    if [pair.id for pair in before.pairs] != [pair.id for pair in after.pairs]:
        raise ValueError(f"scores of different pairs of {before.rule!r} cannot be compared")
    gains = [
        new.difference - old.difference for old, new in zip(before.pairs, after.pairs, strict=True)
    ]
    paths = [pair.path for pair in before.pairs]
    return RuleChange(
        rule=before.rule,
        context=before.context,
        sites=before.sites,
        before=before.accuracy,
        after=after.accuracy,
        discordance=mcnemar(
            [pair.prefers_house for pair in after.pairs],
            [pair.prefers_house for pair in before.pairs],
        ),
        difference=cluster_mean(gains, paths, resamples=resamples),
    )


def _pair(probe: Probe, house: tuple[float, int], alt: tuple[float, int]) -> PairScore:
    difference = house[0] - alt[0]
    tokens = max(1.0, (house[1] + alt[1]) / 2)
    return PairScore(probe.id, probe.path, difference / tokens, difference > 0)


def _mean(pairs: Sequence[PairScore], resamples: int) -> Estimate:
    return cluster_mean(
        [pair.difference for pair in pairs], [pair.path for pair in pairs], resamples=resamples
    )


def _estimate(value: Estimate) -> dict[str, float | None]:
    """Return a mean and its interval; None where one file alone says nothing about others."""
    low, high = (
        None if abs(end) == float("inf") else round(end, 5) for end in (value.low, value.high)
    )
    return {"mean": round(value.mean, 5), "low": low, "high": high}
