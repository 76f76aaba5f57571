"""A line of the house -> the same line in another convention, for each rule that can be turned.

A rewriter takes a site's node and returns what to replace; None where this site cannot be turned
without changing what the code does. Positions are bytes, as in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from homespun.training.conventions.base.parsed_file import ParsedSource

if TYPE_CHECKING:
    from tree_sitter import Node


class Edit(NamedTuple):
    """Bytes to replace."""

    start: int
    end: int
    text: str


Rewriter = Callable[[ParsedSource, "Node", str], list[Edit] | None]  # file, node, the wanted form


@dataclass(frozen=True, slots=True)
class Rewrite:
    """How a rule's sites are turned."""

    others: Mapping[str, str]  # house form -> the form to turn to; "*" for all other forms
    rewriter: Rewriter
    gives_away: bool = False  # the code behind the site names the form: it is not shown

    def other(self, house: str) -> str | None:
        """Return the form to turn to; None where the rule's house form cannot be turned."""
        return self.others.get(house, self.others.get("*"))


def swapped(first: str, second: str) -> dict[str, str]:
    """Return two forms that turn into each other."""
    return {first: second, second: first}


def replaced(node: Node, text: str) -> Edit:
    """Replace a node."""
    return Edit(node.start_byte, node.end_byte, text)


def indentation(file: ParsedSource, node: Node) -> str:
    """Return the blanks before the first line of a node."""
    line = file.lines[node.start_point[0]]
    return line[: len(line) - len(line.lstrip())]


def is_plain(text: str) -> bool:
    """Tell whether an expression may stand in a hole of a string: no quotes, brackets, breaks."""
    return not set(text) & set("\"'{}\\\n:!=") and "lambda" not in text
