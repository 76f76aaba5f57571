"""Which of N machines a repository belongs to: by a hash of its name, so a longer list moves none.

A scheduler numbers its tasks in the environment; `env` reads that, so that one line of a job's
script fits all of its tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from homespun.cli.errors import UsageError
from homespun.cli.fleet.repositories import FleetRepository

_MAX_SHARDS = 100_000


@dataclass(frozen=True, slots=True)
class FleetShard:
    """One part of the list."""

    number: int  # 1-based
    of: int

    def __str__(self) -> str:
        """Return it as the flag takes it."""
        return f"{self.number}/{self.of}"

    def has(self, name: str) -> bool:
        """Tell whether a repository belongs to it."""
        digest = hashlib.sha256(name.encode("utf-8")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1

    def of_list(self, repositories: Iterable[FleetRepository]) -> list[FleetRepository]:
        """Return the repositories that belong to it, in their order."""
        return [one for one in repositories if self.has(one.name)]


WHOLE = FleetShard(1, 1)


def shard_of(text: str | None, environment: Mapping[str, str]) -> FleetShard:
    """Read `I/N`, `env` or `env/N`; None is everything. Raises `UsageError`."""
    if text is None:
        return WHOLE
    first, _, last = text.partition("/")
    number, of = _of_environment(last, environment) if first == "env" else (first, last)
    try:
        shard = FleetShard(int(number), int(of))
    except ValueError:
        raise UsageError(
            f"--shard {text!r} wants I/N, e.g. 3/8 for the third of eight, or env or env/N in a "
            "task of Slurm, Kubernetes or GitLab"
        ) from None
    if not 1 <= shard.number <= shard.of <= _MAX_SHARDS:
        raise UsageError(f"--shard {text!r} is {shard}; shards are counted from 1 to N")
    return shard


def _of_environment(of: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return which shard the scheduler's own variables name, as texts that may be no numbers."""
    get = environment.get
    if "SLURM_ARRAY_TASK_ID" in environment:
        count = of or get("SLURM_ARRAY_TASK_COUNT", "")
        return _from_one(get("SLURM_ARRAY_TASK_ID", ""), get("SLURM_ARRAY_TASK_MIN", "1")), count
    if "JOB_COMPLETION_INDEX" in environment:
        return _from_one(get("JOB_COMPLETION_INDEX", ""), "0"), of
    if "CI_NODE_INDEX" in environment:
        return get("CI_NODE_INDEX", ""), of or get("CI_NODE_TOTAL", "")
    raise UsageError(
        "--shard env finds none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX and CI_NODE_INDEX; "
        "give I/N"
    )


def _from_one(number: str, least: str) -> str:
    """Count from 1 what a scheduler counts from `least`."""
    try:
        return str(int(number) - int(least) + 1)
    except ValueError:
        return number
