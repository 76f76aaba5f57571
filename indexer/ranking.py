"""Ranking rules on top of fused candidates. Every rule's share of a score is kept by name.

Rules and weights follow what the published ranking stacks have measured (semble, zoekt); weights
are in units of the best fused score, so they mean the same for every query and every corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from homespun.indexer.bm25 import Mask
from homespun.indexer.mirror import Mirror
from homespun.indexer.tokens import split_identifiers
from homespun.indexer.types import Symbol

DEFINITION = 3.0  # the chunk that defines the queried symbol
SAME_STEM = 1.5  # times DEFINITION where the file is named like the symbol
MENTIONED = 1.5  # a definition of a name that stands in prose
PATH = 1.0  # times the share of the query's words that the path has
WHOLE_PATH = 3.0  # the query is (the end of) this path
COHERENCE = 0.2  # times the file's share of all fused scores, on the file's best chunk
REPEAT = 0.5  # for each better chunk of the same file

_MAX_DEFINITIONS = 40  # a name defined more often than this says little
_PENALTIES = (  # (name, factor, pattern on the path, words of a query that ask for such files)
    (
        "tests",
        0.3,
        r"(^|/)(tests?|__tests__|spec|specs|testing)/|(^|/)test_[^/]*$|_test\.\w+$"
        r"|\.(test|spec)\.\w+$|(^|/)conftest\.py$",
        "test tests testing spec specs fixture fixtures mock mocks pytest unittest conftest",
    ),
    (
        "compat",
        0.3,
        r"(^|/)_?(compat|legacy|deprecated)(/|\.\w+$|_)",
        "compat compatibility legacy deprecated backward backwards",
    ),
    (
        "examples",
        0.3,
        r"(^|/)(examples?|docs?|docs_src|samples?|demos?|tutorials?|benchmarks?)/",
        "example examples doc docs documentation sample demo tutorial benchmark",
    ),
    (
        "changelog",
        0.3,
        r"(^|/)(changes|change-?log|history|news|release[-_]?notes)(\.(md|rst|txt|markdown))?$"
        r"|(^|/)(changelogs?|releases?)/[^/]*\.(md|rst|txt)$",
        "changelog changes changed history news release releases version",
    ),
    ("init", 0.5, r"(^|/)__init__\.pyi?$", "init __init__ exports exported package"),
    ("declarations", 0.7, r"\.d\.[cm]?ts$", "declaration declarations typings dts"),
)
_COMPILED = tuple(
    (name, factor, re.compile(pattern, re.IGNORECASE), frozenset(words.split()))
    for name, factor, pattern, words in _PENALTIES
)
_STOP_WORDS = frozenset(
    """a an and any are as at be been by can code do does each file files find for from get gets
    give given how i if in into is it its make me of on or our set so that the their them then
    there these they this to up use used uses using was we what when where which who why will with
    you your implementation implemented implements defined definition definitions handled handles
    works work""".split()
)
_NAME_IN_PROSE = re.compile(
    r"\b(?:[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+|[a-z]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*|\w+_\w+)\b"
)
_SYMBOL = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|#|->)[A-Za-z_$][\w$]*)*(?:\(\))?")
_PATH_LIKE = re.compile(r"[\w.@+-]*(?:/[\w.@+-]+)+/?|[\w-]+(?:\.[\w-]+)*\.[a-z]{1,4}")
_CODE = re.compile(r"[=({\[;]|->|=>|::\w|\n|^\s*(?:def|class|function|func|fn|import|return)\s")


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


def query_kind(query: str) -> str:
    """Return "symbol", "path", "code" or "prose"."""
    text = query.strip()
    if _PATH_LIKE.fullmatch(text) and ("/" in text or _has_file_suffix(text)):
        return "path"
    if _SYMBOL.fullmatch(text):
        # One plain lower-case word may be a topic as well as a name: both roads are taken.
        return "symbol"
    return "code" if _CODE.search(query) else "prose"


def search_words(query: str, kind: str) -> list[str]:
    """Return the words of a query that count; a question's filler words do not."""
    words = split_identifiers(query)
    if kind != "prose":
        return words
    return [word for word in words if word not in _STOP_WORDS] or words


def rank(
    query: str, kind: str, fused: Iterable[Candidate], mirror: Mirror, wanted: Mask
) -> list[Candidate]:
    """Return the candidates, best first, after all rules but the one on repeats."""
    pool = {candidate.document: candidate for candidate in fused}
    unit = max((candidate.score for candidate in pool.values()), default=0.0) or 1.0
    shares_of_files = _file_shares(pool, mirror)
    _raise_definitions(query, kind, pool, mirror, wanted, unit)
    if kind == "path":
        _raise_whole_paths(query, pool, mirror, wanted, unit)
    _raise_path_words(query, pool, mirror, unit)
    _raise_coherent_files(pool, mirror, shares_of_files, unit)
    _lower_by_kind_of_file(query, pool, mirror)
    return sorted(pool.values(), key=lambda candidate: (-candidate.score, candidate.document))


def spread(ranked: Sequence[Candidate], mirror: Mirror, limit: int) -> list[Candidate]:
    """Take the best `limit`, each further chunk of a file counting half of the one before."""
    queues: dict[str, list[Candidate]] = {}
    for candidate in ranked:
        queues.setdefault(mirror.chunk(candidate.document).path, []).append(candidate)
    for queue in queues.values():
        for place, candidate in enumerate(queue):
            if place:
                candidate.add("repeat", candidate.score * (REPEAT**place - 1))
    spread_out = (candidate for queue in queues.values() for candidate in queue)
    return sorted(spread_out, key=lambda c: (-c.score, c.document))[:limit]


# --- rules that raise


def _raise_definitions(
    query: str, kind: str, pool: dict[int, Candidate], mirror: Mirror, wanted: Mask, unit: float
) -> None:
    names = (
        {query.strip().removesuffix("()").replace("->", "."): DEFINITION}
        if kind == "symbol"
        else dict.fromkeys(_NAME_IN_PROSE.findall(query), MENTIONED)
    )
    best: dict[int, float] = {}
    for name, weight in names.items():
        for symbol in mirror.definitions(name)[:_MAX_DEFINITIONS]:
            document = _document_of(symbol, mirror)
            if document is None or not wanted[document]:
                continue
            share = weight * unit * (SAME_STEM if _named_like(symbol) else 1.0)
            best[document] = max(best.get(document, 0.0), share)
    for document, share in best.items():
        pool.setdefault(document, Candidate(document)).add("definition", share)


def _raise_whole_paths(
    query: str, pool: dict[int, Candidate], mirror: Mirror, wanted: Mask, unit: float
) -> None:
    asked = query.strip().strip("/").casefold()
    for path, documents in mirror.documents.items():
        folded = path.casefold()
        if folded == asked or folded.endswith("/" + asked):
            share = WHOLE_PATH * unit
        elif "/" in asked and asked in folded:
            share = PATH * unit
        else:
            continue
        for document in documents:
            if wanted[document]:
                pool.setdefault(document, Candidate(document)).add("path", share)


def _raise_path_words(query: str, pool: dict[int, Candidate], mirror: Mirror, unit: float) -> None:
    words = {
        word for word in split_identifiers(query) if len(word) >= 3 and word not in _STOP_WORDS
    }
    if not words:
        return
    shares: dict[str, float] = {}
    for candidate in pool.values():
        path = mirror.chunk(candidate.document).path
        if path not in shares:
            shares[path] = _matched_share(words, path)
        if shares[path] >= 0.1:
            candidate.add("path", PATH * unit * shares[path])


def _raise_coherent_files(
    pool: dict[int, Candidate], mirror: Mirror, shares: dict[str, float], unit: float
) -> None:
    best: dict[str, Candidate] = {}
    for candidate in pool.values():
        path = mirror.chunk(candidate.document).path
        if path not in best or candidate.score > best[path].score:
            best[path] = candidate
    for path, candidate in best.items():
        candidate.add("coherence", COHERENCE * unit * shares.get(path, 0.0))


# --- rules that lower


def _lower_by_kind_of_file(query: str, pool: dict[int, Candidate], mirror: Mirror) -> None:
    words = set(re.findall(r"\w+", query.casefold()))
    active = [rule for rule in _COMPILED if not words & rule[3]]
    factors: dict[str, list[tuple[str, float]]] = {}
    for candidate in pool.values():
        path = mirror.chunk(candidate.document).path
        if path not in factors:
            factors[path] = [
                (name, factor) for name, factor, pattern, _ in active if pattern.search(path)
            ]
        for name, factor in factors[path]:
            candidate.add(name, candidate.score * (factor - 1))


# --- helpers


def _file_shares(pool: dict[int, Candidate], mirror: Mirror) -> dict[str, float]:
    """Return path -> its fused scores, relative to the file with the most."""
    sums: dict[str, float] = {}
    for candidate in pool.values():
        path = mirror.chunk(candidate.document).path
        sums[path] = sums.get(path, 0.0) + candidate.score
    most = max(sums.values(), default=0.0) or 1.0
    return {path: total / most for path, total in sums.items()}


def _document_of(symbol: Symbol, mirror: Mirror) -> int | None:
    for document in mirror.documents.get(symbol.path, ()):
        chunk = mirror.chunk(document)
        if chunk.start_line <= symbol.start_line <= chunk.end_line:
            return document
    return None


def _named_like(symbol: Symbol) -> bool:
    stem = symbol.path.rsplit("/", 1)[-1].split(".", 1)[0]
    return _plain(stem) in (_plain(symbol.name), _plain(symbol.name) + "s")


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def _matched_share(words: set[str], path: str) -> float:
    *folders, name = path.split("/")
    in_path = set(split_identifiers(" ".join([name.split(".", 1)[0], *folders[-1:]])))
    matched = sum(any(_akin(word, other) for other in in_path) for word in words)
    return matched / len(words)


def _akin(word: str, other: str) -> bool:
    """Tell whether one is a beginning of the other, so that plurals and endings meet."""
    return word == other or (
        min(len(word), len(other)) >= 3 and (word.startswith(other) or other.startswith(word))
    )


def _has_file_suffix(text: str) -> bool:
    return text.rsplit(".", 1)[-1] in _FILE_SUFFIXES and not text.startswith(".")


_FILE_SUFFIXES = frozenset(
    """py pyi js jsx mjs cjs ts tsx go rs java c h cc cpp hpp cs rb php kt scala sh md rst txt toml
    yaml yml json ini cfg html css sql""".split()
)
