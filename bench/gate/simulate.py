"""The gate tried on adapters whose truth is known: how many of a thousand it lets through.

    python -m bench.gate.simulate                 # the table, two minutes
    python -m bench.gate.simulate --adapters 200
    python -m bench.gate.simulate --measured      # spreads and discordance of the real adapters

Every adapter is drawn as columns of outcomes (`bench/gate/adapters.py`) and goes the way of a real
one from there on: intervals, conditions, verdict (`training/gate/`).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from bench.gate.adapters import (
    GOOD,
    HALF_AS_GOOD,
    HARMFUL,
    NOTHING,
    KnownAdapter,
    measured,
    outcomes,
    probes,
)
from homespun.stats import wilson
from homespun.training.gate.evidence import evidence_from, form_of
from homespun.training.gate.gate import is_lost, judge
from homespun.training.gate.margins import FORM, places_needed
from homespun.training.gate.measured import ServedFormLoss
from homespun.training.gate.outcomes import MEASURES
from homespun.training.gate.verdict import GateVerdict
from homespun.training.safety.exposure import Exposure
from homespun.training.safety.memorisation import Memorised
from homespun.training.safety.real_strings import DrawnOut

RESAMPLES = 800  # a thousand adapters wait; a real one is judged by 10,000
# What the simulation is not about holds: secrets, copies, rounding.
_HIDDEN = Exposure("key", 800, 400, 400, 400, is_written=False)
_HARMLESS = Memorised(outputs=1_000, exposures=(_HIDDEN,) * 4, drawn_out=DrawnOut())
_EXACT_FORM = ServedFormLoss(loss_served=1.003, loss_float=1.0)
_SHARES = (0.2, 0.4, 0.6, 0.8)  # of the places and habits that are needed


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of many adapters of one kind."""

    adapter: KnownAdapter
    count: int
    outcomes: Counter[str]
    stopped_by: Counter[str]  # conditions that did not hold
    short: int  # whose exam ends behind the habits
    short_wrongly: int  # of these, what would have passed

    @property
    def share(self) -> float:
        """Of those that may serve."""
        return self.outcomes["promote"] / self.count


def verdict_of(
    adapter: KnownAdapter, places: int, habits: int, rng: np.random.Generator
) -> tuple[GateVerdict, bool]:
    """Draw an adapter and judge it; say as well whether its exam would end behind the habits."""
    drawn = outcomes(adapter, places, habits, rng)
    evidence = evidence_from(
        drawn,
        training_examples=2_000,
        rules=probes(adapter, rng),
        memorised=_HARMLESS,
        parity=_EXACT_FORM,
        resamples=RESAMPLES,
    )
    form = form_of(drawn.habits, resamples=RESAMPLES) if drawn.habits else None
    return judge(evidence), is_lost(form, None, None)


def tried(adapter: KnownAdapter, places: int, habits: int, count: int, *, seed: int = 0) -> Passed:
    """Judge so many adapters of one kind."""
    rng = np.random.default_rng([seed, places])
    found = [verdict_of(adapter, places, habits, rng) for _ in range(count)]
    verdicts = [verdict for verdict, _ in found]
    stopped = Counter(
        condition.name
        for verdict in verdicts
        for condition in verdict.conditions
        if not condition.passed
    )
    outcomes_of_all = Counter(verdict.outcome for verdict in verdicts)
    short = [verdict.outcome for verdict, is_short in found if is_short]
    wrongly = short.count("promote")
    return Passed(adapter, count, outcomes_of_all, stopped, len(short), wrongly)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--adapters", type=int, default=1_000, help="of each kind")
    parser.add_argument("--places", type=int, default=places_needed())
    parser.add_argument("--habits", type=int, default=FORM.places)
    parser.add_argument("--measured", action="store_true", help="only what the draws are made of")
    args = parser.parse_args()
    if args.measured:
        print(spreads())
        return 0
    sizes = args.places, args.habits
    print(f"{sizes[0]:,} places, {sizes[1]:,} habits, {args.adapters:,} adapters of each kind\n")
    print(
        "| adapter | may serve | 95 % | too little to tell | stopped most often by "
        "| ended behind the habits | and would have passed |"
    )
    print("|---|--:|--:|--:|---|--:|--:|")
    for adapter in (NOTHING, *HARMFUL, HALF_AS_GOOD, *GOOD):
        print(_row(tried(adapter, *sizes, args.adapters)), flush=True)
    fewer = [(round(sizes[0] * share), round(sizes[1] * share)) for share in _SHARES]
    print("\n| may serve, with fewer | " + " | ".join(f"{p:,} and {h:,}" for p, h in fewer) + " |")
    print("|---|" + "--:|" * len(fewer))
    for adapter in (NOTHING, *GOOD):
        few = [tried(adapter, *one, args.adapters // 4) for one in fewer]
        print(f"| {adapter.name} | " + " | ".join(f"{one.share:.1%}" for one in few) + " |")
    return 0


def spreads() -> str:
    """Return what the margins' places are computed from, of the measured adapters."""
    known = measured()
    lines = ["| measure | places | change | discordance | spread |", "|---|--:|--:|--:|--:|"]
    for name in MEASURES:
        pairs = known.measures[name]
        there = ~np.isnan(pairs).any(axis=1)
        change = np.where(there, pairs[:, 1] - pairs[:, 0], 0.0)
        mean = change.sum() / there.sum()
        rests = [(change[rows] - mean * there[rows]).sum() for rows in known.commits]
        spread = np.sqrt(np.square(rests).sum() / there.sum())
        lines.append(
            f"| {name} | {there.sum():,} | {mean * 100:+.1f} "
            f"| {(change != 0).sum() / there.sum():.1%} | {spread:.3f} |"
        )
    return "\n".join(lines)


def _row(found: Passed) -> str:
    low, high = wilson(found.outcomes["promote"], found.count)
    why = ", ".join(
        f"{name} {count / found.count:.0%}" for name, count in found.stopped_by.most_common(3)
    )
    unclear = found.outcomes["insufficient data"] / found.count
    return (
        f"| {found.adapter.name} | {found.share:.1%} | {low:.1%} to {high:.1%} | {unclear:.1%} | "
        f"{why} | {found.short / found.count:.1%} | {found.short_wrongly} |"
    )


if __name__ == "__main__":
    sys.exit(main())
