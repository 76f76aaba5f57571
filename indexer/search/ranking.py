"""Candidates of a query -> ranked chunks. Every rule's share of a score is kept by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homespun.indexer.memory.file_table import words_of_path
from homespun.indexer.memory.snapshot import Snapshot
from homespun.indexer.search import penalties
from homespun.indexer.search.query import Question
from homespun.indexer.search.weights import Weights
from homespun.indexer.types import Symbol
from homespun.indexer.words.bm25 import Mask
from homespun.indexer.words.word_forms import are_akin

_MAX_DEFINITIONS = 40  # a name defined more often than this says little
_JOINT = re.compile(r"\.|::|#")
_MIN_PATH_SHARE = 0.1  # of the query's words; less is chance


@dataclass(slots=True)
class Candidate:
    """A document on its way up or down."""

    document: int
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The sum of all shares."""
        return sum(self.shares.values())

    def add(self, part: str, share: float) -> None:
        """Count a share; shares of the same part add up."""
        self.shares[part] = self.shares.get(part, 0.0) + share


class Pool:
    """The candidates of one query."""

    def __init__(
        self, question: Question, snapshot: Snapshot, wanted: Mask, weights: Weights
    ) -> None:
        """Begin with none."""
        self.question = question
        self.snapshot = snapshot
        self.wanted = wanted
        self.weights = weights
        self.candidates: dict[int, Candidate] = {}

    def candidate(self, document: int) -> Candidate:
        """Return the candidate of a document, which joins the pool."""
        found = self.candidates.get(document)
        if found is None:
            found = self.candidates[document] = Candidate(document)
        return found

    def by_file(self) -> dict[str, list[Candidate]]:
        """Return path -> its candidates."""
        files: dict[str, list[Candidate]] = {}
        for candidate in self.candidates.values():
            path = self.snapshot.chunk(candidate.document).path
            files.setdefault(path, []).append(candidate)
        return files


def ranked(pools: Iterable[Pool], limit: int) -> list[Candidate]:
    """Rank each pool by itself, as far as `limit` needs them; none of a later one goes first."""
    found: list[Candidate] = []
    for pool in pools:
        following = _ranked(pool)
        if found and following:
            _lower_below(following, found[-1].score)
        found += following
        if len(found) >= limit:
            break
    return found[:limit]


def _ranked(pool: Pool) -> list[Candidate]:
    """Apply the rules; each further chunk of a file counts less than the one before."""
    files = pool.by_file()
    _raise_path_words(pool, files)
    _raise_coherent_files(pool, files)
    _lower_penalised_files(pool, files)
    for candidates in files.values():
        _lower_repeats(candidates, pool.weights.repeat)
    best_first = sorted(pool.candidates.values(), key=lambda c: (-c.score, c.document))
    return [candidate for candidate in best_first if candidate.score > 0]


# --- rules that bring documents into the pool


def add_definitions(pool: Pool) -> None:
    """Raise definitions of the names that the query is, holds, or spells as words."""
    best: dict[int, float] = {}
    for symbol, weight in _definitions(pool):
        document = _document_of(symbol, pool.snapshot)
        if document is not None and pool.wanted[document]:
            share = weight * (pool.weights.same_stem if _is_named_like(symbol) else 1.0)
            best[document] = max(best.get(document, 0.0), share)
    for document, share in best.items():
        if share:
            pool.candidate(document).add("definition", share)


def _definitions(pool: Pool) -> Iterator[tuple[Symbol, float]]:
    weights, question, snapshot = pool.weights, pool.question, pool.snapshot
    names: dict[str, float] = {}
    if question.kind == "symbol":
        yield from _asked_for(question.symbol, snapshot, weights)
    elif question.kind != "path":
        names.update(dict.fromkeys(question.names, weights.mentioned))
    if question.kind == "prose" and weights.compound:
        for name in question.compounds(snapshot.by_name.__contains__):
            names.setdefault(name, weights.compound)
    for name, weight in names.items():
        for symbol in snapshot.definitions(name)[:_MAX_DEFINITIONS]:
            yield symbol, weight


def _asked_for(name: str, snapshot: Snapshot, weights: Weights) -> Iterator[tuple[Symbol, float]]:
    """Yield the definitions of a name, or of the longest end of it that is defined.

    `mux.NewRouter` is `NewRouter` in Go: the first part is a package, which no qualified name
    holds. Then a file or folder of that name makes it certain.
    """
    parts = [part for part in _JOINT.split(name) if part]
    for start in range(len(parts)):
        found = snapshot.definitions(".".join(parts[start:]))[:_MAX_DEFINITIONS]
        if found:
            owners = {_plain(part) for part in parts[:start]}
            for symbol in found:
                folders = (_plain(name.split(".", 1)[0]) for name in symbol.path.split("/"))
                is_certain = not owners or not owners.isdisjoint(folders)
                yield symbol, weights.definition if is_certain else weights.mentioned
            return


def add_whole_paths(pool: Pool) -> None:
    """Raise all chunks of the files that a path query names, as a whole or by their end."""
    asked = pool.question.text.strip().strip("/").casefold()
    for path, documents in pool.snapshot.documents.items():
        folded = path.casefold()
        if folded == asked or folded.endswith("/" + asked):
            share = pool.weights.whole_path
        elif "/" in asked and asked in folded:
            share = pool.weights.path
        else:
            continue
        for document in documents:
            if pool.wanted[document]:
                pool.candidate(document).add("path", share)


# --- rules that raise


class PathMatch:
    """How many of a query's words a path has; each distinct word of the paths is judged once."""

    def __init__(self, question: Question, weights: Weights) -> None:
        """Take the words that a path may have."""
        self._words = question.path_words
        self._weights = weights
        self._akin: dict[str, int] = {}

    def share(self, path: str) -> float:
        """Return 0 for nothing in common, 1 where the file's name has all words."""
        if not self._words:
            return 0.0
        words = words_of_path(path)
        name = self._matched(words.name)
        folder = self._matched(words.folder) & ~name
        further = self._matched(words.further) & ~name & ~folder
        total = (
            name.bit_count()
            + self._weights.path_folder * folder.bit_count()
            + self._weights.path_further * further.bit_count()
        )
        return total / len(self._words)

    def _matched(self, words: frozenset[str]) -> int:
        """Return a bit for each of the query's words that one of these means."""
        found = 0
        for word in words:
            akin = self._akin.get(word)
            if akin is None:
                akin = sum(1 << n for n, w in enumerate(self._words) if are_akin(w, word))
                self._akin[word] = akin
            found |= akin
        return found


def _raise_path_words(pool: Pool, files: dict[str, list[Candidate]]) -> None:
    weight = pool.weights.path
    if not weight:
        return
    match = PathMatch(pool.question, pool.weights)
    for path, candidates in files.items():
        share = match.share(path)
        if share >= _MIN_PATH_SHARE:
            for candidate in candidates:
                candidate.add("path", weight * share)


def _raise_coherent_files(pool: Pool, files: dict[str, list[Candidate]]) -> None:
    """Raise the files of which much is found: likelier the subject than one lucky chunk."""
    weight = pool.weights.coherence
    if not weight:
        return
    sums = {
        path: sum(c.shares.get("lexical", 0.0) + c.shares.get("dense", 0.0) for c in candidates)
        for path, candidates in files.items()
    }
    most = max(sums.values(), default=0.0) or 1.0
    for path, candidates in files.items():
        best = max(candidates, key=lambda candidate: (candidate.score, -candidate.document))
        best.add("coherence", weight * sums[path] / most)


# --- rules that lower


def _lower_penalised_files(pool: Pool, files: dict[str, list[Candidate]]) -> None:
    """Apply the factors of each file's rules, but for the only definitions of an asked name.

    Who asks for a name wants its definition: where only such files have one, it stays as it is.
    """
    if pool.question.kind == "path":
        return
    lowered = {path: _factors(pool, path, candidates) for path, candidates in files.items()}
    for path in penalties.older_generations(files, pool.question.folded):
        lowered[path][penalties.OLDER] = pool.weights.penalties[penalties.OLDER]
    asks_a_name = pool.question.kind == "symbol" or bool(pool.question.names)
    for path, candidates in files.items():
        for name, factor in lowered[path].items():
            is_only = asks_a_name and not _defined_outside(name, files, lowered)
            for candidate in candidates:
                if not (is_only and "definition" in candidate.shares):
                    candidate.add(name, candidate.score * (factor - 1))


def _factors(pool: Pool, path: str, candidates: Sequence[Candidate]) -> dict[str, float]:
    language = pool.snapshot.chunk(candidates[0].document).language
    weights = pool.weights.penalties
    return dict(penalties.factors(path, language, pool.question.folded, weights))


def _defined_outside(
    rule: str, files: dict[str, list[Candidate]], lowered: dict[str, dict[str, float]]
) -> bool:
    """Say whether a file that the rule spares defines what was asked."""
    return any(
        "definition" in candidate.shares
        for path, candidates in files.items()
        if rule not in lowered[path]
        for candidate in candidates
    )


def _lower_repeats(candidates: Sequence[Candidate], factor: float) -> None:
    ordered = sorted(candidates, key=lambda c: (-c.score, c.document))
    for rank, candidate in enumerate(ordered):
        if rank and factor != 1:
            candidate.add("repeat", candidate.score * (factor**rank - 1))


def _lower_below(candidates: Sequence[Candidate], score: float) -> None:
    """Shrink the scores of candidates, best first, so that none is above one."""
    factor = score / candidates[0].score
    for candidate in candidates:
        if factor < 1:
            candidate.add("further", candidate.score * (factor - 1))


# --- helpers


def _document_of(symbol: Symbol, snapshot: Snapshot) -> int | None:
    for document in snapshot.documents.get(symbol.path, ()):
        chunk = snapshot.chunk(document)
        if chunk.start_line <= symbol.start_line <= chunk.end_line:
            return document
    return None


def _is_named_like(symbol: Symbol) -> bool:
    stem = symbol.path.rsplit("/", 1)[-1].split(".", 1)[0]
    return _plain(stem) in (_plain(symbol.name), _plain(symbol.name) + "s")


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()
