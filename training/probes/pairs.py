"""Minimal pairs: a line that people wrote in the house form, and the same line in the other form.

A model that prefers the human line, without having been shown the convention, knows how the house
writes. No text is generated, so a pair costs two forward passes and has no sampling noise.

Three contexts tell three things:

- "file": the document as it stands;
- "unseen": the document cut before the last and behind the next place of the same rule, so that
  only the weights can know the form;
- "shown": the same, with lines of another place of the rule as a retrieved snippet: can the model
  follow what it is shown?
"""

from __future__ import annotations

import ast
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from homespun.indexer.languages import language_of
from homespun.indexer.secrets import mask
from homespun.indexer.syntax.parse import syntax_tree
from homespun.server.prompt.render import Snippet
from homespun.training.conventions.base.parsed_file import ParsedSource, RepositoryPaths
from homespun.training.conventions.base.rule import Site
from homespun.training.conventions.python.imports import IMPORT_OF
from homespun.training.conventions.sites import parse_source, rule_of, sites_of
from homespun.training.dataset.examples import Example
from homespun.training.probes.rewrites import javascript, python, strings, words
from homespun.training.probes.rewrites.base import Edit, Rewrite

ProbeContext = Literal["file", "unseen", "shown"]

REWRITES: Mapping[str, Rewrite] = {
    **python.REWRITES,
    **strings.REWRITES,
    **words.REWRITES,
    **javascript.REWRITES,
}
_MAX_LINES = 12  # of a pair, as many as the server offers at once
_MAX_CHARS = 800
_SNIPPET_LINES = 3  # before and behind the place that is shown


@dataclass(frozen=True, slots=True)
class Probe:
    """One pair; `prefix + house + suffix` is the document as people wrote it.

    Only where the code behind would give the form away, `suffix` is empty.
    """

    rule: str
    path: str
    language: str
    prefix: str
    house: str  # from where the first line's code begins to the end of the last line
    alt: str
    suffix: str
    form: str = ""  # of the house
    line: int = 0  # 1-based, where the pair begins
    unseen_from: int = 0  # characters of the prefix that hold other places of the rule
    unseen_to: int = 0  # characters of the suffix that hold none
    snippet: Snippet | None = None  # another place of the rule
    commit: str = ""  # that added the line, and the one before it; "" without a history
    parent: str = ""

    @property
    def id(self) -> str:
        """Name the pair: rule, path, line."""
        return f"{self.rule}@{self.path}:{self.line}"

    def examples(self, context: ProbeContext, *, repo: str = "") -> tuple[Example, Example]:
        """Return the pair as examples, the house form first."""
        is_file = context == "file"
        prefix = self.prefix if is_file else self.prefix[self.unseen_from :]
        suffix = self.suffix if is_file else self.suffix[: self.unseen_to]
        shown = (self.snippet,) if context == "shown" and self.snippet is not None else ()
        house, alt = (
            Example(
                id=f"{self.id}#{name}",
                repo=repo,
                path=self.path,
                language=self.language,
                prefix=prefix,
                middle=middle,
                suffix=suffix,
                kind="line",
                snippets=shown,
                source="probe",
            )
            for name, middle in (("house", self.house), ("alt", self.alt))
        )
        return house, alt


def can_be_probed(rule: str, form: str) -> bool:
    """Tell whether lines in this house form can be turned into another form."""
    rewrite = _rewrite_of(rule)
    return rewrite is not None and rewrite.other(form) is not None


def probes(
    text: str,
    path: str,
    rules: Mapping[str, str],
    rng: random.Random,
    most_per_rule: int,
    lines: Collection[int] | None = None,
    *,
    repository: RepositoryPaths | None = None,
) -> list[Probe]:
    """Return pairs of a file for rules (ID -> house form, as `conventions.house_forms` gives them).

    `lines` are the 1-based lines in which a pair may begin (those that a commit added), all if
    None. Rules that a formatter settles, and those that cannot be turned, give none. Secrets are
    masked; the same `rng` state gives the same pairs.
    """
    language = language_of(path)
    text = mask.mask(text.replace("\r\n", "\n"), language)
    file = parse_source(path, language, text)
    if file is None:
        return []
    by_rule: dict[str, list[Site]] = {}
    for site in sites_of(file, repository or RepositoryPaths.of([path])):
        if site.rule in rules and site.start >= 0:
            by_rule.setdefault(site.rule, []).append(site)
    found = []
    for rule in sorted(by_rule):
        found += _of_rule(file, by_rule[rule], rules[rule], rng, most_per_rule, lines)
    return found


def with_shown(probes: Sequence[Probe], rng: random.Random) -> list[Probe]:
    """Give each pair another one's place to show, of another file where there is one.

    A pair whose rule has no second place without the very same lines stays without.
    """
    by_rule: dict[str, list[Probe]] = {}
    for probe in probes:
        by_rule.setdefault(probe.rule, []).append(probe)
    shown = []
    for probe in probes:
        others = [
            other for other in by_rule[probe.rule] if other.house.strip() != probe.house.strip()
        ]
        elsewhere = [other for other in others if other.path != probe.path]
        pool = elsewhere or [
            other for other in others if abs(other.line - probe.line) > 2 * _MAX_LINES
        ]
        snippet = _around(rng.choice(pool)) if pool else None
        shown.append(replace(probe, snippet=snippet))
    return shown


def _around(probe: Probe) -> Snippet:
    before = probe.prefix.split("\n")
    behind = probe.suffix.split("\n")[1 : _SNIPPET_LINES + 1]
    kept = before[-_SNIPPET_LINES - 1 :]
    text = "\n".join(["\n".join(kept) + probe.house, *behind]).rstrip("\n") + "\n"
    start = probe.line - len(kept) + 1
    end = start + text.count("\n") - 1
    return Snippet(probe.path, start, end, text, 1.0, "similar")


def _of_rule(
    file: ParsedSource,
    sites: list[Site],
    form: str,
    rng: random.Random,
    most: int,
    lines: Collection[int] | None,
) -> list[Probe]:
    rule = rule_of(sites[0].rule)
    rewrite = _rewrite_of(rule.id)
    other = rewrite.other(form) if rewrite is not None and not rule.fixable else None
    if rewrite is None or other is None:
        return []
    candidates = [
        site for site in sites if site.form == form and (lines is None or site.line in lines)
    ]
    rng.shuffle(candidates)
    found: dict[int, Probe] = {}
    for site in candidates:
        if len(found) >= most:
            break
        probe = _probe(file, site, sites, rewrite, other)
        if probe is not None:
            found.setdefault(probe.line, probe)
    return [found[line] for line in sorted(found)]


def _rewrite_of(rule: str) -> Rewrite | None:
    if rule.startswith(IMPORT_OF):
        return python.IMPORT_OF
    return REWRITES.get(rule)


def _probe(
    file: ParsedSource, site: Site, sites: Sequence[Site], rewrite: Rewrite, other: str
) -> Probe | None:
    node = file.root.named_descendant_for_byte_range(site.start, site.end)
    edits = rewrite.rewriter(file, node, other) if node is not None else None
    if not edits:
        return None
    source = file.source
    start = source.rfind(b"\n", 0, min(edit.start for edit in edits)) + 1
    end = source.find(b"\n", max(edit.end for edit in edits))
    end = len(source) if end < 0 else end
    house = source[start:end]
    alt = _edited(source, start, end, edits)
    kept = _shared_blanks(house, alt)
    if house == alt or house.count(b"\n") >= _MAX_LINES or len(house) > _MAX_CHARS:
        return None
    if not _parses(file, source[:start] + alt + source[end:]):
        return None
    prefix = source[: start + kept].decode("utf-8", "replace")
    suffix = "" if rewrite.gives_away else source[end:].decode("utf-8", "replace")
    first = prefix.count("\n") + 1
    last = first + house.count(b"\n")
    return Probe(
        rule=site.rule,
        path=file.path,
        language=file.language,
        prefix=prefix,
        house=house[kept:].decode("utf-8", "replace"),
        alt=alt[kept:].decode("utf-8", "replace"),
        suffix=suffix,
        form=site.form,
        line=first,
        unseen_from=_seen_until(file, sites, first),
        unseen_to=_unseen_until(file, sites, last, len(suffix)),
    )


def _edited(source: bytes, start: int, end: int, edits: Sequence[Edit]) -> bytes:
    parts, place = [], start
    for edit in sorted(edits):
        parts += [source[place : edit.start], edit.text.encode()]
        place = max(place, edit.end)
    return b"".join([*parts, source[place:end]])


def _shared_blanks(first: bytes, second: bytes) -> int:
    """Return how many blanks both begin with."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b or a not in b" \t":
            break
        count += 1
    return count


def _seen_until(file: ParsedSource, sites: Sequence[Site], first: int) -> int:
    """Return where, in characters, the last line before `first` with a place of the rule ends."""
    rows = [file.source.count(b"\n", 0, site.end) + 1 for site in sites if site.line < first]
    last = max((row for row in rows if row < first), default=0)
    return sum(len(line) + 1 for line in file.lines[:last])


def _unseen_until(file: ParsedSource, sites: Sequence[Site], last: int, most: int) -> int:
    """Return the characters of the suffix before the next line with a place of the rule."""
    following = min((site.line for site in sites if site.line > last), default=0)
    if not following:
        return most
    # The suffix begins with the end of the line `last`.
    return min(most, 1 + sum(len(line) + 1 for line in file.lines[last : following - 1]))


def _parses(file: ParsedSource, source: bytes) -> bool:
    """Tell whether the other form is code, too, as far as the file was code before."""
    if file.language == "python":
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return file.root.has_error and not _has_more_errors(file, source)
        return True
    return not _has_more_errors(file, source)


def _has_more_errors(file: ParsedSource, source: bytes) -> bool:
    tree = syntax_tree(file.language, source)
    return tree is None or (tree.root_node.has_error and not file.root.has_error)
