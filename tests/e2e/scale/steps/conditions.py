"""A store that takes conditional writes and forgets their conditions is refused by the probe."""

from __future__ import annotations

from tests.e2e.scale.steps.shared import Steps, Team, is_sentence, last_line


def without_conditions(steps: Steps, team: Team) -> None:
    """Publish a newer commit through what forgets conditions; nothing is published."""
    before = team.object("current")
    team.proxy.forgets_conditions = True
    done = team.publish(9, team.through())
    team.proxy.forgets_conditions = False
    holds = is_sentence(done, "does not keep to conditions") and team.object("current") == before
    what = "a store without conditional writes is refused, its pointer stays"
    steps.check(holds, what, f"exit {done.returncode}, {last_line(done.stderr)!r}")
