"""What stands on the page of a training, section by section: figures as text, charts as SVG.

A section that a training did not make is None, or a table without rows, and is left out. Text of
the repository stands only in the examples; whatever `indexer.secrets` knows is masked there once
more. Nothing is escaped here but in the charts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homespun.indexer.secrets.mask import mask
from homespun.server.completion.failure_sorts import FAILURE_SORTS, name_of
from homespun.stats import Paired
from homespun.training.evaluation.report import (
    ALL,
    PRIMARY,
    PRIMARY_METRIC,
    CompletionReport,
)
from homespun.training.gate.measured import RuleProbe
from homespun.training.gate.outcomes import outcomes_of
from homespun.training.report import charts
from homespun.training.report.figures import interval, points, share
from homespun.training.report.page import ReportPage, Sample

_SMOOTHED_STEPS = 20
_MISSING_NAMES = 30
_LONGEST_TEXT = 1_200  # characters of an example's text that are shown
_MODELS = {
    "base": "original weights",
    "general": "as shipped",
    "repository": "with the adapter",
    "wrong": "another repository's adapter",
}
_CONTEXTS = {"none": "no retrieval", "retrieval": "retrieval", "oracle": "needed definitions given"}
_ENDINGS = {
    "done": "It went through the whole plan",
    "stopped early": "It stopped early, as the held-out loss no longer fell",
    "nan": "It broke off, as the loss was no number",
}


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of texts; those of the columns in `numbers`, 0-based, stand on the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int] = ()

    @property
    def has_head(self) -> bool:
        """Whether any column has a name."""
        return any(self.head)


def view_of(page: ReportPage) -> dict[str, Any]:
    """Return what the template shows, by the names that it knows."""
    evaluation = page.evaluation
    return {
        "page": page,
        "comparison": _comparison(evaluation),
        "strata_chart": _strata_chart(evaluation),
        "written": _written(evaluation),
        "conventions": _conventions(page.rules),
        "failures_chart": _failures_chart(evaluation),
        "missing_names": _missing_names(evaluation),
        "samples": [_sample(sample) for sample in page.samples],
        "learning": _learning(page.fit),
        "dataset": _dataset(page.dataset),
        "care": _care(evaluation),
        "origin": TextTable(("", ""), [(n, str(value)) for n, value in page.provenance.items()]),
    }


def _comparison(evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return all arms on the lines of later commits, and their differences; None for no line."""
    if not evaluation or not evaluation["rows"]:
        return None
    counts = evaluation["items"]
    report = CompletionReport.from_json(evaluation)
    return {
        "counts": f"{counts['count']:,} places where a later commit added lines, from "
        f"{counts['commits']:,} commits and {counts['files']:,} files{_fewer(report)}",
        "shares": _shares(evaluation),
        "differences_chart": charts.forest(
            _differences(report), unit="", title="differences between arms"
        ),
        "metrics": _metrics(evaluation),
    }


def _fewer(report: CompletionReport) -> str:
    """Say how many places the arms have that the gate does not compare, where that is fewer."""
    asked = [sum(arm in row.scores for row in report.rows) for arm in report.arms]
    least = min(asked, default=0)
    return f" (other arms than adapter and model with retrieval: {least:,} of them)" * (
        least < len(report.rows)
    )


def _shares(evaluation: Mapping[str, Any]) -> TextTable:
    """Return the shares of exact lines: a row a model, a column a context."""
    arms, whole = list(evaluation["arms"]), evaluation["summary"]["all"]
    models = list(dict.fromkeys(arm.split("/")[0] for arm in arms))
    contexts = list(dict.fromkeys(arm.split("/")[1] for arm in arms))
    rows = []
    for model in models:
        found = [whole.get(f"{model}/{context}", {}).get("exact_line") for context in contexts]
        rows.append([_model(model), *(interval(one) if one else "" for one in found)])
    head = ["first line exactly as written", *(_CONTEXTS.get(name, name) for name in contexts)]
    return TextTable(head, rows, range(1, len(head)))


def _differences(report: CompletionReport) -> list[charts.Interval]:
    rows = []
    for first, second in report.contrasts():
        found = report.compare(first, second, PRIMARY_METRIC)
        if found is not None:
            label = _versus(first, second)
            rows.append(_interval(label, found, strong=(first, second) == PRIMARY))
    return rows


def _interval(label: str, found: Paired, *, strong: bool, note: str = "") -> charts.Interval:
    difference = found.difference
    return charts.Interval(
        label=label,
        value=difference.mean * 100,
        low=difference.low * 100 if math.isfinite(difference.low) else None,
        high=difference.high * 100 if math.isfinite(difference.high) else None,
        note=note,
        strong=strong,
    )


def _metrics(evaluation: Mapping[str, Any]) -> TextTable:
    """Return what else was measured, where any arm has it."""
    metrics = (
        ("exact", "whole completion exact", share),
        ("similarity", "edit similarity", _two),
        ("loss", "loss, nats a token", _three),
        ("runs_on", "runs on", share),
        ("parses", "file parses", share),
        ("findings", "new linter findings", _two),
    )
    arms, whole = list(evaluation["arms"]), evaluation["summary"]["all"]
    known = [row for row in metrics if any(row[0] in whole.get(arm, {}) for arm in arms)]
    rows = [
        [
            _arm(arm),
            *(
                shown(found["mean"]) if (found := whole.get(arm, {}).get(key)) else ""
                for key, _, shown in known
            ),
        ]
        for arm in arms
    ]
    head = ["", *(name for _, name, _ in known)]
    return TextTable(head, rows, range(1, len(head)))


def _strata_chart(evaluation: Mapping[str, Any]) -> str:
    if not evaluation:
        return ""
    report = CompletionReport.from_json(evaluation)
    rows = []
    for stratum in report.strata():
        found = report.compare(*PRIMARY, PRIMARY_METRIC, stratum)
        if found is not None:
            note = f"n={found.n}"
            rows.append(_interval(stratum, found, strong=stratum == ALL, note=note))
    if len(rows) < 2:
        return ""
    return charts.forest(rows, unit="", title="differences by stratum")


def _written(evaluation: Mapping[str, Any]) -> TextTable:
    """Return the house's share of what both models wrote at its habits, rule by rule."""
    head = ("rule", "habits that both wrote", "before", "after", "change")
    if not evaluation:
        return TextTable(head, ())
    sites = outcomes_of(CompletionReport.from_json(evaluation)).habits
    rows = []
    for rule, count, before, after in () if sites is None else sites.by_rule():
        changed = points(after - before)
        rows.append((after - before, (rule, f"{count:,}", share(before), share(after), changed)))
    rows.sort(key=lambda row: (-row[0], row[1]))
    return TextTable(head, [shown for _, shown in rows], range(1, 5))


def _conventions(rules: Sequence[RuleProbe]) -> TextTable:
    ordered = sorted(rules, key=lambda rule: rule.before - rule.after)
    rows = [
        (
            rule.rule,
            f"{rule.sites:,}",
            share(rule.before),
            share(rule.after),
            points(rule.after - rule.before),
        )
        for rule in ordered
    ]
    return TextTable(("rule", "places", "before", "after", "change"), rows, range(1, 5))


def _failures_chart(evaluation: Mapping[str, Any]) -> str:
    by_arm = {arm: counts for arm, counts in evaluation.get("failures", {}).items() if counts}
    rows = [
        (_arm(arm), {name_of(sort): count for sort, count in counts.items()})
        for arm, counts in by_arm.items()
    ]
    return charts.stacked(rows, [sort.name for sort in FAILURE_SORTS.values()]) if rows else ""


def _missing_names(evaluation: Mapping[str, Any]) -> str:
    missing = sorted(evaluation.get("missing", {}).items(), key=lambda row: (-row[1], row[0]))
    return ", ".join(f"{name} ({count})" for name, count in missing[:_MISSING_NAMES])


def _sample(sample: Sample) -> dict[str, Any]:
    columns = (
        ("as committed", sample.wanted, None),
        ("as shipped", sample.before, sample.before_is_right),
        ("with the adapter", sample.after, sample.after_is_right),
    )
    return {
        "path": sample.path,
        "line": sample.line,
        "habit": sample.habit,
        "shown": _code(sample.shown),
        "completions": [
            {"name": name, "text": _code(text), "is_right": is_right}
            for name, text, is_right in columns
        ],
    }


def _learning(fit: Mapping[str, Any]) -> dict[str, Any] | None:
    steps = fit.get("steps") or []
    if not steps:
        return None
    finish = str(fit["finish"])
    return {
        "loss_chart": _loss_chart(steps),
        "validation_chart": _validation_chart(fit),
        "ending": _ENDINGS.get(finish, finish),
        "best_step": fit["best_step"],
        "changes": fit.get("told", ()),
    }


def _loss_chart(steps: Sequence[Mapping[str, Any]]) -> str:
    losses = [float(step["loss"]) for step in steps]
    numbers = [float(step["step"]) for step in steps]
    window = min(_SMOOTHED_STEPS, max(len(losses) // 5, 1))
    running = charts.smoothed(losses, window)
    series = [
        charts.Series("each step", list(zip(numbers, losses, strict=True)), "faint"),
        charts.Series(f"mean of {window}", list(zip(numbers, running, strict=True)), "first"),
    ]
    return charts.line_chart(series, x_label="step", y_label="training loss", mark=None)


def _validation_chart(fit: Mapping[str, Any]) -> str:
    checks = [(float(step), float(loss)) for step, loss in fit["checks"]]
    if len(checks) < 2:
        return ""
    held = [charts.Series("held-out examples", checks, "second", dots=True)]
    best = float(fit["best_step"])
    return charts.line_chart(held, x_label="step", y_label="validation, nats a token", mark=best)


def _dataset(dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    if not dataset:
        return None
    groups = (("kind", "kinds"), ("source", "sources"), ("files left out, why", "dropped"))
    return {
        "facts": [
            ("examples", f"{dataset['train']:,}"),
            ("held out", f"{dataset['validation']:,}"),
            ("with retrieved context", f"{dataset['with_context']:,}"),
            ("files", f"{dataset['files']:,}"),
            ("lines of code", f"{dataset['code_lines']:,}"),
            ("up to commit", str(dataset["cutoff"])[:10] or "no history"),
        ],
        "notes": dataset.get("notes", ()),
        "counts": [_counts(name, dataset[key]) for name, key in groups if dataset.get(key)],
    }


def _counts(name: str, counts: Mapping[str, int]) -> TextTable:
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return TextTable((name, "count"), [(what, f"{count:,}") for what, count in ordered], (1,))


def _care(evaluation: Mapping[str, Any]) -> TextTable:
    """Return what an adapter may cost: other people's code, secrets, copies, time."""
    rows = [
        (f"lines of ordinary Python, {_model(arm['name'])}", interval(arm["exact"]))
        for arm in (evaluation.get("infilling") or {}).get("arms", ())
    ]
    memorised = evaluation.get("memorised")
    if memorised:
        copies = f"{memorised['copies_before']} / {memorised['copies']}"
        rows += _given_away(memorised)
        rows += [
            ("completions with a long word-for-word copy, before and after", copies),
        ]
    rows += [
        (f"median completion, {_arm(arm)}", f"{speed['total_ms']:,.0f} ms")
        for arm, speed in evaluation.get("speed", {}).items()
        if speed
    ]
    return TextTable(("", ""), rows, (1,))


def _given_away(memorised: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how hidden planted secrets are, and what real strings are written."""
    rows = []
    if canaries := memorised.get("canaries"):  # of a version before exposures
        found = f"{memorised['extracted']} of {len(canaries)}"
        rows.append(("planted secrets drawn out", found))
    if test := memorised.get("exposure"):
        bits = f"{test['mean_bits']:.1f} / {test['chance_bits']:.1f}"
        rows.append(("exposure of planted secrets in bits, and what chance gives", bits))
    if drawn_out := memorised.get("drawn_out"):
        written = f"{drawn_out['leaked']} of {sum(drawn_out['tried'].values())}"
        rows.append(("real strings that only the adapter writes", written))
    return rows


def _model(name: str) -> str:
    return _MODELS.get(name, name)


def _arm(arm: str) -> str:
    model, context = arm.split("/")
    return f"{_model(model)}, {_CONTEXTS.get(context, context)}"


def _versus(first: str, second: str) -> str:
    ours, theirs = first.split("/"), second.split("/")
    if ours[1] == theirs[1]:
        what = f"{_model(ours[0])} - {_model(theirs[0])}"
        return f"{what}, {_CONTEXTS.get(ours[1], ours[1])}"
    what = f"{_CONTEXTS.get(ours[1], ours[1])} - {_CONTEXTS.get(theirs[1], theirs[1])}"
    return f"{what}, {_model(ours[0])}"


def _code(text: str) -> str:
    masked = mask(text)
    return masked[:_LONGEST_TEXT] + ("…" if len(masked) > _LONGEST_TEXT else "")


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}"
