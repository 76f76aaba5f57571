"""Drift: what the champion still brings on lines that were committed after it was trained."""

from __future__ import annotations

import dataclasses
import json

import pytest

from homespun.models.adapters.adapter import Adapter
from homespun.models.fakes import FAKE_FIM, FakeTokenizer
from homespun.training.dataset.examples import EncodedExample
from homespun.training.errors import BadCompletionReport, HistoryUnreadable
from homespun.training.evaluation.drift import FEWEST_ITEMS, Drift, RecentItem, drift, recent_items
from homespun.training.evaluation.metrics import Score
from homespun.training.evaluation.report import CompletionReport, ScoredItem


def champion(tmp_path):
    return Adapter("shop-01234567-1", tmp_path, "champion", {})


def evaluated(tmp_path, gain):
    """Write an evaluation in which the adapter's loss is smaller by `gain` nats."""

    def row(number):
        losses = {"general/none": 2.0, "repository/none": 2.0 - gain, "repository/retrieval": 9.0}
        scores = {arm: score(loss) for arm, loss in losses.items()}
        return ScoredItem(str(number), f"commit{number % 3}", "file", "line", (), scores)

    report = CompletionReport("shop", {}, {}, {}, (), tuple(map(row, range(9))))
    (tmp_path / "evaluation.json").write_text(json.dumps(report.to_json()))


def score(loss):
    wanted = {
        field.name: {"float": 0.0, "int": 0, "bool": False, "str": ""}.get(field.type)
        for field in dataclasses.fields(Score)
        if field.default is dataclasses.MISSING
    }
    return Score(**(wanted | {"loss": loss}))


def items(count, *, commits=10, tokens=5):
    return [
        RecentItem(EncodedExample([1] * (20 + tokens), 20, str(n)), f"commit{n % commits}")
        for n in range(count)
    ]


def scores(tuned, shipped=-2.0):
    """Score every token alike."""

    def score(adapter, examples):
        each = shipped if adapter == "none" else tuned
        return [each * (len(example.ids) - example.start) for example in examples]

    return score


@pytest.mark.parametrize(
    ("tuned", "released", "outcome"),
    [
        (-1.6, 0.5, "fresh"),  # 0.4 of 0.5 is left
        (-1.7, 0.5, "stale"),  # 0.3 of 0.5
        (-1.99, None, "fresh"),  # nothing to compare with, and something is left
        (-2.0, None, "stale"),
        (-2.5, -0.1, "stale"),
    ],
)
def test_a_quarter_less_than_at_the_release_is_stale(tmp_path, tuned, released, outcome):
    if released is not None:
        evaluated(tmp_path, released)
    adapter = champion(tmp_path)
    found = drift(adapter, items(40), scores(tuned))
    assert found.outcome == outcome
    assert found.gain == pytest.approx(tuned + 2.0)
    assert (found.items, found.commits) == (40, 10)
    assert ("homespun train" in found.sentence) == (outcome == "stale")


def test_too_few_new_lines_say_nothing_and_nothing_is_scored(tmp_path):
    found = drift(champion(tmp_path), items(FEWEST_ITEMS - 1), lambda *_: pytest.fail("scored"))
    assert (found.outcome, found.gain) == ("too little", None)
    assert "only 29 holes" in found.sentence


def test_one_commit_says_nothing_of_others_and_json_has_no_infinity(tmp_path):
    found = drift(champion(tmp_path), items(30, commits=1), scores(-1.0))
    assert (found.low, found.high) == (None, None)
    assert found.to_json()["gain"] == 1.0
    assert isinstance(found, Drift)


def module(number):
    lines = [f"def price_of_item_{number}_{n}(order, customer):" for n in range(6)]
    return "\n\n\n".join(
        f"{line}\n    amount = order.amount({number} + {n})\n    return amount * customer.rate_{n}"
        for n, line in enumerate(lines)
    )


def test_items_are_holes_in_lines_that_later_commits_added(scratch):
    scratch.commit(old=module(0))
    since = scratch.commit(old=module(0), older=module(1))
    later = [scratch.commit(**{f"new{n}": module(n + 2)}) for n in range(4)]
    found = recent_items(scratch.folder, since, FakeTokenizer(), FAKE_FIM)
    assert {item.commit for item in found} == set(later)
    tokenizer = FakeTokenizer()
    for item in found:
        answer = tokenizer.render(item.encoded.ids[item.encoded.start :])
        prompt = tokenizer.render(item.encoded.ids[: item.encoded.start])
        number = later.index(item.commit)
        assert answer.strip() in module(number + 2)
        assert f"new{number}.py" in prompt
        assert item.tokens == len(item.encoded.ids) - item.encoded.start
    assert len(recent_items(scratch.folder, since, FakeTokenizer(), FAKE_FIM, most=3)) == 3


def test_nothing_new_gives_no_items(scratch):
    since = scratch.commit(old=module(0))
    assert recent_items(scratch.folder, since, FakeTokenizer(), FAKE_FIM) == []


def test_an_adapter_without_a_commit_or_with_an_unknown_one_is_a_sentence(scratch):
    scratch.commit(old=module(0))
    with pytest.raises(HistoryUnreadable, match="trained without a git history"):
        recent_items(scratch.folder, "", FakeTokenizer(), FAKE_FIM)
    with pytest.raises(HistoryUnreadable, match="is neither a revision"):
        recent_items(scratch.folder, "f" * 40, FakeTokenizer(), FAKE_FIM)


def test_an_evaluation_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "evaluation.json").write_text("{}")
    with pytest.raises(
        BadCompletionReport, match=r"evaluation\.json' is no evaluation of completions"
    ):
        drift(champion(tmp_path), items(40), scores(-1.0))
