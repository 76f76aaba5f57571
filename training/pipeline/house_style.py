"""The house's conventions as a training needs them: mined before the cut-off, asked behind it."""

from __future__ import annotations

import functools
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from homespun.indexer.config import IndexConfig
from homespun.progress import Progress
from homespun.training.conventions.base.parsed_file import RepositoryPaths
from homespun.training.conventions.mine import Conventions, Miner, house_forms
from homespun.training.conventions.sites import parse_source, sites_of
from homespun.training.conventions.written import FormCounts, written_forms
from homespun.training.history.repository import Repository
from homespun.training.probes.pairs import Probe, probes
from homespun.training.sources.filters import SourceText
from homespun.training.sources.select import LearnedFiles

_PER_FILE = 6  # pairs of one rule in one file of one commit
_PER_RULE_SHARE = 0.25  # of all pairs: so that one frequent rule is not all that is asked
_FEWEST_PER_RULE = 60  # a rule may have as many in any case: the gate judges those with 50


@dataclass(frozen=True, slots=True)
class HouseStyle:
    """Which form the house uses, rule by rule."""

    forms: Mapping[str, str]  # rule -> house form
    paths: tuple[str, ...]  # of the tree, to tell own modules from others

    def sites(self, path: str, language: str, text: str) -> Collection[int]:
        """Return the 1-based lines in which a house form shows; a `ConventionSites`."""
        file = parse_source(path, language, text)
        if file is None:
            return set()
        return {
            site.line
            for site in sites_of(file, _known_paths(self.paths))
            if site.start >= 0 and self.forms.get(site.rule) == site.form
        }

    def written(
        self, path: str, language: str, text: str, start: int, end: int
    ) -> Mapping[str, FormCounts]:
        """Return how the house's rules are answered in `text[start:end]`; a `WrittenForms`."""
        repository = _known_paths(self.paths)
        return written_forms(
            path, language, text, start, end, house=self.forms, repository=repository
        )


def house_style(learned: LearnedFiles, *, progress: Progress) -> HouseStyle:
    """Mine the conventions of the files that are learned from."""
    return style_of(conventions_of(learned, progress=progress), learned)


def style_of(conventions: Conventions, learned: LearnedFiles) -> HouseStyle:
    """Return what a training needs of the conventions that were mined."""
    paths = tuple(source.path for source in learned.sources)
    return HouseStyle(dict(house_forms(conventions.rules)), paths)


def conventions_of(learned: LearnedFiles, *, progress: Progress) -> Conventions:
    """Mine the conventions of the files that are learned from, with places that show them."""
    miner = Miner(RepositoryPaths.of(source.path for source in learned.sources))
    config = IndexConfig()
    progress.start("conventions", len(learned.sources), "files")
    for source in learned.sources:
        miner.add(source.path, source.text.encode("utf-8"), config)
        progress.advance(1)
    progress.finish()
    return miner.conventions()


def probes_of_window(
    repository: Repository, cutoff: str, style: HouseStyle, *, most: int, seed: int
) -> list[Probe]:
    """Return minimal pairs at lines that commits behind the cut-off added."""
    rng = random.Random(f"{seed}-probes")
    found: dict[str, Probe] = {}
    for commit in repository.commits(since=cutoff):
        if commit.reason:
            continue
        for change in commit.changes:
            lines = {n for start, end in change.added for n in range(start, end + 1)}
            text = repository.file_at(commit.id, change.path) if lines else None
            if text is None:
                continue
            for probe in _pairs(change.path, text, style, rng, lines):
                known = replace(probe, commit=commit.id, parent=commit.parent)
                found.setdefault(f"{probe.rule}\0{probe.prefix[-200:]}\0{probe.house}", known)
    return _drawn(list(found.values()), rng, most)


def some_of(pairs: Sequence[Probe], most: int, *, seed: int) -> list[Probe]:
    """Draw at most `most` of pairs that were drawn before."""
    return _drawn(pairs, random.Random(f"{seed}-some"), most)


def probes_of_files(
    sources: Iterable[SourceText], style: HouseStyle, *, most: int, seed: int
) -> list[Probe]:
    """Return minimal pairs of whole files that training did not see."""
    rng = random.Random(f"{seed}-probes")
    found = [pair for one in sources for pair in _pairs(one.path, one.text, style, rng, None)]
    return _drawn(found, rng, most)


def _pairs(
    path: str,
    text: str,
    style: HouseStyle,
    rng: random.Random,
    lines: Collection[int] | None,
) -> list[Probe]:
    return probes(
        text, path, style.forms, rng, _PER_FILE, lines, repository=_known_paths(style.paths)
    )


@functools.lru_cache(maxsize=1)  # asked for every completion
def _known_paths(paths: tuple[str, ...]) -> RepositoryPaths:
    return RepositoryPaths.of(paths)


def _drawn(found: Sequence[Probe], rng: random.Random, most: int) -> list[Probe]:
    """Draw at most `most` pairs, no rule with more than its share."""
    per_rule = max(round(most * _PER_RULE_SHARE), min(_FEWEST_PER_RULE, most))
    counts: dict[str, int] = {}
    drawn: list[Probe] = []
    for probe in rng.sample(found, len(found)):
        if len(drawn) < most and counts.get(probe.rule, 0) < per_rule:
            counts[probe.rule] = counts.get(probe.rule, 0) + 1
            drawn.append(probe)
    return sorted(drawn, key=lambda probe: probe.id)
