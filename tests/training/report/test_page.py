"""The report: one page that needs nothing else, the verdict first, no markup or secret gets in."""

from __future__ import annotations

import functools
import json
import random
import re
from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest

from homespun.server.report_page import is_harmless
from homespun.training.conventions.written import FormCounts
from homespun.training.evaluation.metrics import Score
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.gate.gate import judge
from homespun.training.gate.measured import Evidence, RuleProbe
from homespun.training.gate.verdict import Condition, GateVerdict
from homespun.training.lora.fit import FitLog, Step
from homespun.training.report import charts
from homespun.training.report.html import render
from homespun.training.report.page import ReportPage, Sample
from tests.layout.house import ROOT

UNMEASURED = [field.name for field in fields(Evidence)][3:]
SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
ARMS = ("general/none", "general/retrieval", "repository/none", "repository/retrieval")


def score(exact):
    return Score(
        exact_line=exact,
        exact=exact,
        similarity=1.0 if exact else 0.4,
        identifiers=1.0 if exact else 0.5,
        full=0 if exact else 9,
        best=0 if exact else 7,
        runs_on=not exact,
        stopped=True,
        length_ratio=1.0,
        finish="newline",
        failure="" if exact else "K",
        prefill_ms=900,
        decode_ms=100,
        tokens=9,
    )


def evaluation():
    chance = random.Random(1)
    rows = []
    for number in range(60):
        scores = {arm: score(chance.random() < 0.3 + 0.1 * at) for at, arm in enumerate(ARMS)}
        strata = ("new-file", "novel") if number % 3 else ("known-file", "boilerplate")
        rows.append(
            ScoredItem(f"i{number}", f"c{number // 4}", f"f{number % 9}", "line", strata, scores)
        )
    return CompletionReport(
        repo="shop",
        window={"since": "a", "until": "b"},
        versions={},
        models={},
        arms=ARMS,
        rows=tuple(rows),
        missing={"<Cart>": 7, "checkout": 3},
        habits=tuple(habit(number) for number in range(8)),
    )


def habit(number):
    """A line that the adapter writes in the house's form where the model as shipped did not."""
    forms = [{"python/optional": FormCounts(*two)} for two in ((1, 0), (number % 2, 1))]
    scores = {
        arm: replace(score(exact=False), forms=one) for arm, one in zip(PRIMARY, forms, strict=True)
    }
    return ScoredItem(f"h{number}", f"c{number}", "f", "habit", ("habit",), scores)


def page():
    evidence = Evidence(150, 60, 15, **dict.fromkeys(UNMEASURED))
    steps = [Step(n, 2.0 - n / 60, 2e-4, 900, 1.5) for n in range(1, 61)]
    log = FitLog(steps, [(0, 1.9), (20, 1.5), (40, 1.4), (60, 1.45)], 60, 40, "done", ["a & b"])
    return ReportPage(
        repo="shop <script>alert(1)</script>",
        run="run-0001",
        made="2026-01-02",
        verdict=judge(evidence),
        outcome="It was not promoted.",
        dataset={
            "train": 150,
            "validation": 20,
            "with_context": 60,
            "files": 31,
            "code_lines": 2_100,
            "cutoff": "0123456789abcdef",
            "kinds": {"line": 90, "block": 60},
            "sources": {"tree": 100, "commit": 50},
            "dropped": {"generated": 4},
            "notes": ["A shallow clone."],
        },
        fit=log.to_json(),
        evaluation=evaluation().to_json(),
        rules=[RuleProbe("imports", 60, 0.7, 0.9), RuleProbe("quotes <'>", 12, 0.8, 0.75)],
        samples=[
            Sample(
                "shop/cart.py", 7, f'KEY = "{SECRET}"\nif a < b:', "go()", "stop()</pre>", "", 0, 1
            )
        ],
        costs={"time": "41 min"},
        provenance={"seed": "0"},
    )


@functools.cache
def html_of(made):
    """The page as HTML; intervals are drawn anew for each, which takes seconds."""
    return render(made())


class Reader(HTMLParser):
    """Collects tags, and complains of those that are closed out of order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.headings = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_the_page_is_whole_and_the_verdict_comes_first():
    reader = read(html_of(page))
    assert reader.headings == [
        "What was learned from shop <script>alert(1)</script>",
        "The verdict",
        "The house's form in what is written",
        "Lines of later commits",
        "Where the adapter helps",
        "The house's conventions",
        "What went wrong",
        "Before and after",
        "Learning",
        "What it learned from",
        "What it must not cost",
        "Cost and origin",
    ]


def test_the_page_needs_nothing_from_outside_and_runs_nothing():
    html = html_of(page)
    tags = read(html).tags
    assert {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object"} == set()
    assert {name for _, attrs in tags for name in attrs} & {"src", "href", "onload"} == set()
    assert not re.search(r"url\(|@import|https?://", html)


def test_text_of_a_repository_never_becomes_markup():
    html = html_of(page)
    assert "<script>" not in html
    assert "stop()&lt;/pre&gt;" in html
    assert "&lt;Cart&gt; (7), checkout (3)" in html


def test_only_charts_are_taken_into_the_page_as_they_are():
    unescaped = [
        expression
        for template in (ROOT / "training/report/templates").glob("*.j2")
        for expression in re.findall(r"{{([^}]*\bsafe\b[^}]*)}}", template.read_text("utf-8"))
    ]
    assert len(unescaped) == 9
    assert all(re.fullmatch(r" [a-z.]+_chart\|safe ", one) for one in unescaped), unescaped


def hostile_page():
    """A page in which a repository has a say: each text of its own tries to become markup."""
    markup = (
        "</pre></style></title>\"'><img src=https://example.org/seen onerror=run()><script>run()"
    )
    whole = page()
    dataset = dict(whole.dataset)
    for counted in ("kinds", "sources", "dropped"):
        dataset[counted] = {markup: 1}
    dataset["notes"] = [markup]
    dataset["cutoff"] = markup
    measured = replace(
        evaluation(),
        missing={markup: 3},
        rows=tuple(
            replace(row, strata=(markup, *row.strata), commit=markup, file=markup)
            for row in evaluation().rows
        ),
    )
    return replace(
        whole,
        repo=markup,
        run=markup,
        made=markup,
        outcome=markup,
        dataset=dataset,
        evaluation=measured.to_json(),
        fit={**whole.fit, "told": [markup], "finish": markup},
        rules=[RuleProbe(markup, 12, 0.8, 0.75)],
        samples=[Sample(markup, 7, markup, markup, markup, markup, False, True)],
        costs={markup: markup},
        provenance={markup: markup},
    )


@pytest.mark.parametrize("made", [page, hostile_page])
def test_every_page_that_is_written_is_one_that_is_shown(tmp_path, made):
    file = tmp_path / "report.html"
    file.write_text(html_of(made), encoding="utf-8", newline="\n")
    assert is_harmless(file)


def test_whatever_a_repository_is_called_its_page_has_the_same_elements():
    harmless = {tag for tag, _ in read(html_of(page)).tags}
    found = read(html_of(hostile_page)).tags
    assert {tag for tag, _ in found} <= harmless
    assert {name for _, attrs in found for name in attrs} & {"src", "href", "onerror"} == set()
    assert html_of(hostile_page).count("&lt;script&gt;run()") > 15


def test_the_first_thing_that_a_page_says_is_that_nothing_runs_or_is_fetched():
    first = next(
        attrs["content"] for tag, attrs in read(html_of(page)).tags if "http-equiv" in attrs
    )
    policy = dict(part.strip().partition(" ")[::2] for part in first.split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_secret_in_an_example_is_masked():
    html = html_of(page)
    assert SECRET not in html
    assert "if a &lt; b:" in html


def test_figures_are_those_of_the_evaluation():
    html = html_of(page)
    found = evaluation().primary
    shown = found.difference
    text = f"{shown.mean * 100:+.1f} [{shown.low * 100:+.1f}, {shown.high * 100:+.1f}]"
    assert text in html
    assert "60 places where a later commit added lines, from 15 commits and 9 files" in html
    assert "missing knowledge" in html


def test_the_form_of_what_was_written_stands_on_the_page_rule_by_rule():
    html = html_of(page)
    row = html[html.index("python/optional") :]
    cells = re.findall(r">([^<>]+)</td>", row)[:4]
    assert cells == ["8", "25.0 %", "100.0 %", "+75.0"]


def test_a_condition_that_is_open_has_another_mark_than_one_that_failed():
    conditions = [
        Condition("one", "w", "f", 1.0, 0.0, passed=False, is_open=True),
        Condition("two", "w", "f", 1.0, 0.0, passed=False),
    ]
    verdict = GateVerdict("insufficient data", "Keep.", tuple(conditions), "More lines are right.")
    html = render(ReportPage("shop", "run-0001", "2026-01-02", verdict, ""))
    assert html.count('title="too few places to tell"') == 1
    assert html.count('title="does not hold"') == 1
    assert "<p>More lines are right.</p>" in html


def test_a_page_of_a_training_that_made_little_is_a_page():
    bare = ReportPage("shop", "run-0001", "2026-01-02", page().verdict, "Nothing was trained.")
    assert read(render(bare)).headings == ["What was learned from shop", "The verdict"]


def test_a_run_that_broke_off_says_so_and_still_has_its_curve():
    broken = replace(page(), fit={**page().fit, "finish": "nan"})
    assert "It broke off, as the loss was no number; the weights of step 40" in render(broken)


def test_a_page_survives_json():
    again = ReportPage.from_json(json.loads(json.dumps(page().to_json())))
    assert render(again) == html_of(page)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (1.31, 1.94, [1.2, 1.4, 1.6, 1.8, 2.0]),
        (-3.2, 6.1, [-4, -2, 0, 2, 4, 6, 8]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (5, 5, [5, 5.1, 5.2, 5.3, 5.4, 5.5]),
    ],
)
def test_an_axis_has_round_numbers_that_span_the_values(low, high, expected):
    assert charts.ticks(low, high) == expected


def test_an_axis_of_no_numbers_is_refused():
    with pytest.raises(ValueError, match="no axis goes from"):
        charts.ticks(0, float("nan"))


def test_the_running_mean_forgets_what_is_long_past():
    assert charts.smoothed([4.0, 2.0, 0.0, 2.0], 2) == [4.0, 3.0, 1.0, 1.0]


def test_charts_of_nothing_are_nothing():
    assert charts.line_chart([], x_label="", y_label="", mark=None) == ""
    assert charts.forest([], unit="", title="") == ""
    assert charts.stacked([("none", {})], ["a"]) == ""
