"""What changes weekly in a history, and what stays."""

from __future__ import annotations

import pytest

from homespun.progress import NoProgress
from homespun.training.advice.history_facts import history_facts
from homespun.training.config import DatasetConfig
from homespun.training.history.repository import Repository
from homespun.training.sources.select import of_revision

YEAR = 366


def lines(name, count):
    return "".join(f"{name}_{n} = {name}({n * n})\n" for n in range(count))


def facts(scratch):
    with Repository.open(scratch.folder) as repository:
        tip = of_revision(repository, repository.head, DatasetConfig(), progress=NoProgress())
        return history_facts(repository.windows(), tip, repository.authors())


@pytest.fixture
def moving(scratch):
    """`core` rests since the beginning, `web/pages` changes each week, for ten weeks at the end."""
    scratch.commit(core__base=lines("base", 30), web__pages__index=lines("index", 5))
    scratch.day += YEAR
    for week in range(10):
        scratch.day += 6
        scratch.commit(web__pages__index=lines("index", 6 + week))
    return scratch


def test_a_folder_that_changes_every_week_is_told_from_one_that_rests(moving):
    found = facts(moving)
    assert [one.folder for one in found.weekly] == []
    churn = {one.folder: one for one in found.folders}
    assert (churn["web/pages"].weeks, churn["web/pages"].added) == (10, 10)
    assert (churn["core"].weeks, churn["core"].code_lines) == (0, 30)
    assert found.weeks == 26


def test_what_changes_in_every_second_week_is_called_weekly(scratch):
    for week in range(8):
        scratch.commit(
            **{"hot__a": lines("a", week + 1)}, **({"cold__b": "b = 1\n"} if not week else {})
        )
        scratch.day += 6
    found = facts(scratch)
    assert [one.folder for one in found.weekly] == ["hot"]
    assert found.weeks == 8


def test_code_is_as_old_as_its_file_counted_from_the_newest_commit(moving):
    found = facts(moving)
    assert found.ages["longer ago"] == 30 and found.ages["a week"] == 15
    assert found.settled_share == pytest.approx(30 / 45)
    assert found.days == YEAR + 70


def test_weeks_are_counted_back_and_lines_of_merges_are_none(moving):
    found = facts(moving)
    assert found.added_by_week[-10:] == (1,) * 10
    assert len(found.added_by_week) <= 104


def test_authors_are_counted_whatever_the_case_of_their_address_and_named_nowhere(scratch):
    scratch.commit(a="a = 1\n")
    scratch.write(a="a = 2\n")
    scratch.git("commit", "-qam", "x", "--author", "B <A@Example.org>")
    scratch.write(a="a = 3\n")
    scratch.git("commit", "-qam", "x", "--author", "C <c@example.org>")
    found = facts(scratch)
    assert (found.authors, found.recent_authors) == (2, 2)
    assert "example.org" not in str(found.to_json())


def test_a_commit_of_any_date_is_taken(scratch):
    scratch.commit(a="a = 1\n", date="@0 +0000")
    scratch.commit(a="a = 1\nb = 2\n", date="@400000000000 +0000")
    found = facts(scratch)
    assert (found.first_day, found.last_day, found.commits) == ("1970-01-01", "9999-12-31", 2)
