"""Which coding agents know homespun in this folder, and whether what they start would answer."""

from __future__ import annotations

from collections.abc import Iterator

from homespun import programs
from homespun.cli.agents.kinds import KINDS, AgentKind
from homespun.cli.agents.plan import knows
from homespun.cli.doctor.checks.finding import Finding, Patient, Problem


def check_agents(patient: Patient) -> Finding:
    """Look into the lists of servers that `homespun install-agent` writes; nothing is started."""
    known = [kind for kind in KINDS if knows(kind, patient.folder)]
    program = programs.find("homespun", outside=patient.folder)
    return Finding(
        line=", ".join(kind.title for kind in known) or "no agent knows homespun here",
        facts={"agents": [kind.name for kind in known], "program_on_path": program},
        problems=tuple(_problems(known, program)) if known else (),
    )


def _problems(known: list[AgentKind], program: str | None) -> Iterator[Problem]:
    from homespun.server.agents.serve import INSTALL, is_installed

    titles = " and ".join(kind.title for kind in known)
    start = "starts" if len(known) == 1 else "start"
    if not is_installed():
        yield Problem(
            f"{titles} {start} `homespun mcp`, and the MCP SDK that it needs is not installed",
            INSTALL,
            is_broken=False,
        )
    if program is None:
        yield Problem(
            f"{titles} {start} homespun, and outside of the folder there is none on the PATH",
            f"homespun install-agent {known[0].name} --command PROGRAM, with the path of homespun",
            is_broken=False,
        )
