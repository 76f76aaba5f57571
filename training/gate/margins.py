"""How much worse an adapter may be where it need not be better, and how many places tell that.

Why each margin is what it is stands in docs/tuning.md. `spread` is the standard error of a
measure's difference times the square root of its count: chance and the likeness of places of one
commit together. Measured with the adapters of two real repositories, 852 places;
`python -m bench.gate.simulate --measured` prints it.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

_NORMAL = statistics.NormalDist()
_LEVEL = 0.975  # of the interval's end: 2.5 % of those that are worse by the margin get through
_POWER = 0.95  # of one condition, for an adapter that changes nothing: all of them, over 80 %
_ROUNDED_TO = 50


@dataclass(frozen=True, slots=True)
class Margin:
    """One measure and what it may lose (of the house's form: must win); 0.02 are two points."""

    name: str  # of the condition
    size: float
    spread: float
    share: float = 1.0  # how many of them a place gives

    @property
    def count(self) -> int:
        """How many it takes for an adapter that loses nothing (wins `size`) to be let through."""
        quantiles = _NORMAL.inv_cdf(_LEVEL) + _NORMAL.inv_cdf(_POWER)
        return _rounded((quantiles * self.spread / self.size) ** 2)

    @property
    def places(self) -> int:
        """How many places give so many."""
        return _rounded(self.count / self.share)


EXACT = Margin("exact first lines", 0.025, spread=0.242)  # one suggestion in forty
SIMILARITY = Margin("edit similarity", 0.02, spread=0.174)
OVERRUN = Margin("knowing when to stop", 0.03, spread=0.284)
PARSES = Margin("files that parse", 0.04, spread=0.249, share=0.61)
FINDINGS = Margin("linter findings", 0.05, spread=0.313, share=0.60)
# It serves in its own repository alone: this shows damage, not taste.
FORGETTING = Margin("other people's code", 0.03, spread=0.238)
# Of the sites in the house's form that the model as shipped writes: silence is no style.
SILENCE = 0.10
SPEED = 1.15  # times as long

# What it must win, at the habits that a document does not show. The model as shipped writes 91 % of
# them in the house's form, so more than nine points are not there to win; both models write one at
# about half of the places, and the spread is that of 6 % won and 1 % lost.
FORM = Margin("house form in what is written", 0.05, spread=0.27, share=0.45)
OF_PLACES = (EXACT, SIMILARITY, OVERRUN, PARSES, FINDINGS)


def places_needed() -> int:
    """Return how many places all conditions but the form need together."""
    return max(margin.places for margin in OF_PLACES)


def _rounded(count: float) -> int:
    return math.ceil(count / _ROUNDED_TO) * _ROUNDED_TO
