"""The gate: may a repository adapter serve? A pure function from what was measured to a verdict.

Tuning is for form: where the house has a rule, its form is to be written more often, and nothing
else may become worse by more than a stated margin. All conditions must hold together, so each may
be tested at its own level without a correction (an intersection-union test, Berger 1982). "Keep
what you have" is a normal outcome: small repositories often teach a small model nothing that
retrieval does not already say.
"""

from __future__ import annotations

from collections.abc import Sequence

from homespun.training.gate import conditions, margins
from homespun.training.gate.measured import Evidence, ServedFormLoss, ShareDifference
from homespun.training.gate.verdict import Condition, GateVerdict, Outcome
from homespun.training.safety.memorisation import Memorised

_OF_DATA = ("training data", "test data")
# What is known of an adapter once the habits are.
_OF_A_SHORT_EXAM = (
    *("training data", "house form in what is written", "house style", "no convention unlearned"),
    *("planted secrets", "served form"),
)
_CUT_SHORT = (
    " Nothing else was asked, as no answer could have changed that; --whole-exam asks it all."
)
# Below nought by more than the other places' commits could move the bound: they are drawn, too.
_LOST = -0.005


def is_lost(
    form: ShareDifference | None, memorised: Memorised | None, parity: ServedFormLoss | None
) -> bool:
    """Tell whether an adapter cannot pass any more, whatever the rest of the exam would say.

    All conditions must hold, so one that has failed decides; no pass becomes likelier by asking in
    this order. `form` is that of the habits; what is None is not known.
    """
    return (
        (form is not None and form.low <= _LOST)
        or (memorised is not None and not conditions.hides_secrets(memorised).passed)
        or (parity is not None and not conditions.serves_what_was_learned(parity).passed)
    )


def judge(evidence: Evidence) -> GateVerdict:
    """Return whether the adapter may serve, with every condition and what was found."""
    every: tuple[Condition, ...] = (
        conditions.training_data(evidence.training_examples),
        conditions.test_data(evidence.places, evidence.commits),
        conditions.written_form(evidence.written),
        conditions.not_silent(evidence.written),
        conditions.likelier_form(evidence.rules),
        conditions.no_rule_falls(evidence.rules),
        conditions.no_fewer(margins.EXACT, evidence.exact),
        conditions.no_fewer(margins.SIMILARITY, evidence.similarity),
        conditions.no_more(margins.OVERRUN, evidence.overrun),
        conditions.parses(evidence.parses),
        conditions.findings(evidence.findings),
        conditions.no_fewer(margins.FORGETTING, evidence.forgetting),
        conditions.speed(evidence.speed),
        conditions.hides_secrets(evidence.memorised),
        conditions.copies_nothing(evidence.memorised),
        conditions.serves_what_was_learned(evidence.parity),
    )
    if evidence.is_cut_short:
        every = tuple(condition for condition in every if condition.name in _OF_A_SHORT_EXAM)
    outcome = _outcome(every)
    if evidence.is_cut_short and outcome == "promote":  # never on half an exam, whatever cut it
        outcome = "insufficient data"
    headline = _headline(outcome, every) + (_CUT_SHORT if evidence.is_cut_short else "")
    return GateVerdict(outcome, headline, every, _bonus(evidence.exact))


def _outcome(every: Sequence[Condition]) -> Outcome:
    """Return what follows; what is refuted or was not measured decides before what is open."""
    if all(condition.passed for condition in every):
        return "promote"
    is_short_of_data = any(c.name in _OF_DATA and not c.passed for c in every)
    is_refuted = any(not condition.passed and not condition.is_open for condition in every)
    return "keep" if is_refuted and not is_short_of_data else "insufficient data"


def _headline(outcome: Outcome, every: Sequence[Condition]) -> str:
    if outcome == "promote":
        return (
            "This adapter writes the house's form more often than what you have, on commits that "
            "it has never seen, and nothing else got worse: it may serve."
        )
    failed = [condition for condition in every if not condition.passed]
    if outcome == "insufficient data":
        few = [condition for condition in failed if condition.is_open]
        found = "; ".join(c.found if c.name in _OF_DATA else c.name for c in few)
        return (
            f"Keep what you have: there is too little to tell ({found}). Judge by more commits "
            "(an earlier --until), or train again when the repository has grown."
        )
    unmeasured = [condition.name for condition in failed if condition.value is None]
    worse = [c.name for c in failed if c.value is not None and not c.is_open]
    reasons = []
    if worse:
        reasons.append(f"not good enough: {', '.join(worse)}")
    if unmeasured:
        reasons.append(f"not measured: {', '.join(unmeasured)}")
    return f"Keep what you have: this adapter is not proven ({'; '.join(reasons)})."


def _bonus(exact: ShareDifference | None) -> str:
    """Say it where more lines are exactly right; nobody asked for it."""
    if exact is None or exact.low <= 0:
        return ""
    return (
        f"More lines are exactly right as well: {exact.value * 100:+.1f} points, 95 % interval "
        f"{exact.low * 100:+.1f} to {exact.high * 100:+.1f}."
    )
