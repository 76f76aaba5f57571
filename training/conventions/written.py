"""Which forms stand in a part of a file: how a completion writes, rule by rule.

The miner reads the whole file with the completion in its place; a site belongs to the completion if
its first character does. A form that was begun above the cursor is not the completion's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.sites import parse_source, sites_of


class FormCounts(NamedTuple):
    """Sites of one rule."""

    house: int  # in the house's form
    other: int


WrittenForms = Callable[[str, str, str, int, int], Mapping[str, FormCounts]]
"""(path, language, text, start, end) -> the sites that begin in text[start:end], by rule."""


def written_forms(
    path: str,
    language: str,
    text: str,
    start: int,
    end: int,
    *,
    house: Mapping[str, str],
    repository: RepositoryPaths,
) -> dict[str, FormCounts]:
    """Count the sites that begin in `text[start:end]`, by rule; those of rules in `house` alone.

    `house` has the rules of the house and their forms, as `mine.house_forms` gives them: none that
    a formatter settles. The rules on single modules ("import-of:NAME") count as one, so that what
    is kept of an evaluation names no module.
    """
    file = parse_source(path, language, text)
    if file is None:
        return {}
    first = len(text[:start].encode("utf-8", "replace"))
    last = first + len(text[start:end].encode("utf-8", "replace"))
    found: dict[str, FormCounts] = {}
    for site in sites_of(file, repository):
        if site.rule in house and first <= site.start < last:
            rule = site.rule.partition(":")[0]
            known = found.get(rule, FormCounts(0, 0))
            is_house = site.form == house[site.rule]
            found[rule] = FormCounts(known.house + is_house, known.other + (not is_house))
    return found
