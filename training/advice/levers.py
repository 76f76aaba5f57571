"""Which lever does a repository need? Pure functions from what was measured to a verdict.

From where on something counts is `thresholds.py`'s; what it costs, `prices.py`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from homespun.stats import Z_95, Estimate
from homespun.training.advice.history_facts import HistoryFacts
from homespun.training.advice.measured import Measured
from homespun.training.advice.prices import LargerPrice, training_minutes
from homespun.training.advice.shares import Share
from homespun.training.advice.then_and_now import HouseThenAndNow
from homespun.training.advice.thresholds import (
    FEWEST_COMMITS,
    FEWEST_PLACES,
    FEWEST_RULES,
    MAX_ITEMS,
    MAX_UNSETTLED,
    MIN_FORM_ROOM,
    MIN_GAIN,
    MIN_OF_FAILURES,
    MIN_SETTLED,
)
from homespun.training.config import DatasetConfig
from homespun.training.gate.exam import Exam

LeverName = Literal["retrieval", "larger model", "tune", "style guide"]
LeverOutcome = Literal["yes", "no", "open"]
DO: dict[LeverName, str] = {
    "retrieval": "have retrieval show more",
    "larger model": "take the larger model",
    "tune": "tune",
    "style guide": "write a style guide",
}


@dataclass(frozen=True, slots=True)
class LeverFigure:
    """A share, and from where on it speaks for the lever."""

    name: str
    share: Share
    least: float

    @property
    def outcome(self) -> LeverOutcome:
        """Which side the whole interval lies on; "open" where it leaves both."""
        if self.share.low >= self.least:
            return "yes"
        return "no" if self.share.high < self.least else "open"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"name": self.name, **self.share.to_json(), "least": self.least}


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing to do, whether it is due, and why."""

    name: LeverName
    outcome: LeverOutcome
    sentence: str
    figures: tuple[LeverFigure, ...]
    minutes: float  # of this machine, until it is at work
    price: str  # the rest of it, in words

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "figures": [figure.to_json() for figure in self.figures],
            "minutes": round(self.minutes, 1),
            "price": self.price,
        }


@dataclass(frozen=True, slots=True)
class AdviceVerdict:
    """What to do: the headline, and each lever by itself."""

    headline: str
    levers: tuple[Lever, ...]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"headline": self.headline, "levers": [lever.to_json() for lever in self.levers]}


@dataclass(frozen=True, slots=True)
class AdviceFacts:
    """All that is known of a repository when a lever is named."""

    measured: Measured
    history: HistoryFacts
    house: HouseThenAndNow
    exam: Exam
    larger: LargerPrice | None  # the next model of the catalogue; None where there is none
    context_tokens: int  # of a prompt, as it is set

    @property
    def is_too_small(self) -> bool:
        """Whether later commits are too few to say anything, however many are asked."""
        return self.exam.places < FEWEST_PLACES or self.exam.commits < FEWEST_COMMITS


def decide(facts: AdviceFacts) -> AdviceVerdict:
    """Say which levers are due, which are not, and where there are too few places to tell."""
    tune = _tune(facts)
    asked = [_retrieval(facts), _larger(facts), tune]
    if facts.is_too_small:
        asked = [replace(one, outcome="open") if one.outcome == "yes" else one for one in asked]
    levers = (*asked, _style_guide(facts, tune))
    return AdviceVerdict(_headline(facts, levers), levers)


def _headline(facts: AdviceFacts, levers: tuple[Lever, ...]) -> str:
    due = [lever for lever in levers if lever.outcome == "yes"]
    open_ = [lever for lever in levers if lever.outcome == "open"]
    if facts.is_too_small:
        return (
            "Nothing yet: the history is too small to tell. Later commits have "
            f"{facts.exam.places} places of {facts.exam.commits} commits, it takes "
            f"{FEWEST_PLACES} of {FEWEST_COMMITS}; retrieval needs no history, and serves"
        )
    if due:
        first = ", and ".join(DO[lever.name] for lever in due)
        said = f"{first[0].upper()}{first[1:]}"
        return f"{said}; {_left_open(open_, facts)}" if open_ else said
    if open_:
        return f"Too little to tell: {_left_open(open_, facts)}"
    return "Retrieval is enough: no other lever has much left to mend"


def _left_open(levers: list[Lever], facts: AdviceFacts) -> str:
    names = ", ".join(DO[lever.name] for lever in levers)
    needed = [
        count
        for lever in levers
        for figure in lever.figures
        if figure.outcome == "open" and (count := _places_needed(figure, facts.measured))
    ]
    if not needed or min(needed) > min(MAX_ITEMS, facts.exam.places):
        there = f"more than the {facts.exam.places:,} that later commits have"
    else:
        there = f"some {min(needed):,} (--items {min(needed)})"
    return f"{facts.measured.places} places leave open whether to {names}; it takes {there}"


def _places_needed(figure: LeverFigure, found: Measured) -> int:
    """Return about how many places it takes to tell a share from its threshold; 0: nobody knows.

    As many more as the interval is too wide for the distance, if the share stays what it is.
    """
    share = figure.share
    distance = abs(share.value - figure.least)
    if not share.of or not distance:
        return 0
    half = max(share.high - share.low, 2 * Z_95 / (share.of + Z_95**2)) / 2
    return math.ceil(found.places * max((half / distance) ** 2, 1.1) / 10) * 10


def _retrieval(facts: AdviceFacts) -> Lever:
    found = facts.measured
    lacking = LeverFigure("missing knowledge, of the failures", found.knowledge, MIN_OF_FAILURES)
    brings = "" if found.gain is None else points_of(found.gain.difference)
    now = (
        f"retrieval brings {brings or 'unknown'} points of exact first lines; {found.knowledge} of "
        "what fails with it lacks a name that was not shown"
    )
    then = {
        "yes": "see which names are missing, whether their files are indexed, and try more "
        f"completion.context_tokens than {facts.context_tokens:,}",
        "no": "it shows what it takes",
        "open": "whether that is much is open",
    }[lacking.outcome]
    more_ms = found.ms["retrieval"] - found.ms["none"]
    price = f"it serves already; {more_ms:,.0f} ms more than a cold prompt without it"
    return Lever("retrieval", lacking.outcome, f"{now}: {then}", (lacking,), 0.0, price)


def points_of(gain: Estimate) -> str:
    """Return a difference of shares in points, with its interval."""
    if not math.isfinite(gain.low):
        return f"{gain.mean * 100:+.1f}"
    return f"{gain.mean * 100:+.1f} [{gain.low * 100:+.1f}, {gain.high * 100:+.1f}]"


def _larger(facts: AdviceFacts) -> Lever:
    found, larger = facts.measured, facts.larger
    figure = LeverFigure("shown and not taken, of the failures", found.not_taken, MIN_OF_FAILURES)
    outcome = figure.outcome
    said = f"{found.not_taken} of what fails had been shown and was within reach, and was not taken"
    if found.larger is not None:
        outcome = _outcome_of_asked(found)
        gain = found.larger.gain
        said += (
            f"; {found.larger.model} at the same places: "
            f"{points_of(gain.difference)} points of exact first lines"
        )
    if larger is None:
        price = (
            "no model of the catalogue is larger; a server of yours may have one: [model.remote]"
        )
        return Lever("larger model", outcome, said, (figure,), 0.0, price)
    if found.larger is None and larger.is_here:
        said += f"; --with-larger asks {larger.name} itself"
    fetched = "it is here" if larger.is_here else f"{larger.download_mb:,} MB to fetch"
    price = (
        f"{larger.name}: {fetched}, {larger.memory_mb:,} MB of memory, and a key in "
        f"{larger.p50_ms:,.0f} ms instead of {larger.now_p50_ms:,.0f} (p50, predicted)"
    )
    return Lever("larger model", outcome, said, (figure,), larger.minutes, price)


def _outcome_of_asked(found: Measured) -> LeverOutcome:
    assert found.larger is not None
    difference = found.larger.gain.difference
    if difference.low > 0 and difference.mean >= MIN_GAIN:
        return "yes"
    return "no" if difference.high < MIN_GAIN else "open"


def _tune(facts: AdviceFacts) -> Lever:
    found = facts.measured
    figures = (
        LeverFigure("wrong form, of the failures", found.form, MIN_OF_FAILURES),
        LeverFigure("length and stopping, of the failures", found.ending, MIN_OF_FAILURES),
        LeverFigure("not in house form where the file shows none", found.room, MIN_FORM_ROOM),
    )
    outcomes = [figure.outcome for figure in figures]
    outcome: LeverOutcome = "yes" if "yes" in outcomes else "open" if "open" in outcomes else "no"
    said = (
        f"{found.form} of what fails is wrong in form, {found.ending} ends at the wrong place; of "
        f"{found.unseen.of} house forms written where the file shows none, {found.room} were others"
    )
    obstacle = _obstacle(facts)
    if obstacle and outcome != "no":
        outcome, said = "no", f"{said}; but {obstacle}"
    elif facts.exam.missing and outcome == "yes":
        said += (
            f"; with {facts.exam.places:,} places and {facts.exam.habits:,} habits the verdict "
            'will often be "too little to tell"'
        )
    price = "on a CPU, an hour of learning and the exam behind it; then nothing a completion"
    minutes = training_minutes(facts.exam, found.ms["retrieval"])
    return Lever("tune", outcome, said, figures, minutes, price)


def _obstacle(facts: AdviceFacts) -> str:
    """Return why an adapter could not be learned or proven here; "" where nothing is in the way."""
    least = DatasetConfig().least_code_lines
    if facts.history.code_lines < least:
        return f"{facts.history.code_lines:,} lines of code are too few to learn from ({least:,})"
    if not facts.house.settled:
        return "no convention of the house is known that an adapter could learn"
    if facts.exam.is_hopeless:
        return (
            f"{facts.exam.places:,} places of {facts.exam.commits:,} later commits and "
            f"{facts.exam.habits:,} habits are too few to prove an adapter by"
        )
    return _unsettled(facts.house)


def _unsettled(house: HouseThenAndNow) -> str:
    """Return in which way the house is not settled; "" where it is, or too few rules say so."""
    if house.judged >= FEWEST_RULES and house.settled < MIN_SETTLED * house.judged:
        return f"only {house.settled} of {house.judged} conventions are settled"
    moved = len(house.unsettled)
    if house.house_then >= FEWEST_RULES and moved > MAX_UNSETTLED * house.house_then:
        return f"{moved} of the {house.house_then} house rules of {house.day_then} have not stayed"
    return ""


def _style_guide(facts: AdviceFacts, tune: Lever) -> Lever:
    house = facts.house
    mixed = house.judged - house.settled
    price = f"no minutes of the machine: {mixed} conventions for people to decide"
    known = (
        f"{house.settled} of {house.judged} conventions with places enough are settled"
        if house.judged
        else "no convention has places enough"
    )
    unsettled = _unsettled(house)
    if unsettled:
        said = f"{unsettled}: decide and write them down, before anything learns them"
        return Lever("style guide", "yes", said, (), 0.0, price)
    is_form = any(figure.outcome == "yes" for figure in tune.figures[::2])
    if is_form and tune.outcome == "no":
        said = f"the form is what fails, and it cannot be tuned here ({_obstacle(facts)}); {known}"
        return Lever("style guide", "yes", said, (), 0.0, price)
    return Lever("style guide", "no", known, (), 0.0, price)
