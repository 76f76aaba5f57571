"""What stands on the page of an advice, section by section; how it looks: the report's templates.

Names of folders, rules and missing names are the repository's own: the template escapes them, the
charts do so themselves, and what looks like a secret is masked here.
"""

from __future__ import annotations

from typing import Any

from homespun.indexer.secrets.mask import mask
from homespun.models.types import WITHOUT_OWN
from homespun.server.completion.failure_sorts import FAILURE_SORTS
from homespun.stats import Paired
from homespun.training.advice.advise import Advice
from homespun.training.advice.history_facts import HistoryFacts
from homespun.training.advice.levers import DO, Lever, points_of
from homespun.training.advice.measured import CONTEXTS, Measured
from homespun.training.advice.shares import Share
from homespun.training.advice.then_and_now import HouseThenAndNow
from homespun.training.report import charts
from homespun.training.report.figures import minutes, share
from homespun.training.report.html import filled
from homespun.training.report.view import TextTable

_CONTEXT_NAMES = {"none": "no retrieval", "retrieval": "retrieval"}
_SHOWN_FOLDERS = 12
_SHOWN_RULES = 20
_SAYS = {"yes": "due", "no": "not due", "open": "open"}


def page_of(advice: Advice, made: str) -> str:
    """Return the whole HTML document; `made` is a day and time."""
    return filled("advice.html.j2", view_of(advice, made))


def view_of(advice: Advice, made: str) -> dict[str, Any]:
    """Return what the template shows, by the names that it knows."""
    found, house = advice.measured, advice.house
    return {
        "repo": advice.repo,
        "made": made,
        "model": advice.model + (f", adapter {advice.adapter}" if _has_adapter(advice) else ""),
        "verdict": advice.verdict,
        "levers": [_lever(lever) for lever in advice.verdict.levers],
        "figures": _figures(advice),
        "cards_of_places": _cards(found),
        "failures_chart": _failures_chart(found),
        "shares_chart": _shares_chart(found),
        "sorts": TextTable(
            ("sort", "it is this where", "what could mend it"),
            [(s.name, s.meaning, s.mended_by or "nothing") for s in FAILURE_SORTS.values()],
        ),
        "missing_names": mask(", ".join(f"{n} ({c})" for n, c in found.missing.items())),
        "form": _form(found),
        "followed": _followed(found),
        "house_cards": _house_cards(house),
        "unsettled": _rules(house),
        "history_cards": _history_cards(advice.history),
        "weeks_chart": _weeks_chart(advice.history),
        "ages_chart": _ages_chart(advice.history),
        "folders": _folders(advice.history),
        "exam": advice.exam,
        "exam_lines": [line.strip() for line in advice.exam.lines()],
        "notes": advice.notes,
        "took": minutes(advice.seconds),
    }


def _has_adapter(advice: Advice) -> bool:
    return advice.adapter not in WITHOUT_OWN


def _lever(lever: Lever) -> dict[str, Any]:
    return {
        "holds": lever.outcome == "yes",
        "is_open": lever.outcome == "open",
        "says": _SAYS[lever.outcome],
        "do": DO[lever.name],
        "sentence": lever.sentence,
        "minutes": minutes(lever.minutes * 60) if lever.minutes else "none",
        "price": lever.price,
    }


def _figures(advice: Advice) -> TextTable:
    """Return each share that a lever is judged by, with its interval and threshold."""
    rows = [
        (
            DO[lever.name],
            figure.name,
            f"{figure.share.count} of {figure.share.of}",
            str(figure.share),
            f"{figure.least * 100:g} %",
            {"yes": "above", "no": "below", "open": "open"}[figure.outcome],
        )
        for lever in advice.verdict.levers
        for figure in lever.figures
    ]
    head = ("to", "share", "counted", "95 % interval", "speaks for it from", "it lies")
    return TextTable(head, rows, (2, 3, 4))


def _cards(found: Measured) -> list[tuple[str, str]]:
    rows = [("places of later commits", f"{found.places:,}"), ("commits", f"{found.commits:,}")]
    rows += [
        (f"first lines exact, {_CONTEXT_NAMES[context]}", str(found.exact[context]))
        for context in CONTEXTS
    ]
    rows += _gained("retrieval", found.gain)
    if found.larger is not None:
        rows.append((f"first lines exact, {found.larger.model}", str(found.larger.exact)))
        rows += _gained(found.larger.model, found.larger.gain)
    return rows


def _gained(name: str, gain: Paired | None) -> list[tuple[str, str]]:
    return [] if gain is None else [(f"points that {name} brings", points_of(gain.difference))]


def _failures_chart(found: Measured) -> str:
    rows = [
        (
            _CONTEXT_NAMES[context],
            {FAILURE_SORTS[code].name: one.count for code, one in found.failures[context].items()},
        )
        for context in CONTEXTS
    ]
    return charts.stacked(rows, [sort.name for sort in FAILURE_SORTS.values()])


def _shares_chart(found: Measured) -> str:
    rows = [
        _bar(FAILURE_SORTS[code].name, one)
        for code, one in found.failures["retrieval"].items()
        if one.is_known
    ]
    return charts.forest(rows, unit=" %", title="shares of the failures", is_share=True)


def _bar(name: str, one: Share) -> charts.Interval:
    numbers = (one.value * 100, one.low * 100, one.high * 100)
    return charts.Interval(name, *numbers, note=f"n={one.count}")


def _form(found: Measured) -> list[tuple[str, str]]:
    return [
        ("house's form, the whole file in sight", f"{found.in_file} of {found.in_file.of}"),
        ("house's form, where the file shows none", f"{found.unseen} of {found.unseen.of}"),
        ("habits that were to be written", f"{found.unseen_asked:,}"),
    ]


def _followed(found: Measured) -> TextTable:
    rows = [
        (
            rule.rule,
            f"{rule.house} of {rule.sites}" if rule.sites else "",
            f"{rule.unseen_house} of {rule.unseen_sites}" if rule.unseen_sites else "",
        )
        for rule in found.rules[:_SHOWN_RULES]
    ]
    return TextTable(("rule", "whole file in sight", "the file shows none"), rows, (1, 2))


def _house_cards(house: HouseThenAndNow) -> list[tuple[str, str]]:
    rows = [
        ("conventions with places enough", f"{house.judged}"),
        ("of them settled", f"{house.settled}"),
    ]
    if house.day_then:
        rows += [
            (f"settled on {house.day_then}", f"{house.house_then}"),
            ("of those, not stayed", f"{len(house.unsettled)}"),
        ]
    return rows


def _rules(house: HouseThenAndNow) -> TextTable:
    """Return the rules that did not stay, then those that are mixed."""
    moved = [rule for rule in house.rules if rule.is_unsettled]
    mixed = [rule for rule in house.rules if rule.status == "mixed" and not rule.is_unsettled]
    rows = [
        (
            mask(rule.title),
            mask(rule.form),
            share(rule.share),
            share(rule.share_then) if rule.sites_then else "",
            mask(rule.form_then),
            "did not stay" if rule.is_unsettled else "mixed",
        )
        for rule in (*moved, *mixed)
    ]
    head = ("what", "how, mostly", "now", f"{house.day_then or 'then'}", "mostly then", "")
    return TextTable(head, rows[:_SHOWN_RULES], (2, 3))


def _history_cards(history: HistoryFacts) -> list[tuple[str, str]]:
    return [
        ("lines of code", f"{history.code_lines:,}"),
        ("files", f"{history.files:,}"),
        ("commits", f"{history.commits:,}"),
        ("of them examples", f"{history.usable:,}"),
        (f"from {history.first_day} to {history.last_day}", f"{history.days:,} days"),
        ("authors, of them in the last year", f"{history.authors:,}, {history.recent_authors:,}"),
        ("of the code untouched for a year", share(history.settled_share)),
    ]


def _weeks_chart(history: HistoryFacts) -> str:
    counts = list(enumerate(map(float, history.added_by_week)))
    if len(counts) < 2:
        return ""
    series = [charts.Series("", [(float(week), lines) for week, lines in counts], "first")]
    return charts.line_chart(series, x_label="week", y_label="lines added", mark=None)


def _ages_chart(history: HistoryFacts) -> str:
    rows = [("lines of code", {name: count for name, count in history.ages.items() if count})]
    return charts.stacked(rows, list(history.ages), title="lines by last change of their file")


def _folders(history: HistoryFacts) -> TextTable:
    rows = [
        (
            mask(one.folder) or "(top)",
            f"{one.weeks} of {history.weeks}",
            f"{one.added:,}",
            f"{one.code_lines:,}",
            f"{one.files:,}",
        )
        for one in history.folders[:_SHOWN_FOLDERS]
    ]
    head = ("folder", "weeks with a change", "lines added", "lines of code", "files")
    return TextTable(head, rows, range(1, 5))
