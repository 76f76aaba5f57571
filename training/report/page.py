"""A training told on one page of HTML that needs nothing else: the verdict first, then why.

The page is made from JSON alone (`ReportPage`), so that it can be made again from a run's folder.
Text of the repository stands only in the examples; whatever `indexer.secrets` knows is masked there
once more. It begins with a policy that lets no script run and nothing be fetched, and is made of
the few elements that `server/report_page.py` knows: the server gives an editor no other page to
open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from homespun.indexer.secrets.mask import mask
from homespun.server.report_page import HEAD
from homespun.stats import Paired
from homespun.training.evaluation.report import (
    ALL,
    PRIMARY,
    PRIMARY_METRIC,
    CompletionReport,
)
from homespun.training.gate.gate import GateVerdict, RuleProbe
from homespun.training.report import charts
from homespun.training.report.html import (
    Cell,
    cards,
    escape,
    interval,
    paragraph,
    points,
    section,
    share,
    table,
    yes_no,
)
from homespun.training.report.style import STYLE

FAILURES = {  # of training/evaluation/failures.py
    "K": "missing knowledge",
    "S": "wrong style",
    "B": "both",
    "I": "another way",
    "X": "broken",
}
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


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of the evaluation, completed before and after."""

    path: str
    line: int  # 1-based, of the cursor
    shown: str  # the document's last lines before the cursor
    wanted: str
    before: str  # by the model as shipped
    after: str  # with the adapter
    before_is_exact: bool
    after_is_exact: bool


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All that the page shows; empty or None where a part was not made."""

    repo: str
    run: str
    made: str  # ISO date and time
    verdict: GateVerdict
    outcome: str  # what was done with the adapter, a sentence
    dataset: Mapping[str, Any] = field(default_factory=dict)  # DatasetReport.to_json()
    fit: Mapping[str, Any] = field(default_factory=dict)  # FitLog.to_json()
    evaluation: Mapping[str, Any] = field(default_factory=dict)  # CompletionReport.to_json()
    rules: Sequence[RuleProbe] = ()
    samples: Sequence[Sample] = ()
    costs: Mapping[str, Any] = field(default_factory=dict)  # name -> text
    provenance: Mapping[str, Any] = field(default_factory=dict)  # name -> text

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {**asdict(self), "verdict": self.verdict.to_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ReportPage:
        """Read it back. Raises KeyError, TypeError on anything else."""
        return cls(
            **{
                **row,
                "verdict": GateVerdict.from_json(row["verdict"]),
                "rules": [RuleProbe(**rule) for rule in row["rules"]],
                "samples": [Sample(**sample) for sample in row["samples"]],
            }
        )


def render(page: ReportPage) -> str:
    """Return the whole HTML document."""
    parts = (
        _header(page),
        _verdict(page),
        _comparison(page.evaluation),
        _strata(page.evaluation),
        _conventions(page.rules),
        _failures(page.evaluation),
        _samples(page.samples),
        _curves(page.fit),
        _data(page.dataset),
        _care(page.evaluation),
        _costs(page),
    )
    title = f"homespun: {page.repo}, {page.run}"
    return (
        f"{HEAD}<title>{escape(title)}</title><style>\n{STYLE}\n</style></head>\n<body><main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main></body></html>\n"
    )


def _header(page: ReportPage) -> str:
    return (
        f"<header><h1>What was learned from {escape(page.repo)}</h1>"
        f"<p>{escape(page.run)}, {escape(page.made)}</p></header>"
    )


def _verdict(page: ReportPage) -> str:
    verdict = page.verdict
    rows = [
        [
            Cell.of_html(yes_no(condition.passed)),
            Cell(condition.name),
            Cell(condition.found),
            Cell(condition.wanted),
        ]
        for condition in verdict.conditions
    ]
    style = "verdict promote" if verdict.promote else "verdict"
    return section(
        "The verdict",
        f'<p class="headline">{escape(verdict.headline)}</p>',
        paragraph(page.outcome),
        table(["", "what", "found", "wanted"], rows),
        style=style,
    )


def _comparison(evaluation: Mapping[str, Any]) -> str:
    if not evaluation:
        return ""
    arms = list(evaluation["arms"])
    models = list(dict.fromkeys(arm.split("/")[0] for arm in arms))
    contexts = list(dict.fromkeys(arm.split("/")[1] for arm in arms))
    whole = evaluation["summary"]["all"]
    rows = []
    for model in models:
        row = [Cell(_MODELS.get(model, model))]
        for context in contexts:
            found = whole.get(f"{model}/{context}", {}).get("exact_line")
            row.append(Cell(interval(found) if found else "", number=True))
        rows.append(row)
    counts = evaluation["items"]
    head = ["first line exactly as written", *(_CONTEXTS.get(name, name) for name in contexts)]
    return section(
        "Lines of later commits",
        paragraph(
            f"{counts['count']:,} places where a later commit added lines, from "
            f"{counts['commits']:,} commits and {counts['files']:,} files, completed in the file "
            "as it stood before. Shares with 95 % intervals."
        ),
        table(head, rows, numbers=range(1, len(head))),
        "<h3>Differences in points, same places, 95 % intervals</h3>",
        charts.forest(_differences(evaluation), unit="", title="differences between arms"),
        _more_metrics(whole, arms),
    )


def _differences(evaluation: Mapping[str, Any]) -> list[charts.Interval]:
    report = CompletionReport.from_json(evaluation)
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


def _versus(first: str, second: str) -> str:
    ours, theirs = first.split("/"), second.split("/")
    if ours[1] == theirs[1]:
        what = f"{_MODELS.get(ours[0], ours[0])} - {_MODELS.get(theirs[0], theirs[0])}"
        return f"{what}, {_CONTEXTS.get(ours[1], ours[1])}"
    what = f"{_CONTEXTS.get(ours[1], ours[1])} - {_CONTEXTS.get(theirs[1], theirs[1])}"
    return f"{what}, {_MODELS.get(ours[0], ours[0])}"


def _more_metrics(whole: Mapping[str, Any], arms: Sequence[str]) -> str:
    metrics = (
        ("exact", "whole completion exact", share),
        ("similarity", "edit similarity", _two),
        ("loss", "loss, nats a token", _three),
        ("runs_on", "runs on", share),
        ("parses", "file parses", share),
        ("findings", "new linter findings", _two),
    )
    known = [row for row in metrics if any(row[0] in whole.get(arm, {}) for arm in arms)]
    rows = []
    for arm in arms:
        model, context = arm.split("/")
        name = f"{_MODELS.get(model, model)}, {_CONTEXTS.get(context, context)}"
        values = [
            Cell(shown(found["mean"]) if (found := whole.get(arm, {}).get(key)) else "", True)
            for key, _, shown in known
        ]
        rows.append([Cell(name), *values])
    head = ["", *(name for _, name, _ in known)]
    return table(head, rows, numbers=range(1, len(head)))


def _strata(evaluation: Mapping[str, Any]) -> str:
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
    return section(
        "Where the adapter helps",
        paragraph(
            "Adapter minus model as shipped, both with retrieval, in points of exact first lines."
        ),
        charts.forest(rows, unit="", title="differences by stratum"),
    )


def _conventions(rules: Sequence[RuleProbe]) -> str:
    if not rules:
        return ""
    ordered = sorted(rules, key=lambda rule: rule.before - rule.after)
    rows = [
        [
            Cell(rule.rule),
            Cell(f"{rule.sites:,}", number=True),
            Cell(share(rule.before), number=True),
            Cell(share(rule.after), number=True),
            Cell(points(rule.after - rule.before), number=True),
        ]
        for rule in ordered
    ]
    return section(
        "The house's conventions",
        paragraph(
            "At places in later commits the line is also written the other way. The share of "
            "places where the model finds the house's form the likelier one:"
        ),
        table(["rule", "places", "before", "after", "change"], rows, numbers=range(1, 5)),
    )


def _failures(evaluation: Mapping[str, Any]) -> str:
    by_arm = {arm: counts for arm, counts in evaluation.get("failures", {}).items() if counts}
    if not by_arm:
        return ""
    rows = []
    for arm, counts in by_arm.items():
        model, context = arm.split("/")
        named = {FAILURES.get(sort, sort): count for sort, count in counts.items()}
        rows.append((f"{_MODELS.get(model, model)}, {_CONTEXTS.get(context, context)}", named))
    missing = sorted(evaluation.get("missing", {}).items(), key=lambda row: (-row[1], row[0]))
    names = ", ".join(f"{name} ({count})" for name, count in missing[:_MISSING_NAMES])
    return section(
        "What went wrong",
        paragraph(
            "Missing knowledge is for retrieval to give, wrong style for tuning; broken output "
            "does not parse or runs on; another way is right by itself but not what was written."
        ),
        charts.stacked(rows, list(FAILURES.values())),
        paragraph(f"Names that no prompt showed: {names}") if names else "",
    )


def _samples(samples: Sequence[Sample]) -> str:
    if not samples:
        return ""
    return section(
        "Before and after",
        paragraph("Chosen by chance among won, lost and still wrong, not by how they look."),
        *[_sample(sample) for sample in samples],
    )


def _sample(sample: Sample) -> str:
    columns = (
        ("as committed", sample.wanted, None),
        ("as shipped", sample.before, sample.before_is_exact),
        ("with the adapter", sample.after, sample.after_is_exact),
    )
    boxes = "".join(
        f"<div><span class='soft'>{escape(name)}"
        f"{' ' + yes_no(exact) if exact is not None else ''}</span>"
        f"<pre>{_code(text) or '<i>(nothing)</i>'}</pre></div>"
        for name, text, exact in columns
    )
    return (
        f"<div class='sample'><span class='soft'>{escape(sample.path)}:{sample.line}</span>"
        f"<pre>{_code(sample.shown)}</pre><div class='three'>{boxes}</div></div>"
    )


def _curves(fit: Mapping[str, Any]) -> str:
    steps = fit.get("steps") or []
    if not steps:
        return ""
    losses = [float(step["loss"]) for step in steps]
    numbers = [float(step["step"]) for step in steps]
    checks = [(float(step), float(loss)) for step, loss in fit["checks"]]
    window = min(_SMOOTHED_STEPS, max(len(losses) // 5, 1))
    running = charts.smoothed(losses, window)
    series = [
        charts.Series("each step", list(zip(numbers, losses, strict=True)), "faint"),
        charts.Series(f"mean of {window}", list(zip(numbers, running, strict=True)), "first"),
    ]
    chart = charts.line_chart(series, x_label="step", y_label="training loss", mark=None)
    if len(checks) > 1:
        held = [charts.Series("held-out examples", checks, "second", dots=True)]
        best = float(fit["best_step"])
        chart += charts.line_chart(
            held, x_label="step", y_label="validation, nats a token", mark=best
        )
    told = "".join(paragraph(sentence) for sentence in fit.get("told", ()))
    return section("Learning", chart, paragraph(_ending(fit)), told)


def _ending(fit: Mapping[str, Any]) -> str:
    endings = {
        "done": "It went through the whole plan",
        "stopped early": "It stopped early, as the held-out loss no longer fell",
        "nan": "It broke off, as the loss was no number",
    }
    ending = endings.get(str(fit["finish"]), str(fit["finish"]))
    return f"{ending}; the weights of step {fit['best_step']} are kept."


def _data(dataset: Mapping[str, Any]) -> str:
    if not dataset:
        return ""
    facts = [
        ("examples", f"{dataset['train']:,}"),
        ("held out", f"{dataset['validation']:,}"),
        ("with retrieved context", f"{dataset['with_context']:,}"),
        ("files", f"{dataset['files']:,}"),
        ("lines of code", f"{dataset['code_lines']:,}"),
        ("up to commit", str(dataset["cutoff"])[:10] or "no history"),
    ]
    groups = (("kind", "kinds"), ("source", "sources"), ("files left out, why", "dropped"))
    tables = [
        f"<h3>{name}</h3>" + table([name, "count"], _counts(dataset[key]), numbers=[1])
        for name, key in groups
        if dataset.get(key)
    ]
    notes = "".join(paragraph(note) for note in dataset.get("notes", ()))
    return section("What it learned from", cards(facts), notes, *tables)


def _care(evaluation: Mapping[str, Any]) -> str:
    rows = []
    for arm in (evaluation.get("infilling") or {}).get("arms", ()):
        rows.append(
            [
                Cell(f"lines of ordinary Python, {_MODELS.get(arm['name'], arm['name'])}"),
                Cell(interval(arm["exact"]), number=True),
            ]
        )
    memorised = evaluation.get("memorised")
    if memorised:
        canaries = len(memorised["canaries"])
        rows += [
            [
                Cell("planted secrets drawn out"),
                Cell(f"{memorised['extracted']} of {canaries}", number=True),
            ],
            [
                Cell("completions with a long word-for-word copy, before and after"),
                Cell(f"{memorised['copies_before']} / {memorised['copies']}", number=True),
            ],
        ]
    for arm, speed in evaluation.get("speed", {}).items():
        if speed:
            model, context = arm.split("/")
            name = f"{_MODELS.get(model, model)}, {_CONTEXTS.get(context, context)}"
            rows.append(
                [
                    Cell(f"median completion, {name}"),
                    Cell(f"{speed['total_ms']:,.0f} ms", number=True),
                ]
            )
    if not rows:
        return ""
    return section("What it must not cost", table(["", ""], rows, numbers=[1]))


def _costs(page: ReportPage) -> str:
    if not page.costs and not page.provenance:
        return ""
    rows = [[Cell(name), Cell(str(value))] for name, value in page.provenance.items()]
    facts = [(name, str(value)) for name, value in page.costs.items()]
    return section("Cost and origin", cards(facts), table(["", ""], rows))


def _counts(counts: Mapping[str, int]) -> list[list[Cell]]:
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return [[Cell(name), Cell(f"{count:,}", number=True)] for name, count in ordered]


def _code(text: str) -> str:
    masked = mask(text)
    return escape(masked[:_LONGEST_TEXT] + ("…" if len(masked) > _LONGEST_TEXT else ""))


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}"
