"""How like the line that comes next is the code that `Index.similar` finds.

    python -m bench.completion.similar_lines [--places 25] [--seed 1]

Places are drawn in the packages of bench/queries/ (development sets). The query is what stands
around a line, without it: 20 lines above, 3 below; chunks within 25 lines of it are left out. A
hit's likeness is that of its best line: the share of tokens that both have. The difference between
the rows is paired, with a 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.retrieval.corpora import corpora
from homespun import stats
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.languages import has_grammar, language_of
from homespun.indexer.search import penalties
from homespun.indexer.types import Region

ABOVE, BELOW, HIDDEN = 20, 3, 25  # lines
HITS = 2
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NO_PLACE = re.compile(r'(?:import|from|use|using|require|package)\b|#|//|/?\*|--|"""')
_MIN_CHARS = 14
_TRIES = 20  # drawn lines for each place that is wanted


@dataclass(frozen=True, slots=True)
class MissingLine:
    """A line that is to be written."""

    path: str
    line: int  # from 1
    wanted: str
    around: str  # the query
    focus: int  # the line of the query that the wanted one follows


def main() -> int:
    """Draw places, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--places", type=int, default=25, help="of each package")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    even: dict[str, dict[str, float]] = {}
    focused: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="homespun-similar-") as scratch:
        for corpus in corpora(split="dev"):
            root = corpus.copied(Path(scratch))
            index = Index.open(root, IndexConfig(encoder="none"), create=True)
            index.update()
            for place in _places(root, index, random.Random(args.seed), args.places):
                key = f"{place.path}:{place.line}"
                even.setdefault(corpus.name, {})[key] = _found(index, place, None)
                focused.setdefault(corpus.name, {})[key] = _found(index, place, place.focus)
            print(f"{corpus.name} done", file=sys.stderr, flush=True)
    count = sum(map(len, even.values()))
    print(f"{count} places in {len(even)} packages, likeness of the best line of {HITS} hits")
    for name, scores in (("all words equal", even), ("words near the line", focused)):
        found = stats.estimate([list(rows.values()) for rows in scores.values()])
        print(f"{name:<22}{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]")
    change = stats.compare(focused, even).difference
    print(f"{'difference':<22}{change.mean:+.3f} [{change.low:+.3f}, {change.high:+.3f}]")
    return 0


def _places(root: Path, index: Index, drawn: random.Random, count: int) -> Iterator[MissingLine]:
    paths = [
        path
        for path in index.paths()
        if has_grammar(language_of(path))
        and not any(name == "tests" for name, _ in penalties.factors(path, "", frozenset(), _TESTS))
    ]
    found = 0
    for _ in range(_TRIES * count):
        path = drawn.choice(paths)
        lines = (root / path).read_text(encoding="utf-8", errors="replace").split("\n")
        row = drawn.randrange(len(lines))
        wanted = lines[row].strip()
        if len(wanted) < _MIN_CHARS or _NO_PLACE.match(wanted) or row < 6:
            continue
        above = lines[max(0, row - ABOVE) : row]
        around = "\n".join([*above, *lines[row + 1 : row + 1 + BELOW]])
        yield MissingLine(path, row + 1, wanted, around, len(above) - 1)
        found += 1
        if found == count:
            return


_TESTS = dict.fromkeys(penalties.NAMES, 1.0) | {"tests": 0.0}


def _found(index: Index, place: MissingLine, focus: int | None) -> float:
    hits = index.similar(
        place.around,
        limit=HITS,
        language=language_of(place.path),
        exclude=[Region(place.path, place.line - HIDDEN, place.line + HIDDEN)],
        focus=focus,
    )
    return max((_likeness(place.wanted, hit.text) for hit in hits), default=0.0)


def _likeness(wanted: str, text: str) -> float:
    tokens = Counter(_TOKEN.findall(wanted))
    best = 0.0
    for line in text.split("\n"):
        others = Counter(_TOKEN.findall(line))
        total = tokens.total() + others.total()
        best = max(best, 2 * (tokens & others).total() / total)
    return best


if __name__ == "__main__":
    sys.exit(main())
