"""What is fitted is what is written: figures by hand, graphs against their originals."""

from __future__ import annotations

import numpy as np
import pytest

from homespun.models.runtime import onnxruntime
from homespun.server.confidence.choose import COSTS, Costs
from homespun.server.confidence.evidence import FEATURES
from homespun.server.confidence.probability import Calibration
from homespun.training.shipped.confidence import figures
from homespun.training.shipped.confidence.dataset import Cuts
from homespun.training.shipped.confidence.fit import (
    Blend,
    BoostedTrees,
    Logistic,
    calibration,
    held_out,
    logistic,
    probabilities,
    read_by_others,
    reading,
)
from homespun.training.shipped.confidence.graph import onnx_bytes


def cuts(count=600, packages=6, seed=2):
    """Rows of which the first feature says how likely they are; a key has two of them."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, len(FEATURES)))
    rows[:, 5] = 1.0  # always the same
    right = (chance.random(count) < 1 / (1 + np.exp(-2 * rows[:, 0] - 0.5))).astype(float)
    return Cuts(
        rows,
        right,
        chars=np.tile([4, 10], count // 2),
        owner=np.arange(count) // 2,
        weight=np.full(count, 0.5),
        is_whole=np.arange(count) % 2 == 1,
        key_weight=np.ones(count // 2),
        key_package=[f"p{number % packages}" for number in range(count // 2)],
    )


class Dumped:
    """A booster of two small trees, as LightGBM dumps it."""

    TREES = (
        {
            "split_feature": 1,
            "threshold": 0.1,  # no float32
            "default_left": True,
            "left_child": {"leaf_value": -1.5},
            "right_child": {
                "split_feature": 0,
                "threshold": -0.5,
                "default_left": False,
                "left_child": {"leaf_value": 0.25},
                "right_child": {"leaf_value": 2.0},
            },
        },
        {"leaf_value": 0.125},
    )

    def dump_model(self):
        return {"tree_info": [{"tree_structure": tree} for tree in self.TREES]}

    def predict(self, rows, *, raw_score):
        return np.array([sum(self._value(tree, row) for tree in self.TREES) for row in rows])

    def _value(self, node, row):
        while "leaf_value" not in node:
            is_left = row[node["split_feature"]] <= node["threshold"]
            node = node["left_child" if is_left else "right_child"]
        return node["leaf_value"]


REGRESSION = Logistic(np.linspace(-1, 1, len(FEATURES)), 0.3)
TREES = BoostedTrees(Dumped())


def of_graph(fitted, rows):
    session = onnxruntime().InferenceSession(onnx_bytes(fitted), providers=["CPUExecutionProvider"])
    return session.run(None, {"rows": rows.astype(np.float32)})[0][:, 0]


def test_the_regression_finds_what_the_rows_were_made_of():
    known = cuts(4_000)
    found = logistic(known, range(len(known.rows)))
    assert found.weights[0] == pytest.approx(2.0, abs=0.3)
    assert np.abs(found.weights[1:]).max() < 0.3


def test_a_feature_that_is_always_the_same_weighs_nothing():
    known = cuts()
    assert logistic(known, range(len(known.rows))).weights[5] == 0.0


def test_what_speaks_for_a_suggestion_never_comes_out_as_if_it_spoke_against_it():
    known, chance = cuts(4_000), np.random.default_rng(7)
    total, mean, refuted = (FEATURES.index(name) for name in ("sum", "mean", "refuted"))
    truth = 2 * known.rows[:, total] - known.rows[:, mean] + known.rows[:, refuted]
    known.right[:] = chance.random(4_000) < 1 / (1 + np.exp(-truth))
    weights = logistic(known, range(4_000)).weights
    assert weights[total] > 1
    assert weights[mean] == weights[refuted] == 0.0


def test_what_is_said_of_a_package_comes_from_the_others():
    known = cuts()
    changed = cuts()
    mine = np.array([name == "p0" for name in known.package])
    changed.right[mine] = 1 - changed.right[mine]
    assert np.allclose(held_out(known, "logistic")[mine], held_out(changed, "logistic")[mine])


@pytest.mark.parametrize(
    "fitted",
    [REGRESSION, TREES, Blend(REGRESSION, TREES)],
    ids=["logistic", "trees", "blend"],
)
def test_the_graph_says_what_the_model_says(fitted):
    rows = np.random.default_rng(1).normal(size=(200, len(FEATURES))).astype(np.float32)
    rows[:3, 1] = [0.1, np.nextafter(np.float32(0.1), np.float32(1)), 0.0]
    assert np.allclose(of_graph(fitted, rows), fitted.log_odds(rows.astype(float)), atol=1e-5)


def test_log_odds_that_are_too_sure_are_read_flatter():
    known = cuts(4_000)
    sure = 6 * known.rows[:, 0]
    how = calibration(sure, known.right, known.weight)
    assert how.slope == pytest.approx(1 / 3, abs=0.06)
    likely = probabilities(sure, how)
    assert figures.calibration_error(figures.bins(likely, known.right, known.weight)) < 0.04


def test_figures_by_hand():
    likely, right, one = np.array([0.2, 0.8, 0.6]), np.array([0.0, 1.0, 0.0]), np.ones(3)
    assert figures.area(likely, right, one) == 1.0
    assert figures.area(np.array([0.5, 0.5]), np.array([0.0, 1.0]), np.ones(2)) == 0.5
    expected = -np.log([0.8, 0.8, 0.4]).mean()
    assert figures.log_loss(likely, right, one) == pytest.approx(expected)
    bins = [figures.Bin(0.9, 0.7, 0.5), figures.Bin(0.2, 0.2, 0.5)]
    assert figures.calibration_error(bins) == pytest.approx(0.1)


def test_at_most_one_row_of_a_key_is_shown_and_none_where_none_pays():
    known = cuts(4)
    likely = np.array([0.9, 0.8, 0.1, 0.1])
    assert figures.by_costs(known, likely, Costs(2.0, 0.5)) == [1]  # 8 - 1.4 > 3.6 - 0.4
    shown = figures.shown(known, [1])
    assert (shown.shown.mean, shown.served.mean) == (0.5, known.right[1] / 2)


def test_a_calibration_that_changes_nothing_leaves_probabilities_as_they_are():
    assert Calibration(1.0, 0.0).probability(0.0) == 0.5


def off_what_is_shown(known, likely):
    """By how much more is said of what the balanced show than comes true."""
    chosen = figures.by_costs(known, likely, COSTS["balanced"])
    assert len(chosen) > 300
    return float(likely[chosen].mean() - known.right[chosen].mean())


def test_a_package_is_read_as_the_others_need_it():
    known, changed = cuts(6_000), cuts(6_000)
    log_odds = 4 * (2 * known.rows[:, 0] + 0.5)  # four times too sure
    likely = read_by_others(known, log_odds)
    plain = probabilities(log_odds, Calibration(1.0, 0.0))
    loss = figures.log_loss
    assert loss(likely, known.right, known.weight) < loss(plain, known.right, known.weight)
    assert abs(off_what_is_shown(known, likely)) < 0.02 < off_what_is_shown(known, plain)
    others = np.array(known.package) != "p0"
    how = reading(known, log_odds, others)
    assert likely[~others] == pytest.approx(probabilities(log_odds[~others], how))
    changed.right[~others] = 1 - changed.right[~others]
    assert np.allclose(likely[~others], read_by_others(changed, log_odds)[~others])


def test_the_reading_is_right_where_suggestions_are_shown_be_it_wrong_elsewhere():
    known, chance = cuts(12_000), np.random.default_rng(3)
    log_odds = 2 * chance.normal(size=12_000)
    truth = np.where(log_odds < 0, 3 * log_odds, log_odds)  # which no straight line reads
    known.right[:] = chance.random(12_000) < 1 / (1 + np.exp(-truth))
    of_all = probabilities(log_odds, calibration(log_odds, known.right, known.weight))
    by_shown = read_by_others(known, log_odds)
    assert abs(off_what_is_shown(known, by_shown)) < 0.02 < 0.03 < off_what_is_shown(known, of_all)


def test_where_next_to_nothing_is_shown_the_reading_is_that_of_all_cuts():
    known = cuts(40)
    log_odds = 2 * known.rows[:, 0]
    assert reading(known, log_odds) == calibration(log_odds, known.right, known.weight)


def test_the_calibration_error_has_an_interval_of_whole_packages():
    known = cuts()
    likely = probabilities(2 * known.rows[:, 0] + 0.5, Calibration(1.0, 0.0))
    found = figures.calibration_interval(likely, known.right, known.weight, known.package)
    bins = figures.bins(likely, known.right, known.weight)
    assert found.mean == figures.calibration_error(bins)
    assert found.low < found.high < 0.2


def test_a_look_is_paid_by_right_ones_too():
    known = cuts(count=2, packages=1)
    likely = np.array([1.0, 1.0])  # of 4 and of 10 characters
    assert figures.by_costs(known, likely, Costs(2.0, 0.5, look=9.0)) == [1]
    assert figures.by_costs(known, likely, Costs(2.0, 0.5, look=10.0)) == []
