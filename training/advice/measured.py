"""What the completions said: shares of the failures by sort, and how the house's form came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homespun.server.completion.failure_sorts import (
    ENDING,
    FAILURE_SORTS,
    FORM,
    KNOWLEDGE,
    KNOWLEDGE_AND_FORM,
    NOT_TAKEN,
)
from homespun.stats import Paired
from homespun.training.advice.shares import Share, share_of
from homespun.training.conventions.written import FormCounts
from homespun.training.evaluation.report import (
    PRIMARY_METRIC,
    CompletionReport,
    ScoredItem,
    paired_json,
)

_MISSING_NAMES = 30  # that are kept


@dataclass(frozen=True, slots=True)
class RuleFollowed:
    """How one rule of the house came out in what the model wrote; a site is a place of the rule."""

    rule: str
    house: int  # sites in the house's form in ordinary completions, the whole file in sight
    sites: int
    unseen_house: int  # the same where the file shows the habit nowhere
    unseen_sites: int


@dataclass(frozen=True, slots=True)
class LargerAsked:
    """The next larger model at the same places, with retrieval."""

    model: str
    exact: Share
    gain: Paired  # exact first lines, larger minus the one that serves
    ms: float  # median of a completion


@dataclass(frozen=True, slots=True)
class Measured:
    """Completions of later lines by the model as it serves, all shares with their intervals."""

    places: int
    commits: int
    exact: Mapping[str, Share]  # context ("none", "retrieval") -> first lines as written
    gain: Paired | None  # what retrieval brings, exact first lines
    failures: Mapping[str, Mapping[str, Share]]  # context -> code of a sort -> of the failures
    knowledge: Share  # of the failures with retrieval, both sorts of it together
    in_file: Share  # sites in the house's form, the whole file in sight
    unseen: Share  # where the file shows the habit nowhere
    unseen_asked: int  # habits that were to be written
    rules: tuple[RuleFollowed, ...]
    missing: Mapping[str, int]  # names that retrieval did not show
    ms: Mapping[str, float]  # context -> median of a completion, milliseconds
    larger: LargerAsked | None = None

    @property
    def not_taken(self) -> Share:
        """Of the failures with retrieval, what is left for a larger model."""
        return self.failures["retrieval"][NOT_TAKEN.code]

    @property
    def form(self) -> Share:
        """Of the failures with retrieval, what was said in another form."""
        return self.failures["retrieval"][FORM.code]

    @property
    def ending(self) -> Share:
        """Of the failures with retrieval, what ended at the wrong place."""
        return self.failures["retrieval"][ENDING.code]

    @property
    def room(self) -> Share:
        """Of the sites that were written where the file shows none, those not in house form."""
        found = self.unseen
        if not found.is_known:
            return found
        return Share(found.of - found.count, found.of, 1 - found.high, 1 - found.low)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        failures = {
            context: {
                code: {
                    "name": FAILURE_SORTS[code].name,
                    "mended_by": FAILURE_SORTS[code].mended_by,
                    **share.to_json(),
                }
                for code, share in shares.items()
            }
            for context, shares in self.failures.items()
        }
        larger = self.larger
        return {
            "places": self.places,
            "commits": self.commits,
            "exact": {context: share.to_json() for context, share in self.exact.items()},
            "retrieval_gain": paired_json(self.gain),
            "failures": failures,
            "form": {
                "in_file": self.in_file.to_json(),
                "unseen": self.unseen.to_json(),
                "unseen_asked": self.unseen_asked,
                "rules": [
                    {name: getattr(rule, name) for name in RuleFollowed.__slots__}
                    for rule in self.rules
                ],
            },
            "missing": dict(self.missing),
            "ms": {context: round(ms, 1) for context, ms in self.ms.items()},
            "larger": None
            if larger is None
            else {
                "model": larger.model,
                "exact": larger.exact.to_json(),
                "gain": paired_json(larger.gain),
                "ms": round(larger.ms, 1),
            },
        }


_KNOWLEDGE = (KNOWLEDGE.code, KNOWLEDGE_AND_FORM.code)
CONTEXTS = ("none", "retrieval")


def measured(report: CompletionReport, model: str, *, missing: Iterable[str] = ()) -> Measured:
    """Read a report. `model` is the arms' that serves; `missing` names, one a place that lacks it.

    Without an answer at any place nothing can be read: `evaluate` raises before that.
    """
    arms = {context: f"{model}/{context}" for context in CONTEXTS}
    names = Counter(missing).most_common(_MISSING_NAMES)
    counts = report.counts()
    with_retrieval = arms["retrieval"]
    return Measured(
        places=counts["count"],
        commits=counts["commits"],
        exact={context: _exact(report.rows, arm) for context, arm in arms.items()},
        gain=report.compare(with_retrieval, arms["none"], PRIMARY_METRIC),
        failures={context: _failures(report.rows, arm) for context, arm in arms.items()},
        knowledge=share_of(
            (code in _KNOWLEDGE, cluster) for code, cluster in _failed(report.rows, with_retrieval)
        ),
        in_file=_form(report.rows, with_retrieval),
        unseen=_form(report.habits, with_retrieval),
        unseen_asked=len(report.habits),
        rules=tuple(_rules(report, with_retrieval)),
        missing=dict(names),
        ms={context: report.speed(arm).get("total_ms", 0.0) for context, arm in arms.items()},
    )


def _exact(rows: Iterable[ScoredItem], arm: str) -> Share:
    return share_of((row.scores[arm].exact_line, row.cluster) for row in rows if arm in row.scores)


def _failures(rows: Iterable[ScoredItem], arm: str) -> dict[str, Share]:
    """Return the share of each sort among the failures."""
    failed = _failed(rows, arm)
    return {
        sort: share_of((code == sort, cluster) for code, cluster in failed)
        for sort in FAILURE_SORTS
    }


def _failed(rows: Iterable[ScoredItem], arm: str) -> list[tuple[str, str]]:
    """Return (code of the sort, commit) of each failure."""
    found = [(row.scores[arm].failure, row.cluster) for row in rows if arm in row.scores]
    return [(code, cluster) for code, cluster in found if code]


def _form(rows: Iterable[ScoredItem], arm: str) -> Share:
    """Return the share of the house's form among the sites that were written."""
    sites = []
    for row in rows:
        for counts in _forms_of(row, arm).values():
            sites += [(True, row.cluster)] * counts.house + [(False, row.cluster)] * counts.other
    return share_of(sites)


def _forms_of(row: ScoredItem, arm: str) -> Mapping[str, FormCounts]:
    score = row.scores.get(arm)
    return (score.forms or {}) if score is not None else {}


def _rules(report: CompletionReport, arm: str) -> Iterable[RuleFollowed]:
    counted: dict[str, list[int]] = {}
    for rows, at in ((report.rows, 0), (report.habits, 2)):
        for row in rows:
            for rule, counts in _forms_of(row, arm).items():
                numbers = counted.setdefault(rule, [0, 0, 0, 0])
                numbers[at] += counts.house
                numbers[at + 1] += counts.house + counts.other
    for rule, numbers in sorted(counted.items(), key=lambda one: (-sum(one[1]), one[0])):
        yield RuleFollowed(rule, *numbers)
