"""What is to change for one agent: its list of servers, and the file with instructions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun.cli.agents import json_entry, marked_block, own_file, toml_entry
from homespun.cli.agents.config_change import ConfigChange, Edit, change_of, text_of
from homespun.cli.agents.kinds import GUIDE, KINDS, NAME, SUBAGENT, AgentKind
from homespun.cli.agents.marked_block import HTML
from homespun.cli.errors import ChangeRefused


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes, and what there is to say about them."""

    changes: tuple[ConfigChange, ...]  # those that change something
    notes: tuple[str, ...] = ()  # sentences


def to_install(kind: AgentKind, project: Path, command: str) -> Plan:
    """Plan that an agent learns of homespun. Raises `ChangeRefused`."""
    form, entry = _form(kind), kind.entry(command)
    config = change_of(
        _folder(kind, project),
        kind.config,
        lambda text: form.with_entry(text, kind.section, NAME, entry),
    )
    guide = change_of(project, kind.guide, lambda text: marked_block.with_block(text, GUIDE, HTML))
    subagent = _subagent(kind, project, lambda text: own_file.with_text(text, SUBAGENT))
    return _plan(config, guide, *subagent)


def to_remove(kind: AgentKind, project: Path) -> Plan:
    """Plan that exactly that goes again. Raises `ChangeRefused`."""
    form = _form(kind)
    config = change_of(
        _folder(kind, project),
        kind.config,
        lambda text: None if text is None else form.without_entry(text, kind.section, NAME),
    )
    subagent = _subagent(
        kind, project, lambda text: None if text is None else own_file.without_text(text)
    )
    readers = [
        other.title for other in KINDS if other.name != kind.name and _reads(other, kind, project)
    ]
    if readers:
        note = f"{kind.guide} keeps its block: {', '.join(readers)} reads it, too"
        return Plan(_plan(config, *subagent).changes, (note,))
    guide = change_of(
        project,
        kind.guide,
        lambda text: None if text is None else marked_block.without_block(text, HTML),
    )
    return _plan(config, guide, *subagent)


def _subagent(kind: AgentKind, project: Path, edit: Edit) -> list[ConfigChange]:
    return [change_of(project, kind.subagent, edit)] if kind.subagent else []


def _plan(*changes: ConfigChange) -> Plan:
    return Plan(tuple(change for change in changes if not change.is_none))


def knows(kind: AgentKind, project: Path) -> bool:
    """Tell whether an agent's list names homespun; not where it cannot be read."""
    try:
        text = text_of(_folder(kind, project), kind.config)
        return text is not None and bool(_form(kind).has_entry(text, kind.section, NAME))
    except ChangeRefused:
        return False


def _reads(other: AgentKind, kind: AgentKind, project: Path) -> bool:
    """Tell whether another agent, which knows homespun, reads the same instructions."""
    return other.guide == kind.guide and knows(other, project)


def _folder(kind: AgentKind, project: Path) -> Path:
    return Path.home() if kind.is_of_home else project


def _form(kind: AgentKind) -> Any:  # noqa: ANN401 - one of two modules of the same functions
    return toml_entry if kind.config.endswith(".toml") else json_entry
