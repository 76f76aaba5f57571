"""Do the house's habits stay?"""

from __future__ import annotations

from homespun.indexer.config import IndexConfig
from homespun.progress import NoProgress
from homespun.training.advice.then_and_now import compared, house_then_and_now
from homespun.training.config import DatasetConfig
from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.mine import Miner
from homespun.training.history.repository import Repository
from homespun.training.sources.select import of_revision

NEW = "def f_{n}(x: int | None) -> None:\n    pass\n\n\n"
OLD = "def f_{n}(x: Optional[int]) -> None:\n    pass\n\n\n"
RULE = "python/optional"


def text(form, count=40):
    return "from typing import Optional\n\n\n" + "".join(form.format(n=n) for n in range(count))


def mined(source):
    miner = Miner(RepositoryPaths.of(["a.py"]))
    miner.add("a.py", source.encode(), IndexConfig())
    return miner.conventions()


def rule(house):
    return next(one for one in house.rules if one.rule == RULE)


def test_a_rule_whose_form_is_another_one_now_has_not_stayed():
    house = compared(mined(text(NEW)), mined(text(OLD)), "2025-01-01")
    found = rule(house)
    assert found.is_unsettled and found in house.unsettled
    assert (found.share, found.share_then, found.status_then) == (1.0, 0.0, "house")


def test_a_rule_that_is_mixed_now_has_not_stayed():
    house = compared(mined(text(NEW, 18) + text(OLD, 22)), mined(text(OLD)), "2025-01-01")
    assert rule(house).status == "mixed" and rule(house).is_unsettled
    assert house.settled < house.judged


def test_a_rule_that_was_mixed_and_is_settled_now_has_not_left():
    house = compared(mined(text(NEW)), mined(text(NEW, 20) + text(OLD, 20)), "2025-01-01")
    assert not rule(house).is_unsettled
    assert rule(house).share_then == 0.5


def test_what_a_formatter_settles_is_no_habit():
    found = compared(mined(text(NEW) + "x = 'a'\n" * 50), None, "")
    assert "python/quotes" not in {one.rule for one in found.rules}
    assert (found.house_then, found.unsettled) == (0, ())


def both(scratch, dates=None):
    with Repository.open(scratch.folder) as repository:
        tip = of_revision(repository, repository.head, DatasetConfig(), progress=NoProgress())
        days = [date for _, date in repository.authors()]
        return house_then_and_now(repository, tip, (min(days), max(days)), progress=NoProgress())


def test_then_is_a_year_ago_and_the_middle_of_a_younger_history(scratch):
    scratch.commit(a=text(OLD))
    scratch.day += 100
    scratch.commit(a=text(NEW))
    house = both(scratch)
    assert rule(house).is_unsettled and house.day_then == "2024-01-05"
    scratch.day += 1000
    scratch.commit(b="b = 1\n")
    house = both(scratch)
    assert not rule(house).is_unsettled and house.day_then == "2025-11-21"


def test_a_history_of_a_few_weeks_is_not_compared(scratch):
    scratch.commit(a=text(OLD))
    scratch.day += 30
    scratch.commit(a=text(NEW))
    house = both(scratch)
    assert (house.day_then, rule(house).status_then) == ("", None)
