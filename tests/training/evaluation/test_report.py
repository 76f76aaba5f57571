"""What a report says, keeps and compares."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homespun.training.conventions.written import FormCounts
from homespun.training.errors import BadCompletionReport
from homespun.training.evaluation.metrics import scored
from homespun.training.evaluation.report import CompletionReport, ScoredItem, judge, load, save
from homespun.training.safety.memorisation import Memorised

ARMS = ("general/none", "general/retrieval", "repository/none", "repository/retrieval")


def score(is_right, **kept):
    return replace(scored("x = 1", "x = 1" if is_right else "y = 2", "newline"), **kept)


def report(general, repository, strata=("new-file", "novel"), **kept):
    """Rows of which the first so many are right, by arm; two a commit."""
    rows = tuple(
        ScoredItem(
            id=f"i{n}",
            commit=f"c{n // 2}",
            file=f"f{n}",
            kind="line",
            strata=strata if n % 2 else (),
            scores={
                "general/none": score(False, failure="K"),
                "general/retrieval": score(n < general, prefill_ms=10.0, tokens=5, decode_ms=100.0),
                "repository/none": score(False, failure="X"),
                "repository/retrieval": score(n < repository),
            },
        )
        for n in range(100)
    )
    given = {"repo": "shop", "window": {"since": "a", "until": "b"}, "versions": {"prompt": "2"}}
    models = {"general": {"adapter": "none", "weights": "w1"}}
    return CompletionReport(**(given | {"models": models, "arms": ARMS, "rows": rows} | kept))


def test_the_primary_endpoint_is_the_adapter_against_the_model_as_shipped_with_retrieval():
    found = report(40, 60).primary
    assert (found.n, found.first, found.second) == (100, 0.6, 0.4)
    assert found.difference.mean == pytest.approx(0.2) and found.is_better
    assert (found.discordance.wins, found.discordance.losses) == (20, 0)
    assert not report(40, 40).primary.is_better
    assert report(60, 40).primary.is_worse


def test_the_headline_is_the_same_over_what_is_new_in_both_ways():
    found = report(40, 60)
    assert found.headline.n == 50
    assert report(40, 60, strata=("new-file", "boilerplate")).headline is None
    assert found.strata() == ["all", "new-file", "novel"]


def test_an_arm_that_was_not_run_gives_no_endpoint():
    rows = tuple(replace(row, scores={"general/none": score(True)}) for row in report(1, 1).rows)
    found = report(1, 1, rows=rows, arms=("general/none",))
    assert found.primary is None and found.contrasts() == []
    assert found.estimate("general/none", "exact_line").mean == 1.0
    assert found.estimate("general/none", "loss") is None


def test_arms_that_differ_in_one_thing_are_contrasted():
    assert report(1, 1).contrasts() == [
        ("general/retrieval", "general/none"),
        ("repository/none", "general/none"),
        ("repository/retrieval", "general/retrieval"),
        ("repository/retrieval", "repository/none"),
    ]


def test_failures_are_counted_and_speed_is_a_median():
    found = report(1, 1)
    assert found.failures("general/none") == {"K": 100}
    assert found.failures("general/retrieval") == {}
    assert found.speed("general/retrieval")["total_ms"] == 110.0
    assert found.speed("general/retrieval")["tokens_s"] == 50.0


def test_the_json_reads_back_and_has_no_text_nor_names_when_kept(tmp_path):
    written = score(True, forms={"python/optional": FormCounts(1, 0)})
    habit = ScoredItem("h", "c1", "f", "habit", ("habit",), {"general/retrieval": written})
    found = report(
        40,
        60,
        missing={"load_prices": 3},
        memorised=Memorised(outputs=5, copies=1),
        habits=(habit,),
    )
    body = json.loads(json.dumps(found.to_json()))
    assert CompletionReport.from_json(body) == found
    assert body["primary"]["difference"]["mean"] == pytest.approx(0.2)
    assert body["items"]["commits"] == 50 and body["missing"] == {"load_prices": 3}
    assert body["summary"]["all"]["repository/retrieval"]["exact_line"]["mean"] == 0.6
    save(found, tmp_path / "deep" / "r.json")
    text = (tmp_path / "deep" / "r.json").read_text()
    assert "load_prices" not in text and len(text.splitlines()) == 102
    assert load(tmp_path / "deep" / "r.json") == replace(found, missing={})


def test_a_report_of_before_forms_were_counted_reads_as_one_that_did_not_count_them():
    body = json.loads(json.dumps(report(40, 60).to_json()))
    del body["habits"]
    for row in body["rows"]:
        for one in row["scores"].values():
            del one["forms"]
    assert CompletionReport.from_json(body) == report(40, 60)


def test_an_interval_of_one_commit_is_null_in_json():
    rows = tuple(replace(row, commit="one") for row in report(40, 60).rows)
    body = report(40, 60, rows=rows).to_json()
    assert body["primary"]["difference"]["low"] is None
    assert "Infinity" not in json.dumps(body)


def test_a_later_report_is_compared_over_the_items_that_both_have():
    verdict = judge(report(40, 30), report(40, 60))
    assert verdict.arm == "repository/retrieval" and verdict.failed
    assert verdict.change.difference.mean == pytest.approx(-0.3)
    assert not judge(report(40, 60), report(40, 60)).failed
    few = report(40, 60, rows=report(40, 60).rows[:60])
    assert judge(few, report(40, 60)).change.n == 60


def test_reports_of_other_items_or_arms_cannot_be_compared():
    other = tuple(replace(row, id=f"x{row.id}") for row in report(1, 1).rows)
    verdict = judge(report(1, 1, rows=other), report(1, 1))
    assert verdict.failed and "0 items are the same" in verdict.obstacle
    alone = report(1, 1, arms=("base/none",))
    assert judge(alone, report(1, 1)).obstacle == "the accepted report has none of these arms"


def test_what_changed_beside_the_scores_is_noted():
    models = {"general": {"adapter": "none", "weights": "w2"}}
    verdict = judge(report(1, 1, models=models, versions={"prompt": "3"}), report(1, 1))
    assert verdict.notes == (
        "prompt: 2 in the accepted report, 3 now",
        "weights of general: w1 in the accepted report, w2 now",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{broken", "cannot be read"),
        ('{"format": 9}', "has the format 9, this version reads 1"),
        ('{"format": 1}', "is not one of ours"),
    ],
)
def test_a_damaged_report_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(BadCompletionReport, match=sentence):
        load(tmp_path / "r.json")
    assert load(tmp_path / "none.json") is None
