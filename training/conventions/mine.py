"""A tree -> its conventions: each rule with its house form, support, adherence and interval.

Files are those of the index, with secrets masked; generated files, stubs and data are not asked. A
house rule is one with enough sites whose adherence lies at or above `MIN_ADHERENCE` with the
lower end of its 95 % interval (Wilson 1927); all others are "mixed" or have "few" sites.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import has_grammar, language_of
from homespun.indexer.scan import walk
from homespun.indexer.syntax.parse import parse_file, readable
from homespun.indexer.types import Skipped
from homespun.progress import NoProgress, Progress
from homespun.settings import settings_of
from homespun.stats import wilson
from homespun.training.conventions import symbols
from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.base.rule import GROUPS, Rule, Site
from homespun.training.conventions.sites import has_rules, parse_source, rule_of, sites_of

logger = logging.getLogger(__name__)

MIN_SITES = 30
MIN_ADHERENCE = 0.8  # of the lower end of the interval
_MAX_EXAMPLES = 10  # kept for each form
_MAX_EXAMPLE_CHARS = 120
_PROGRESS = NoProgress()
_BARE_QUOTES = ('"""', "'''")

Status = Literal["house", "mixed", "few"]


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """A line that shows a form."""

    path: str
    line: int  # 1-based
    text: str  # stripped, shortened


@dataclass(frozen=True, slots=True)
class FormCount:
    """One answer to a rule's question."""

    form: str
    label: str
    sites: int
    files: int
    examples: tuple[ExampleLine, ...]  # of different files first


@dataclass(frozen=True, slots=True)
class Convention:
    """What the tree answers to a rule."""

    rule: Rule
    forms: tuple[FormCount, ...]  # the most frequent first, at least one
    files: int  # with sites of the rule
    least_sites: int = MIN_SITES

    @property
    def house(self) -> FormCount:
        """The most frequent form."""
        return self.forms[0]

    @property
    def sites(self) -> int:
        """How many places answer."""
        return sum(form.sites for form in self.forms)

    @property
    def adherence(self) -> float:
        """Share of the house form."""
        return self.house.sites / self.sites

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the adherence."""
        return wilson(self.house.sites, self.sites)

    @property
    def status(self) -> Status:
        """Whether it is a rule of the house."""
        if self.sites < self.least_sites:
            return "few"
        return "house" if self.interval[0] >= MIN_ADHERENCE else "mixed"

    @property
    def exceptions(self) -> tuple[ExampleLine, ...]:
        """Places that do otherwise, of the most frequent other form first."""
        return tuple(place for form in self.forms[1:] for place in form.examples)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `homespun conventions --json`."""
        low, high = self.interval
        return {
            "id": self.rule.id,
            "language": self.rule.family,
            "group": self.rule.group,
            "rule": self.rule.title,
            "house": self.house.form,
            "house_form": self.house.label,
            "status": self.status,
            "formatter_fixable": self.rule.fixable,
            "settled_by": self.rule.settled_by,
            "sites": self.sites,
            "files": self.files,
            "adherence": round(self.adherence, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "forms": [
                {
                    "form": form.form,
                    "label": form.label,
                    "sites": form.sites,
                    "files": form.files,
                    "examples": [
                        {"path": place.path, "line": place.line, "text": place.text}
                        for place in form.examples
                    ],
                }
                for form in self.forms
            ],
        }


@dataclass(frozen=True, slots=True)
class Conventions:
    """All that was mined from a tree."""

    rules: tuple[Convention, ...]  # by language, group, adherence
    files: dict[str, int]  # language -> files that were asked
    lines: dict[str, int]  # language -> their lines
    skipped: int  # files that could not be asked: broken beyond parsing, generated, not text

    def house(self) -> tuple[Convention, ...]:
        """Return the rules of the house."""
        return tuple(rule for rule in self.rules if rule.status == "house")

    def get(self, id_: str) -> Convention | None:
        """Return a rule's convention; None where no site answers."""
        return next((rule for rule in self.rules if rule.rule.id == id_), None)


@dataclass(slots=True)
class _Tally:
    """Sites of one rule, while files go by."""

    rule: Rule
    sites: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[ExampleLine]] = field(default_factory=dict)
    files_with_sites: int = 0

    def convention(self, least_sites: int) -> Convention:
        ranked = sorted(self.sites, key=lambda form: (-self.sites[form], form))
        forms = tuple(
            FormCount(
                form,
                self.rule.label(form),
                self.sites[form],
                self.files[form],
                tuple(self.examples[form]),
            )
            for form in ranked
        )
        return Convention(self.rule, forms, self.files_with_sites, least_sites)


class Miner:
    """Counts the sites of one file after the other."""

    def __init__(self, repository: RepositoryPaths) -> None:
        self._repository = repository
        self._tallies: dict[str, _Tally] = {}
        self.files: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.skipped = 0

    def add(self, path: str, source: bytes, config: IndexConfig) -> None:
        """Count a file's sites."""
        found = readable(path, source, config)
        if isinstance(found, Skipped) or found.is_generated or not has_grammar(found.language):
            self.skipped += 1
            return
        if not has_rules(found.language):
            self._add_symbols(path, source, config)
            return
        file = parse_source(path, found.language, found.text)
        if file is None:
            self.skipped += 1
            return
        self._count(found.language, len(file.lines))
        sites = sites_of(file, self._repository)
        rules = {id_: rule_of(id_) for id_ in {site.rule for site in sites}}
        self._tally(path, file.lines, ((rules[site.rule], site) for site in sites))

    def _add_symbols(self, path: str, source: bytes, config: IndexConfig) -> None:
        parsed = parse_file(path, source, config)
        if isinstance(parsed, Skipped):
            self.skipped += 1
            return
        lines = [line for chunk in parsed.chunks for line in chunk.text.split("\n")[:-1]]
        self._count(parsed.language, len(lines))
        text = readable(path, source, config)
        shown = [] if isinstance(text, Skipped) else text.text.split("\n")
        self._tally(path, shown, symbols.sites(parsed))

    def _count(self, language: str, lines: int) -> None:
        self.files[language] += 1
        self.lines[language] += lines

    def _tally(self, path: str, lines: list[str], sites: Iterable[tuple[Rule, Site]]) -> None:
        seen: set[tuple[str, str]] = set()
        for rule, site in sites:
            tally = self._tallies.get(rule.id)
            if tally is None:
                tally = self._tallies[rule.id] = _Tally(rule)
            form = site.form
            tally.sites[form] += 1
            is_first = (rule.id, form) not in seen
            if is_first:
                if (rule.id, "") not in seen:
                    tally.files_with_sites += 1
                seen.update(((rule.id, form), (rule.id, "")))
                tally.files[form] += 1
            places = tally.examples.setdefault(form, [])
            if is_first and len(places) < _MAX_EXAMPLES:
                places.append(ExampleLine(path, site.line, _shown(lines, site)))

    def conventions(self, least_sites: int = MIN_SITES) -> Conventions:
        """Return what was counted."""
        found = [tally.convention(least_sites) for tally in self._tallies.values()]
        # One rule a module: those that are hardly imported are no questions to ask.
        found = [c for c in found if c.status != "few" or ":" not in c.rule.id]
        found.sort(key=_order)
        return Conventions(tuple(found), dict(self.files), dict(self.lines), self.skipped)


def mine(
    root: Path | str = ".",
    config: IndexConfig | None = None,
    *,
    progress: Progress = _PROGRESS,
    least_sites: int = MIN_SITES,
) -> Conventions:
    """Mine the conventions of the tree below `root`, by default by its settings.

    Raises `NotADirectory`.
    """
    root = Path(root)
    if config is None:
        config = settings_of(IndexConfig, "index", workspace=root, say=logger.warning)
    scan = walk.walk(root, config)
    asked = [file for file in scan.files if _may_be_asked(file.path)]
    miner = Miner(RepositoryPaths.of(file.path for file in scan.files))
    progress.start("reading", len(asked), "files")
    for file in asked:
        source = walk.read(root, file.path, config)
        if isinstance(source, Skipped):
            miner.skipped += 1
        else:
            miner.add(file.path, source, config)
        progress.advance(1)
    progress.finish()
    return miner.conventions(least_sites)


def _may_be_asked(path: str) -> bool:
    """Tell by the name whether a file may be code; one without an ending may be a script."""
    language = language_of(path)
    return has_grammar(language) or (language == "text" and "." not in path.rpartition("/")[2])


def _shown(lines: list[str], site: Site) -> str:
    if site.start < 0 or not 0 < site.line <= len(lines):
        return ""
    shown = lines[site.line - 1].strip()
    if shown in _BARE_QUOTES and site.line < len(lines):
        shown += " " + lines[site.line].strip()
    return shown[:_MAX_EXAMPLE_CHARS]


def _order(convention: Convention) -> tuple[str, int, float, str]:
    rule = convention.rule
    return rule.family, GROUPS.index(rule.group), -convention.adherence, rule.id


def house_forms(conventions: Iterable[Convention]) -> Iterator[tuple[str, str]]:
    """Yield (rule, house form) of the house rules that say something about who writes."""
    for convention in conventions:
        if convention.status == "house" and not convention.rule.fixable:
            yield convention.rule.id, convention.house.form
