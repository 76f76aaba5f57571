"""What a user's own log teaches: kept where it says the newest suggestions better, else not."""

from __future__ import annotations

import json
import random
import stat

import pytest

from homespun.paths import state_home
from homespun.server.confidence import learned
from homespun.server.confidence.learned import (
    MIN_SHOWN,
    UNCHANGED,
    FatedSuggestion,
    Recalibration,
    forget,
    learn,
    recalibrated,
    store,
    stored,
)
from homespun.server.confidence.probability import Calibration


def log_of(count, truth, *, seed=3):
    """Suggestions of every probability, of which a share comes true that `truth` says."""
    chance = random.Random(seed)
    said = [chance.uniform(0.3, 0.99) for _ in range(count)]
    return [FatedSuggestion(each, chance.random() < truth(each)) for each in said]


def test_too_short_a_log_teaches_nothing():
    assert learn(log_of(MIN_SHOWN - 1, lambda said: 0.2)) is None


def test_a_user_who_takes_less_than_was_said_lowers_the_probabilities():
    found = learn(log_of(1_000, lambda said: said / 2))
    assert found.is_kept and found.after < found.before
    assert recalibrated(0.9, found.calibration) == pytest.approx(0.45, abs=0.12)


def test_probabilities_that_are_right_stay_nearly_as_they_are():
    found = learn(log_of(600, lambda said: said))
    for said in (0.4, 0.6, 0.9):
        assert recalibrated(said, found.calibration) == pytest.approx(said, abs=0.08)


def test_what_would_make_the_newest_fifth_worse_is_not_kept():
    older, newest = log_of(400, lambda said: 0.05), log_of(100, lambda said: 0.97)
    found = learn([*older, *newest])
    assert not found.is_kept
    assert found.calibration == UNCHANGED


def test_what_was_learned_is_the_users_alone_and_is_read_again():
    kept = Recalibration(Calibration(0.8, -0.5), is_kept=True, shown=300, before=0.6, after=0.5)
    store(kept)
    path = state_home() / "confidence.json"
    assert stored() == kept.calibration
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    forget()
    assert stored() == UNCHANGED


@pytest.mark.parametrize(
    "change",
    [{"model": "another"}, {"slope": 900}, {"intercept": "x"}, {"slope": None}],
    ids=["of another model", "out of bounds", "no number", "nothing"],
)
def test_what_cannot_be_meant_for_this_model_changes_nothing(change):
    store(Recalibration(Calibration(0.8, -0.5), is_kept=True, shown=300, before=0.6, after=0.5))
    path = state_home() / "confidence.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert stored() == UNCHANGED


def test_every_fold_of_the_cross_validation_is_judged_by_the_others():
    seen = log_of(250, lambda said: said)
    weak, strong = (learned._crossed(seen, pull) for pull in (1.0, 1e9))
    assert strong == pytest.approx(learned._loss(seen, UNCHANGED), abs=1e-6)
    assert weak < strong + 0.02
