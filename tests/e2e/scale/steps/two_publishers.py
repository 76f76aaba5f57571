"""Two publish different commits of one repository at the same moment: one gets 412 and yields.

What stands before the store holds both writes of the pointer until both have read the same one, and
lets them go in the order that is wanted. So it is a race in each run, and no luck.
"""

from __future__ import annotations

import json
import subprocess
import threading

from tests.e2e.scale.steps.shared import Steps, Team, command, last_line

_PATIENCE_SECONDS = 120.0


class _Race:
    """Two writes of a pointer, held until both are there."""

    def __init__(self, first: str) -> None:
        self._first = first  # the commit whose write is let go first
        self._both = threading.Barrier(2)
        self._gone = threading.Event()
        self.statuses: list[tuple[str, int]] = []

    def before(self, key: str, body: bytes) -> None:
        """Hold a write of the pointer."""
        if not key.endswith("/current") or len(self.statuses) >= 2 or self._both.broken:
            return
        self._both.wait(_PATIENCE_SECONDS)
        if json.loads(body)["revision"] != self._first:
            self._gone.wait(_PATIENCE_SECONDS)

    def after(self, key: str, body: bytes, status: int) -> None:
        """Note what the store said."""
        if key.endswith("/current"):
            self.statuses.append((json.loads(body)["revision"], status))
            self._gone.set()


def two_publishers(steps: Steps, team: Team) -> None:
    """Go through both orders."""
    for number, is_newer_first in enumerate((True, False)):
        _raced(steps, team, 2 + 3 * number, is_newer_first=is_newer_first)


def _raced(steps: Steps, team: Team, commits: int, *, is_newer_first: bool) -> None:
    team.publish(commits)
    older, newer = team.repository(commits + 1), team.repository(commits + 2)
    old, new = (each.git("rev-parse", "HEAD") for each in (older, newer))
    race = _Race(new if is_newer_first else old)
    team.proxy.before_write, team.proxy.after_write = race.before, race.after
    started = [
        subprocess.Popen(
            command(team.words(each)),
            env=team.through(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in (older, newer)
    ]
    (_, said), _ = (each.communicate() for each in started)
    ends = tuple(each.returncode for each in started)
    team.proxy.before_write = lambda *_: None
    team.proxy.after_write = lambda *_: None
    found = f"exits {ends}, {race.statuses}, {last_line(said)!r}"
    is_newest = team.pointer()["revision"] == new
    if is_newer_first:
        yields = ends == (1, 0) and race.statuses == [(new, 200), (old, 412)]
        yields = yields and "is not published" in last_line(said) and "Traceback" not in said
        what = "two publish at once, the newer is first: the older gets 412 and yields (exit 1)"
    else:
        yields = ends == (0, 0) and race.statuses == [(old, 200), (new, 412), (new, 200)]
        what = "two publish at once, the older is first: the newer gets 412, looks and follows"
    steps.check(yields and is_newest, what, found)
