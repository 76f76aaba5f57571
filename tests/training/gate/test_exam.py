"""What is said before anything is learned: how many places it takes, and how many there are."""

from __future__ import annotations

from homespun.training.gate.exam import Exam


def test_a_repository_with_enough_places_and_habits_is_told_so():
    exam = Exam(places=1_250, commits=200, habits=900)
    assert exam.missing == []
    assert exam.sentence == (
        "an adapter is judged at 1,250 places and 900 habits in lines of 200 later commits; it "
        "takes 1,250 and 900 to show within the margins that it is better and nowhere worse"
    )
    assert all(line.startswith("  + ") for line in exam.lines())


def test_too_few_places_are_named_with_what_they_are_too_few_for():
    exam = Exam(places=1_000, commits=60, habits=899)
    assert exam.missing == [
        "house form in what is written",
        "exact first lines",
        "knowing when to stop",
    ]
    assert "the verdict will often be" in exam.sentence
    assert exam.sentence.endswith('"too little to tell"; an earlier --until gives more')
    assert "  ? exact first lines, within 2.5 points: 1,250 places, 1,000 are here" in exam.lines()
    assert "  + edit similarity, within 2 points: 1,000 places, 1,000 are here" in exam.lines()


def test_a_repository_that_cannot_pass_is_told_before_it_has_cost_an_hour():
    for exam in (Exam(199, 60, 900), Exam(1_250, 19, 900), Exam(1_250, 60, 0)):
        assert exam.is_hopeless
        assert "so that the verdict will be" in exam.sentence
    assert not Exam(200, 20, 1).is_hopeless


def test_the_plan_as_json_has_what_each_condition_needs():
    told = Exam(places=300, commits=60, habits=50).to_json()
    assert (told["places"], told["commits"], told["habits"]) == (300, 60, 50)
    assert {"name": "exact first lines", "margin": 0.025, "needed": 1_250} in told["conditions"]
    assert told["missing"][0] == "house form in what is written"
