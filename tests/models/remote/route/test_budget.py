"""The tokens of a day: never more than the limit, by the calendar, whoever counts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import date

import pytest

from homespun.models.remote.route.budget import BudgetSpent, DayBudget
from homespun.paths import state_home

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
COUNTS = """
from datetime import date
from homespun.models.remote.route.budget import BudgetSpent, DayBudget
budget, taken = DayBudget(150, today=lambda: date(2026, 11, 23)), 0
for _ in range(100):
    try:
        budget.settle(budget.reserve(3), 1)
        taken += 1
    except BudgetSpent:
        pass
print(taken)
"""


def counted():
    """What the file holds."""
    return json.loads((state_home() / "remote_tokens.json").read_text())


def test_a_question_takes_what_it_may_need_and_gives_back_the_rest():
    budget = DayBudget(100, today=lambda: MONDAY)
    reserved = budget.reserve(80)
    assert counted() == {"date": "2026-11-23", "tokens": 80}
    budget.settle(reserved, 30)
    assert counted()["tokens"] == 30
    budget.settle(budget.reserve(60), 75)  # the server counts in its own tokens
    assert counted()["tokens"] == 105


def test_what_does_not_fit_is_refused_with_the_setting_and_counts_nothing():
    budget = DayBudget(1000, today=lambda: MONDAY)
    budget.reserve(900)
    with pytest.raises(BudgetSpent, match=r"the 1,000 tokens of today .*tokens_a_day"):
        budget.reserve(101)
    assert counted()["tokens"] == 900
    budget.reserve(100)


def test_the_next_day_begins_with_nothing_and_takes_nothing_back_of_the_last():
    days = [MONDAY]
    budget = DayBudget(100, today=lambda: days[0])
    late = budget.reserve(100)
    days[0] = TUESDAY
    budget.reserve(70)
    budget.settle(late, 0)
    assert counted() == {"date": "2026-11-24", "tokens": 70}


def test_a_restart_remembers():
    DayBudget(100, today=lambda: MONDAY).reserve(60)
    with pytest.raises(BudgetSpent):
        DayBudget(100, today=lambda: MONDAY).reserve(60)


def test_two_processes_together_take_no_more_than_the_limit():
    runs = [
        subprocess.Popen([sys.executable, "-P", "-c", COUNTS], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    taken = [int(run.communicate(timeout=120)[0]) for run in runs]
    # A question is refused from 148 on, for it may need three; either may be reserving the last.
    assert 146 <= sum(taken) <= 150
    assert counted()["tokens"] == sum(taken)
    assert sum(taken) < 200


def test_without_a_limit_nothing_is_written():
    budget = DayBudget(0)
    budget.settle(budget.reserve(10**9), 10**9)
    assert not (state_home() / "remote_tokens.json").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"date": 1, "tokens": 5}', '{"tokens": -1}'])
def test_what_cannot_be_counted_is_not_sent(content):
    state_home().mkdir(parents=True, exist_ok=True)
    (state_home() / "remote_tokens.json").write_text(content)
    with pytest.raises(BudgetSpent, match="cannot be counted .*delete that file"):
        DayBudget(100).reserve(1)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_the_file_is_its_owners_alone():
    DayBudget(100).reserve(1)
    assert stat.S_IMODE((state_home() / "remote_tokens.json").stat().st_mode) == 0o600
