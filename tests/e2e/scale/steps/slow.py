"""A store that is slow, one that is away and one that does not let us in, for who reads."""

from __future__ import annotations

import json

from tests.e2e.scale.steps.shared import Laptop, Steps, Team, is_last_good, last_line

_NOBODY = "http://127.0.0.1:9"  # the port that discards; nobody listens on it
_DELAYS = (0.02, 2.0)


def slow_and_away(steps: Steps, team: Team) -> None:
    """Publish and read through a store that waits before each answer, then without one."""
    laptop = Laptop(team, team.folder.parent / "laptop-slow")
    for number, seconds in enumerate(_DELAYS):
        team.proxy.delay_seconds = seconds
        done = team.publish(10 + number, team.through())
        found = laptop.look(team.through())
        team.proxy.delay_seconds = 0.0
        is_new = done.returncode == 0 and json.loads(done.stdout)["published"]["is_new"]
        steps.check(is_new, f"a store {seconds:g} s slower: published", last_line(done.stderr))
        holds = (found["trouble"], found["revision"]) == ("", team.pointer()["revision"])
        steps.check(holds, f"a store {seconds:g} s slower: the reader has the newest", found)
    before = laptop.look()
    away = laptop.look({**team.store.environment(), "AWS_ENDPOINT_URL": _NOBODY})
    what = "the store away: the reader goes on with what it has and says its age"
    steps.check(is_last_good(away, before, "does not answer"), what, away)
    shut = laptop.look(team.store.environment(secret="wrong"))
    what = "wrong credentials: the reader goes on with what it has and says its age"
    steps.check(is_last_good(shut, before, "does not answer"), what, shut)
