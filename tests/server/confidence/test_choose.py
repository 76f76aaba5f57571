"""What is shown: the cut that is expected to save most; nothing where none does."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math

import pytest

from homespun.models.fakes import FakeGenerator
from homespun.models.remote.route.question import REMOTE
from homespun.server.completion.completer import Completer
from homespun.server.completion.reasons import sentence
from homespun.server.confidence import probability
from homespun.server.confidence.choose import ALL, COSTS, Chooser, Costs, judge_of
from homespun.server.confidence.evidence import FEATURES
from homespun.server.confidence.learned import Recalibration, store
from homespun.server.confidence.probability import Calibration, Likelihood, shipped
from homespun.server.confidence.suggestion import shown_whole
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest
from tests.server.confidence.test_evidence import generation, suggestion

TEXT = "open(path, mode)"
SHARE = FEATURES.index("share")


class LikelyTo(Likelihood):
    """Finds beginnings right with given probabilities, the shortest first, whatever they are."""

    def __init__(self, *probabilities):
        self.odds = [math.log(each / (1 - each)) for each in probabilities]
        self.rows = []

    def log_odds(self, rows):
        self.rows = rows
        return self.odds[: len(rows)]

    def calibration(self, model):
        return Calibration(1.0, 0.0)


def judged(likelihood, costs=None, **others):
    done = generation(["open", "(path", ", mode", ")"])
    return Chooser(likelihood, costs or Costs(2.0, 1.0))(suggestion(TEXT, done, **others))


def test_the_whole_is_shown_where_all_of_it_is_likely():
    verdict = judged(LikelyTo(0.99, 0.98, 0.97, 0.96))
    assert verdict.text == TEXT
    assert verdict.probability == pytest.approx(0.96)


def test_a_suggestion_ends_where_it_stops_being_likely():
    verdict = judged(LikelyTo(0.97, 0.95, 0.3, 0.3))
    assert verdict.text == "open(path"
    assert verdict.probability == pytest.approx(0.95)


def test_nothing_is_shown_where_nothing_is_expected_to_save_anything():
    verdict = judged(LikelyTo(0.3, 0.2, 0.1, 0.1))
    assert verdict.text == ""
    assert verdict.probability is not None and verdict.least is not None
    assert verdict.probability < verdict.least
    assert verdict.least == Costs(2.0, 1.0).least(len("open("))  # of the best one's length


def test_a_little_that_is_saved_is_worth_it():
    verdict = judged(LikelyTo(0.65, 0.1, 0.1, 0.1))
    assert verdict.text == "open("
    assert Costs(2.0, 1.0).saving(len("open("), 0.65) == pytest.approx(0.8)


@pytest.mark.parametrize("explicit", [False, True])
def test_the_users_log_changes_the_probability_and_not_the_likelihood(explicit):
    likelihood = LikelyTo(0.5, 0.5, 0.5, 0.96)
    chooser = Chooser(likelihood, Costs(2.0, 1.0), Calibration(1.0, -2.0))
    done = generation(["open", "(path", ", mode", ")"])
    verdict = chooser(suggestion(TEXT, done, explicit=explicit))
    said = Calibration(1.0, -2.0).probability(math.log(0.96 / 0.04))
    assert verdict.probability == pytest.approx(said, abs=1e-3)
    assert verdict.likelihood == pytest.approx(0.96)


def test_log_odds_are_read_as_who_wrote_the_text_needs_it():
    class Overestimated(LikelyTo):
        def calibration(self, model):
            return Calibration(1.0, {"m": -4.0}[model])

    assert judged(Overestimated(0.9, 0.9, 0.9, 0.9)).text == ""


def test_who_asks_by_hand_is_shown_the_whole():
    verdict = judged(LikelyTo(0.9, 0.2, 0.1, 0.05), explicit=True)
    assert (verdict.text, verdict.probability) == (TEXT, pytest.approx(0.05))


def test_where_nothing_is_known_of_tokens_the_rules_alone_decide():
    done = dataclasses.replace(generation([TEXT]), token_margins=())
    verdict = Chooser(LikelyTo(0.01), Costs(2.0, 1.0))(suggestion(TEXT, done))
    assert (verdict.text, verdict.probability) == (TEXT, None)


def test_costs_grow_with_the_length_of_what_is_wrong():
    costs = Costs(glance=2.0, reading=1.0)
    assert costs.saving(10, 1.0) == 10
    assert costs.saving(10, 0.0) == -12
    assert costs.saving(10, costs.least(10)) == pytest.approx(0.0)


def test_a_look_costs_right_or_wrong():
    costs = Costs(glance=2.0, reading=1.0, look=3.0)
    assert costs.saving(10, 1.0) == 7
    assert costs.saving(10, 0.0) == -15
    assert costs.saving(10, costs.least(10)) == pytest.approx(0.0)
    assert costs.least(3) == 1.0  # as many characters as the look costs save nothing


@pytest.mark.parametrize(("look", "enough"), [(0.0, 1), (2.9, 3), (3.0, 4)])
def test_from_so_many_characters_on_a_certain_one_is_shown(look, enough):
    costs = Costs(glance=2.0, reading=1.0, look=look)
    assert costs.enough == enough
    assert costs.saving(enough, 1.0) > 0 >= costs.saving(enough - 1, 1.0)


def test_what_is_typed_before_it_is_seen_is_not_shown_however_likely():
    costs = Costs(2.0, 1.0, look=5.0)
    verdict = judged(LikelyTo(0.99, 0.01, 0.01, 0.01), costs)
    assert (verdict.text, verdict.chars, verdict.enough) == ("", len("open("), 6)
    assert verdict.is_too_short
    assert judged(LikelyTo(0.99, 0.99, 0.01, 0.01), costs).text == "open(path"


def test_the_eager_show_what_the_balanced_show_and_these_what_the_calm_do():
    for chars in (1, 5, 10, 40, 400):
        least = {name: min(costs.least(chars), 1.0) for name, costs in COSTS.items()}
        assert least["eager"] <= least["balanced"] <= least["calm"]
        assert chars < 10 or least["eager"] < least["balanced"] < least["calm"]


def test_every_eagerness_of_the_setting_has_its_judge():
    field = next(f for f in dataclasses.fields(CompletionOptions) if f.name == "eagerness")
    for name in field.metadata["choices"]:
        judge = judge_of(CompletionOptions(eagerness=name))
        assert (judge is shown_whole) == (name == ALL)


@pytest.mark.parametrize("eagerness", sorted(COSTS))
def test_an_eagerness_has_its_own_costs(eagerness):
    done = generation(["one"], logprobs=[-9.0])
    verdict = judge_of(CompletionOptions(eagerness=eagerness))(suggestion("one", done))
    assert (verdict.text, verdict.least) == ("", COSTS[eagerness].least(len("one")))


def test_what_a_server_writes_is_read_by_a_calibration_of_its_own():
    asked = []

    class Named(LikelyTo):
        def calibration(self, model):
            asked.append(model)
            return super().calibration(model)

    chooser = Chooser(Named(0.9), Costs(2.0, 1.0))
    chooser(suggestion("one", generation(["one"])))
    chooser(suggestion("one", dataclasses.replace(generation(["one"]), route=REMOTE)))
    assert asked == ["m", REMOTE]


def test_what_was_learned_counts_unless_that_is_switched_off():
    store(Recalibration(Calibration(1.0, -2.0), is_kept=True, shown=300, before=0.6, after=0.5))
    suggested = suggestion("one", generation(["one"]))
    learned = judge_of(CompletionOptions())(suggested)
    assert learned.probability < learned.likelihood
    shipped_only = judge_of(CompletionOptions(recalibrate=False))(suggested)
    assert shipped_only.probability == shipped_only.likelihood == learned.likelihood


def test_nothing_is_cut_inside_a_string_that_the_line_has_opened():
    likelihood = LikelyTo(0.9)
    Chooser(likelihood, Costs(2.0, 1.0))(
        suggestion("one, two", generation(["one, two"]), before="print('")
    )
    assert len(likelihood.rows) == 1


def test_who_types_along_behind_the_end_that_was_shown_types_what_the_model_meant():
    likelihood = LikelyTo(0.9)
    chooser = Chooser(likelihood, Costs(2.0, 1.0))
    chooser(suggestion("open", generation(["open", "(path"])))
    chooser(suggestion("path", generation(["path"]), before="value = open("))
    assert likelihood.rows[0][FEATURES.index("agreed")] == len("open(")


def test_the_shipped_model_is_the_one_that_its_manifest_speaks_of():
    said = json.loads(probability.MANIFEST.read_text(encoding="utf-8"))
    body = probability.MODEL.read_bytes()
    assert said["sha256"] == hashlib.sha256(body).hexdigest()
    assert len(body) < 2_000_000
    assert said["fitted"]["keys"] > 1_000


def test_the_shipped_model_finds_a_sure_text_likelier_than_a_doubtful_one():
    pieces = ["open", "(path", ", mode", ")"]
    sure = dataclasses.replace(generation(pieces, logprobs=[-0.01] * 4), token_margins=(6.0,) * 4)
    doubtful = dataclasses.replace(
        generation(pieces, logprobs=[-2.0, -1.5, -2.5, -1.0]),
        token_margins=(0.3,) * 4,
        token_entropies=(2.5,) * 4,
    )
    chooser = Chooser(shipped(), COSTS["eager"])
    likely = chooser(suggestion(TEXT, sure, explicit=True)).probability
    unlikely = chooser(suggestion(TEXT, doubtful, explicit=True)).probability
    assert likely > 0.6 > 0.4 > unlikely


def test_the_shipped_model_finds_no_token_likelier_for_being_less_likely():
    chooser = Chooser(shipped(), COSTS["eager"])
    likely = [
        chooser(suggestion("one", generation(["one"], logprobs=[nats]), explicit=True)).probability
        for nats in (-0.05, -1.0, -3.0, -9.0)
    ]
    assert likely == sorted(likely, reverse=True)
    assert likely[0] > 0.8 > 0.4 > likely[-1]


def test_a_model_of_other_features_is_refused(tmp_path):
    manifest = tmp_path / "likelihood.json"
    manifest.write_text(json.dumps({"features": ["one"], "calibration": {}}), encoding="utf-8")
    with pytest.raises(ValueError, match="other features"):
        Likelihood(tmp_path / "likelihood.onnx", manifest)


def completed(judge, **request):
    generator = FakeGenerator("open(path, mode)\n", margin=2.0)
    completer = Completer(generator, None, CompletionOptions(), judge=judge)
    text = "value = "
    return completer.complete(CompletionRequest(text, len(text), path="a.py", **request))


def test_a_completion_has_the_probability_of_what_is_shown():
    found = completed(Chooser(LikelyTo(0.97, 0.95, 0.3, 0.3), Costs(2.0, 1.0)))
    assert found.text == "open(path"
    assert found.to_json()["probability"] == 0.95


def test_a_silenced_completion_names_probability_and_threshold_in_a_sentence():
    found = completed(Chooser(LikelyTo(0.31, 0.1, 0.1, 0.1), Costs(2.0, 1.0)))
    assert (found.text, found.finish) == ("", "filtered:unlikely")
    assert "with a probability of 0.31, and at that length it is shown from" in sentence(
        found.finish, found.facts
    )
    assert "completion.eagerness" in sentence(found.finish, found.facts)


def test_a_completion_too_short_for_a_look_says_so_with_its_probability():
    found = completed(Chooser(LikelyTo(0.97, 0.1, 0.1, 0.1), Costs(2.0, 1.0, look=5.0)))
    assert (found.text, found.finish) == ("", "filtered:little")
    assert found.to_json()["probability"] == 0.97
    said = sentence(found.finish, found.facts)
    assert "probability of 0.97, and its 5 characters are typed before they are seen" in said
    assert "from 6 on" in said and "completion.eagerness" in said


def test_without_a_judge_everything_is_shown_as_before():
    found = completed(shown_whole)
    assert (found.text, found.probability) == (TEXT, None)
