"""Hostile folders for who tells an agent of them: the files that `install-agent` writes."""

from __future__ import annotations

from tests.attack.folders import attack, committed
from tests.attack.ground import Ground

LISTS = (".mcp.json", ".cursor/mcp.json", ".codex/config.toml")
GUIDES = ("CLAUDE.md", "AGENTS.md")


@attack("agents: every file a link to one outside")
def files_that_are_links(ground: Ground) -> None:
    """Have a list of servers, instructions and a sub-agent written somewhere else."""
    committed(ground)
    outside = ground.outside / "config.json"
    outside.write_text("{}\n", encoding="utf-8")
    for name in (*LISTS, *GUIDES, ".claude/agents/homespun-search.md"):
        place = ground.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(outside)


@attack("agents: every folder a link to one outside")
def folders_that_are_links(ground: Ground) -> None:
    """Have them made in a folder of the user's."""
    committed(ground)
    for name in (".cursor", ".codex", ".claude"):
        (ground.folder / name).symlink_to(ground.outside)


@attack("agents: lists that nest ten thousand deep")
def deep_lists(ground: Ground) -> None:
    """Break who reads them."""
    committed(ground)
    for name in LISTS:
        place = ground.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        deep = "[" * 10_000 if name.endswith("json") else "a = " + "[" * 10_000
        place.write_text(deep, encoding="utf-8")
    for name in GUIDES:
        begins = "<!-- homespun: begin -->\n" * 1_000
        (ground.folder / name).write_text(begins, encoding="utf-8")
