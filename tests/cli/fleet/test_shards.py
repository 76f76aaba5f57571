"""Shards: every repository in exactly one, and the same one however the list grows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.cli.errors import UsageError
from homespun.cli.fleet.repositories import FleetRepository
from homespun.cli.fleet.shards import FleetShard, shard_of

NAMES = st.lists(st.from_regex(r"[a-z]{1,6}/[a-z0-9]{1,8}", fullmatch=True), unique=True)


def listed(names):
    return [FleetRepository(name, f"/srv/{name}") for name in names]


@given(names=NAMES, of=st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_the_shards_are_a_partition(names, of):
    parts = [FleetShard(number + 1, of).of_list(listed(names)) for number in range(of)]
    assert sorted(one.name for part in parts for one in part) == sorted(names)


@given(names=NAMES, more=NAMES, of=st.integers(1, 9), number=st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_a_list_that_grows_moves_nobody(names, more, of, number):
    shard = FleetShard(min(number, of), of)
    before = {one.name for one in shard.of_list(listed(names))}
    after = {one.name for one in shard.of_list(listed([*more, *names]))}
    assert before == after & set(names)


def test_a_shard_is_the_same_on_every_machine_and_for_ever():
    assert [FleetShard(1, 2).has(f"acme/{n}") for n in range(8)] == [
        *(False, False, False, True, True, True, True, False),
    ]


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        (None, {}, "1/1"),
        ("3/8", {"SLURM_ARRAY_TASK_ID": "1"}, "3/8"),
        ("env", {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_COUNT": "8"}, "5/8"),
        (
            "env",
            {
                "SLURM_ARRAY_TASK_ID": "0",
                "SLURM_ARRAY_TASK_MIN": "0",
                "SLURM_ARRAY_TASK_COUNT": "8",
            },
            "1/8",
        ),
        ("env/4", {"JOB_COMPLETION_INDEX": "3"}, "4/4"),
        ("env", {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "5"}, "2/5"),
    ],
)
def test_what_a_scheduler_says_is_read(text, environment, shard):
    assert str(shard_of(text, environment)) == shard


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("0/3", {}),
        ("4/3", {}),
        ("3", {}),
        ("a/b", {}),
        ("1/0", {}),
        ("env", {}),
        ("env", {"JOB_COMPLETION_INDEX": "0"}),
        ("env/4", {"JOB_COMPLETION_INDEX": "x"}),
        ("env", {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "8"}),
    ],
)
def test_what_is_no_shard_is_refused(text, environment):
    with pytest.raises(UsageError, match="--shard"):
        shard_of(text, environment)
