"""Fits the weights of `server/context/next_name.py` on the development packages and prints them.

    python -m bench.context.fit_name_weights > server/context/next_name_weights.py

A conditional logit: at each cursor, of all candidates that the product considers, the one that was
written. With --check each package is ranked by weights that were fitted on the others.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.context.cursors import NameCursor, load
from bench.context.packages import CORPORA, CursorCorpus
from bench.context.recall import Bench, product
from homespun.server.context import next_name_weights
from homespun.server.context.next_name import NameCandidate, NameEvidence
from homespun.server.context.retriever import Retriever

_RIDGE = 0.5
_STEPS = 300
_MIN_WEIGHT = 0.05
TABLES = ("NAMES", "MEMBERS", "MODULE")
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates of one cursor and which of them was written."""

    package: str
    table: str  # one of TABLES
    features: list[dict[str, float]]
    chosen: int


def main() -> int:
    """Print a module with the weights, or with --check how well they rank elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    choices = [choice for corpus in CORPORA if not corpus.held for choice in _choices(corpus)]
    if args.check:
        for table in TABLES:
            _check([choice for choice in choices if choice.table == table])
        return 0
    print('"""Weights of `next_name.py`, as `bench/context/fit_name_weights.py` prints them."""')
    for table in TABLES:
        weights = fit([choice for choice in choices if choice.table == table])
        print(f"\n{table} = {{")
        for name, weight in sorted(weights.items()):
            if abs(weight) >= _MIN_WEIGHT:
                print(f'    "{name}": {weight:.1f},')
        print("}")
    return 0


def _choices(corpus: CursorCorpus) -> list[Choice]:
    """Return what the product chose from at each cursor, and what was right."""
    both = load(corpus.name, corpus.cursors, corpus.folder())
    # Each place in one of its two states, in turns: enough to fit on, in half the time.
    cursors = [cursor for n, cursor in enumerate(both) if n % 4 in (0, 3)]
    asked: list[tuple[NameCursor, Mapping[str, float], list[NameCandidate], NameEvidence]] = []
    current: list[NameCursor] = []
    original = NameEvidence.probabilities

    def recorded(
        self: NameEvidence, candidates: Sequence[NameCandidate], weights: Mapping[str, float]
    ) -> list[float]:
        asked.append((current[-1], weights, list(candidates), self))
        return original(self, candidates, weights)

    found = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(corpus.name, corpus.folder(), Path(scratch))
        retriever = Retriever(bench.index)
        NameEvidence.probabilities = recorded  # type: ignore[method-assign]
        try:
            for cursor in bench.without_file(cursors):
                current.append(cursor)
                asked.clear()
                product(retriever, cursor)
                for at, weights, candidates, evidence in asked[:1]:
                    names = [candidate.name for candidate in candidates]
                    table = next(t for t in TABLES if weights is getattr(next_name_weights, t))
                    wanted = at.name
                    if wanted not in names and not at.is_cross:
                        wanted = ""  # nothing that is on offer
                    if wanted in names and len(names) > 1:
                        features = [evidence.features(candidate) for candidate in candidates]
                        found.append(Choice(corpus.name, table, features, names.index(wanted)))
        finally:
            NameEvidence.probabilities = original  # type: ignore[method-assign]
    return found


def fit(choices: Sequence[Choice]) -> dict[str, float]:
    """Return feature -> weight: the ridge-penalised maximum of the conditional likelihood."""
    names = sorted({name for c in choices for features in c.features for name in features})
    column = {name: place for place, name in enumerate(names)}
    sizes = [len(choice.features) for choice in choices]
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    of_choice = np.repeat(np.arange(len(choices)), sizes)
    rows: Floats = np.zeros((sum(sizes), len(names)))
    for row, features in enumerate(f for choice in choices for f in choice.features):
        for name, value in features.items():
            rows[row, column[name]] = value
    written = rows[starts + np.array([choice.chosen for choice in choices])].sum(axis=0)
    weights, mean, spread = (np.zeros(len(names)) for _ in range(3))
    for _ in range(_STEPS):
        scores = rows @ weights
        parts = np.exp(scores - np.maximum.reduceat(scores, starts)[of_choice])
        odds = parts / np.add.reduceat(parts, starts)[of_choice]
        gradient = written - rows.T @ odds - _RIDGE * weights
        mean = 0.9 * mean + 0.1 * gradient
        spread = 0.99 * spread + 0.01 * gradient**2
        weights += 0.05 * mean / (np.sqrt(spread) + 1e-6)
    return dict(zip(names, weights.tolist(), strict=True))


def _check(choices: Sequence[Choice]) -> None:
    for package in sorted({choice.package for choice in choices}):
        weights = fit([choice for choice in choices if choice.package != package])
        ranks = np.array(
            [_rank(choice, weights) for choice in choices if choice.package == package]
        )
        shares = ", ".join(f"top {k}: {np.mean(ranks <= k):.3f}" for k in (1, 3, 5, 8, 16))
        print(f"{choices[0].table} {package} ({len(ranks)}): {shares}")


def _rank(choice: Choice, weights: Mapping[str, float]) -> int:
    scores = [sum(weights.get(f, 0.0) * v for f, v in row.items()) for row in choice.features]
    return 1 + sum(score > scores[choice.chosen] for score in scores)


if __name__ == "__main__":
    sys.exit(main())
