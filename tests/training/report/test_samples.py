"""What is shown of a training: habits first, won and lost alike, each drawn by chance."""

from __future__ import annotations

from dataclasses import replace

from homespun.server.types import Completion
from homespun.training.conventions.written import FormCounts
from homespun.training.dataset.examples import Example
from homespun.training.evaluation.arms import ArmAnswer
from homespun.training.evaluation.evaluate import Evaluation
from homespun.training.evaluation.items import Item
from homespun.training.evaluation.metrics import scored
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.report.samples import samples_of

HOUSE, OTHER, SILENT = FormCounts(1, 0), FormCounts(0, 1), None


def place(number: int, kind: str) -> Item:
    example = Example(
        f"{kind}{number}", "shop", f"{kind}{number}.py", "python", "a = 1\nb = ", "2", "\n", kind
    )
    return Item(example, "", (kind,))


def answered(kind: str, number: int, by_arm: dict[str, tuple[str, FormCounts | None]]):
    """One place: what each arm wrote, and in which form."""
    item = place(number, kind)
    answers = [
        ArmAnswer(item, arm, Completion(text, "newline", "tiny"), (), None, False)
        for arm, (text, _) in by_arm.items()
    ]
    scores = {
        arm: replace(
            scored(item.example.middle, text, "newline"), forms={"python/x": form} if form else {}
        )
        for arm, (text, form) in by_arm.items()
    }
    row = ScoredItem(item.example.id, "c", "f", kind, item.strata, scores)
    return row, answers


def shown(places=(), habits=(), seed=0):
    """Draw samples; a place is (text before, text after), a habit (form before, form after)."""
    after, before = PRIMARY
    told = [
        answered("line", number, {before: (one, None), after: (other, None)})
        for number, (one, other) in enumerate(places)
    ]
    told_habits = [
        answered("habit", number, {before: ("b", one), after: ("a", other)})
        for number, (one, other) in enumerate(habits)
    ]
    report = CompletionReport(
        repo="shop",
        window={},
        versions={},
        models={},
        arms=PRIMARY,
        rows=tuple(row for row, _ in told),
        missing={},
        habits=tuple(row for row, _ in told_habits),
    )
    found = Evaluation(
        report,
        items=(),
        answers=tuple(answer for _, answers in told for answer in answers),
        at_habits=tuple(answer for _, answers in told_habits for answer in answers),
    )
    return samples_of(found, seed=seed)


def test_won_and_lost_and_still_wrong_are_shown_and_what_both_knew_is_not():
    found = shown([("x", "2"), ("2", "x"), ("x", "y"), ("2", "2")])
    assert [(it.path, it.before_is_right, it.after_is_right) for it in found] == [
        ("line0.py", False, True),
        ("line1.py", True, False),
        ("line2.py", False, False),
    ]
    assert [it.habit for it in found] == ["", "", ""]


def test_habits_come_first_by_their_form_and_only_where_both_wrote_one_and_they_differ():
    found = shown(
        [("x", "2")],
        [(OTHER, HOUSE), (HOUSE, OTHER), (HOUSE, HOUSE), (OTHER, OTHER), (SILENT, HOUSE)],
    )
    assert [(it.path, it.before_is_right, it.after_is_right) for it in found] == [
        ("habit0.py", False, True),
        ("habit1.py", True, False),
        ("line0.py", False, True),
    ]
    assert [it.habit for it in found] == ["python/x", "python/x", ""]
    assert (found[0].before, found[0].after, found[0].wanted, found[0].line) == ("b", "a", "2", 2)


def test_a_line_that_shows_both_forms_is_not_in_the_house_s():
    assert [it.after_is_right for it in shown([], [(HOUSE, FormCounts(1, 1))])] == [False]


def test_of_a_sort_only_some_are_drawn_the_same_ones_for_a_seed():
    many = [(OTHER, HOUSE)] * 30
    first, again, other = shown([], many), shown([], many), shown([], many, seed=1)
    assert len(first) == 4
    assert first == again
    assert first != other
