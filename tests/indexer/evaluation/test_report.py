"""Reports: what is kept, and what a comparison says."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from homespun.indexer.errors import BadReport
from homespun.indexer.evaluation import report as evaluation_report
from homespun.indexer.evaluation.evaluate import CorpusResult, QueryResult
from homespun.indexer.evaluation.report import Report, judge, load, save, versions_of

VERSIONS = {"chunker": "1", "tokenizer": "1", "encoder": "none", "weights": "none"}


def corpus(name="shop", scores=(1.0,) * 20, content="abc"):
    rows = tuple(
        QueryResult(
            f"{number:012}",
            "semantic",
            score,
            score,
            score,
            1.5,
            "SECRET question",
            ("secret.py:1",),
        )
        for number, score in enumerate(scores)
    )
    return CorpusResult(name, content, 3, 9, rows)


def report(*corpora, mode="lexical", limit=10, versions=VERSIONS):
    return Report(mode, limit, versions, corpora or (corpus(),))


def test_a_report_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "report.json"
    written = report(corpus(scores=(1.0, 0.63093)), corpus("bakery", (0.5,)))
    save(written, path)
    read = load(path)
    assert read.to_json(kept=True) == written.to_json(kept=True)
    assert judge(written, read).comparison.difference.mean == 0
    assert not list(path.parent.glob("*.tmp"))


def test_what_is_kept_has_no_query_no_path_and_no_time(tmp_path):
    save(report(), tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text()
    assert "SECRET" not in text and "secret.py" not in text and '"ms"' not in text
    assert "SECRET" in json.dumps(report().to_json())


def test_a_query_is_a_line_so_that_a_diff_shows_it(tmp_path):
    save(report(corpus(scores=(1.0, 0.5))), tmp_path / "r.json")
    lines = (tmp_path / "r.json").read_text().splitlines()
    assert sum('"id"' in line for line in lines) == 2


def test_there_may_be_no_report(tmp_path):
    assert load(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", '{"format": 99}', '{"format": 1}', '{"format": 1, "mode": "x"}']
)
def test_a_report_that_is_none_says_so_in_a_sentence(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(BadReport, match=r"r\.json"):
        load(path)


def test_a_planted_regression_fails():
    verdict = judge(report(corpus(scores=(1.0,) * 14 + (0.5,) * 6)), report())
    assert verdict.failed and verdict.comparison.is_drop
    assert len(verdict.comparison.worse) == 6


def test_an_equal_run_passes():
    assert not judge(report(), report()).failed


def test_a_small_difference_in_both_directions_passes():
    mixed = (0.9, 0.8, 1.0, 0.7, 0.6) * 4
    other = tuple(score + (0.05 if n % 2 else -0.06) for n, score in enumerate(mixed))
    verdict = judge(report(corpus(scores=other)), report(corpus(scores=mixed)))
    assert verdict.comparison.difference.mean < 0
    assert not verdict.failed


def test_a_gain_passes():
    assert not judge(report(), report(corpus(scores=(0.5,) * 20))).failed


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (report(corpus(content="other")), "the files of shop are not those"),
        (
            report(corpus(scores=(1.0,) * 21)),
            "the queries of shop differ .*1 new or changed, 0 gone",
        ),
        (report(corpus(scores=(1.0,) * 18)), "0 new or changed, 2 gone"),
        (report(mode="hybrid"), "of mode 'lexical' and 10 hits, this one of 'hybrid' and 10"),
        (report(limit=5), "this one of 'lexical' and 5"),
        (report(corpus("bakery")), "no corpus in common"),
    ],
)
def test_what_cannot_be_compared_fails_and_says_why(changed, sentence):
    verdict = judge(changed, report())
    assert verdict.failed and verdict.comparison is None

    assert re.search(sentence, verdict.obstacle)


def test_corpora_of_one_report_only_are_named_and_left_out():
    ours = report(corpus(), corpus("new"))
    theirs = report(corpus(), corpus("old"))
    verdict = judge(ours, theirs)
    assert not verdict.failed and verdict.comparison.count == 20
    assert "not in the accepted report, so not compared: new" in verdict.notes
    assert "only in the accepted report, so not compared: old" in verdict.notes


def test_versions_that_changed_are_named_and_compared_all_the_same():
    verdict = judge(report(versions=VERSIONS | {"chunker": "2"}), report())
    assert verdict.notes == ("chunker: 1 in the accepted report, 2 now",)
    assert not verdict.failed


def test_versions_name_the_encoder_and_its_weights():
    versions = versions_of("all-minilm-l6-v2")
    assert versions["encoder"] == "all-minilm-l6-v2"
    assert len(versions["weights"]) == 16
    assert versions_of("none") == {**versions, "encoder": "none", "weights": "none"}
    ours = versions_of("homespun-static-1")["weights"]
    assert len(ours) == 16 and ours != versions["weights"]


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadReport, match="cannot write"):
        save(report(), tmp_path / "file" / "r.json")


def test_the_estimate_is_the_mean_over_corpora():
    both = report(corpus(scores=(1.0,) * 30), corpus("bakery", (0.0,) * 10))
    assert both.estimate().mean == 0.5
    assert evaluation_report.GATE == "ndcg"
    assert replace(both, corpora=both.corpora[:1]).estimate("recall").mean == 1.0
