"""One entry in a JSON file of the user's: put in and taken out as text, so that all else stays.

Nothing is written anew: a member is inserted behind a brace, and exactly that is cut out again.
Where a section was empty before, its entry follows the brace without a space; where we made the
section there is one. That is how a removal knows what was there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from homespun.cli.agents.config_change import check_written
from homespun.cli.errors import ChangeRefused
from homespun.parsing import parse_json

_SPACE = re.compile(r"[ \t\r\n]*")
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    start: int  # of the key's quote
    value_start: int
    value_end: int


def with_entry(text: str | None, section: str, name: str, entry: dict[str, Any]) -> str:
    """Return the text with `{section: {name: entry}}` in it; None = there was no file.

    Raises `ChangeRefused`.
    """
    if text is None:
        return _as_new(section, name, entry)
    whole = _parsed(text)
    inner = _section_of(whole, section)
    if inner is not None and inner.get(name) == entry:
        return text
    if inner is None:
        new = _inserted(text, _after_space(text, 0), section, {name: entry})
    elif name in inner:
        new = _replaced(text, _only(text, _brace_of(text, section), name), entry)
    else:
        new = _inserted(text, _brace_of(text, section), name, entry)
    check_written(_parsed(new), whole | {section: (inner or {}) | {name: entry}})
    return new


def without_entry(text: str, section: str, name: str) -> str | None:
    """Return the text without the entry; None = there is to be no file. Raises `ChangeRefused`."""
    whole = _parsed(text)
    inner = _section_of(whole, section)
    if inner is None or name not in inner:
        return text
    if text == _as_new(section, name, inner[name]):
        return None
    brace = _brace_of(text, section)
    member = _only(text, brace, name)
    is_ours = len(inner) == 1 and member.start > brace + 1  # we left a space, so we made it
    rest = {key: value for key, value in inner.items() if key != name}
    if is_ours:
        new = _cut(text, _after_space(text, 0), section)
        check_written(_parsed(new), {key: value for key, value in whole.items() if key != section})
    else:
        new = _cut(text, brace, name)
        check_written(_parsed(new), whole | {section: rest})
    return new


def has_entry(text: str, section: str, name: str) -> bool:
    """Tell whether the entry is there. Raises `ChangeRefused`."""
    return name in (_section_of(_parsed(text), section) or {})


def _as_new(section: str, name: str, entry: dict[str, Any]) -> str:
    return json.dumps({section: {name: entry}}, indent=_INDENT) + "\n"


def _parsed(text: str) -> dict[str, Any]:
    try:
        whole = parse_json(text)
    except ValueError as error:
        raise ChangeRefused(f"it is no plain JSON ({error}); comments would be lost") from None
    if not isinstance(whole, dict):
        raise ChangeRefused("it holds no JSON object")
    return whole


def _section_of(whole: dict[str, Any], section: str) -> dict[str, Any] | None:
    inner = whole.get(section)
    if section in whole and not isinstance(inner, dict):
        raise ChangeRefused(f"its {section!r} is no object")
    return inner


def _members(text: str, brace: int) -> list[_Member]:
    """Return the members of the object that begins at a brace; the text is known to be JSON."""
    found: list[_Member] = []
    decoder = json.JSONDecoder()
    at = _after_space(text, brace + 1)
    while text[at] != "}":
        start = at
        key, at = decoder.raw_decode(text, at)
        value_start = _after_space(text, _after_space(text, at) + 1)  # behind the colon
        _, at = decoder.raw_decode(text, value_start)
        found.append(_Member(key, start, value_start, at))
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _only(text: str, brace: int, key: str) -> _Member:
    found = [member for member in _members(text, brace) if member.key == key]
    if len(found) != 1:
        raise ChangeRefused(f"it has {key!r} {len(found)} times in one object")
    return found[0]


def _brace_of(text: str, section: str) -> int:
    return _only(text, _after_space(text, 0), section).value_start


def _inserted(text: str, brace: int, key: str, value: dict[str, Any]) -> str:
    members = _members(text, brace)
    gap = text[brace + 1 : members[0].start] if members else ""
    line_end = "\r\n" if "\r\n" in text else "\n"
    comma = "," if members else ""
    if "\n" in gap:
        indent = gap.rpartition("\n")[2]
        written = f"{json.dumps(key)}: {json.dumps(value, indent=_unit(text))}"
        lines = written.replace("\n", line_end + indent)
        return f"{text[: brace + 1]}{line_end}{indent}{lines}{comma}{text[brace + 1 :]}"
    inner = json.dumps(value)
    if all(isinstance(each, dict) for each in value.values()):  # a section of our own
        inner = f"{{ {inner[1:-1]} }}"
    return f"{text[: brace + 1]}{json.dumps(key)}: {inner}{comma}{text[brace + 1 :]}"


def _replaced(text: str, member: _Member, value: dict[str, Any]) -> str:
    line_start = text.rfind("\n", 0, member.start) + 1
    indent = text[line_start : member.start]
    if indent.strip() or not line_start:
        return text[: member.value_start] + json.dumps(value) + text[member.value_end :]
    line_end = "\r\n" if "\r\n" in text else "\n"
    written = json.dumps(value, indent=_unit(text)).replace("\n", line_end + indent)
    return text[: member.value_start] + written + text[member.value_end :]


def _cut(text: str, brace: int, key: str) -> str:
    members = _members(text, brace)
    number = members.index(_only(text, brace, key))
    end = members[number].value_end
    if number:
        return text[: members[number - 1].value_end] + text[end:]
    if len(members) > 1:
        end = _after_space(text, end) + 1  # the comma
    return text[: brace + 1] + text[end:]


def _unit(text: str) -> str:
    """Return how far the file indents a level."""
    match = re.search(r"\n([ \t]+)\"", text)
    return match[1] if match else _INDENT


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
