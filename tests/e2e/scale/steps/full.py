"""A store that is full: the publisher fails with one sentence, and what is offered stays."""

from __future__ import annotations

from tests.e2e.scale.steps.shared import Laptop, Steps, Team, is_sentence, last_line

_FULL = {
    "every write": lambda _: True,
    "packs": lambda key: key.endswith(".parquet"),
    "the pointer": lambda key: key.endswith("/current"),
}


def full_store(steps: Steps, team: Team) -> None:
    """Publish a newer commit to a store that answers 507 to some writes."""
    laptop = Laptop(team, team.folder.parent / "laptop-full")
    before, read = team.object("current"), laptop.look()
    for what, is_full in _FULL.items():
        team.proxy.full = is_full
        done = team.publish(13, team.through())
        team.proxy.full = lambda _: False
        holds = is_sentence(done, "does not answer as it should")
        holds = holds and team.object("current") == before and laptop.look() == read
        said = f"a full store ({what}): one sentence, the pointer stays"
        steps.check(holds, said, f"exit {done.returncode}, {last_line(done.stderr)!r}")
