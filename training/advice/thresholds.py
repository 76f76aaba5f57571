"""From where on a lever is worth naming. Each number with its reason; nowhere else is one.

A lever is named where the whole 95 % interval of its share lies at or above the threshold, it is
not where the whole interval lies below, and all else is open.
"""

from __future__ import annotations

from homespun.training.gate.conditions import FEWEST_COMMITS
from homespun.training.gate.margins import EXACT, FORM

__all__ = [
    "FEWEST_COMMITS",
    "FEWEST_PLACES",
    "FEWEST_RULES",
    "MAX_ITEMS",
    "MAX_UNSETTLED",
    "MIN_FORM_ROOM",
    "MIN_GAIN",
    "MIN_OF_FAILURES",
    "MIN_SETTLED",
]

# Of the failures, what a lever could mend. Some two of three first lines are not exact, and a lever
# mends a part of what it could: the larger model of the catalogue wins 14 points of lines across
# files. Of less than a fifth of the failures too little is left to be noticed.
MIN_OF_FAILURES = 0.2
# Of the sites that the model writes where the file does not show the habit, those in another form
# than the house's. The gate wants so many points to be won; what is not there cannot be won.
MIN_FORM_ROOM = FORM.size
# Exact first lines that a larger model must win, where it was asked: what the gate allows to lose.
MIN_GAIN = EXACT.size
# Rules that do not belong to a formatter and have places enough: below half of them settled, people
# write as they like, and there is no house to learn.
MIN_SETTLED = 0.5
# Of the house rules of a year ago, those that are none now or have another form. An adapter learns
# from all of the history, and is as wrong as that within a year.
MAX_UNSETTLED = 0.2
# Fewer rules than that are no share of anything.
FEWEST_RULES = 5
# With fewer places every interval of a share of failures is wider than 40 points.
FEWEST_PLACES = 20
# As many places as anybody would wait for; what takes more is said to take more.
MAX_ITEMS = 2_000
