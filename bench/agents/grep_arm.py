"""The arm with grep, as an agent without an index goes: words, files, lines, a window of one file.

For each word of the question one `grep` lists the files that hold it (its ending cut, so that
"wraps" finds "wrap"). The files are opened in the order of how many of the words they hold, rare
words counting more: for each a `grep` shows the lines with the words, and the window with the most
different ones is read. That is kinder than life: the order is computed from all lists as nobody
does in the head, and no word is chosen badly.
"""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.agents.trail import MAX_OPENED, WINDOW_LINES, Trail
from homespun.indexer.evaluation.queries import Query
from homespun.indexer.search.query import STOP_WORDS
from homespun.indexer.types import Region

_MAX_WORDS = 8
_MAX_FILES = 100  # lines of a list that an agent's tool shows
_MAX_LINES = 50  # of one file
_MIN_STEM = 4  # characters
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "e", "y")


def grep(trail: Trail, root: Path, query: Query, below: str) -> None:
    """Go from a question to its answer, or give up after `MAX_OPENED` places."""
    words = words_of(query.text)
    holders = {word: _list(trail, root, word) for word in words}
    for path in ranked(holders)[:MAX_OPENED]:
        if trail.open(root, _densest(trail, root, path, words), query, below):
            return


def words_of(question: str) -> list[str]:
    """Return what is searched for: names as they stand, other words without their ending."""
    said = re.findall(r"[A-Za-z_][A-Za-z0-9_.]*", question)
    telling = [word for word in said if word.casefold() not in STOP_WORDS and len(word) > 2]
    return list(dict.fromkeys(_stem(word.strip(".")) for word in telling or said))[:_MAX_WORDS]


def ranked(holders: dict[str, list[str]]) -> list[str]:
    """Return the files that hold any of the words, those with the most and rarest first."""
    weight = {word: 1 / math.log2(2 + len(paths)) for word, paths in holders.items()}
    score: dict[str, float] = {}
    for word, paths in holders.items():
        for path in paths:
            score[path] = score.get(path, 0.0) + weight[word]
    return sorted(score, key=lambda path: (-score[path], path))


def _stem(word: str) -> str:
    if not word.islower() or "_" in word or "." in word:
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _MIN_STEM:
            return word.removesuffix(ending)
    return word


def _list(trail: Trail, root: Path, word: str) -> list[str]:
    out = _run(trail, root, ["-rliIF", "--exclude-dir=.homespun", "-e", word, "."], _MAX_FILES)
    return sorted(line.removeprefix("./") for line in out)


def _densest(trail: Trail, root: Path, path: str, words: Sequence[str]) -> Region:
    """Return the line around which a window holds the most different words."""
    each = [option for word in words for option in ("-e", word)]
    rows = _run(trail, root, ["-niF", *each, "--", path], _MAX_LINES)
    lines = [(int(row.split(":", 1)[0]), row.casefold()) for row in rows]
    best = max(lines, key=lambda line: _variety(line[0], lines, words), default=(1, ""))
    return Region(path, best[0], best[0])


def _variety(at: int, lines: Sequence[tuple[int, str]], words: Sequence[str]) -> tuple[int, int]:
    near = [text for line, text in lines if abs(line - at) <= WINDOW_LINES // 2]
    different = sum(any(word.casefold() in text for text in near) for word in words)
    return different, len(near)


def _run(trail: Trail, root: Path, options: Sequence[str], most_lines: int) -> list[str]:
    """Call grep and return the lines that the agent is shown."""
    began = time.perf_counter()
    done = subprocess.run(
        ["grep", *options], cwd=root, capture_output=True, check=False, timeout=60
    )
    seconds = time.perf_counter() - began
    shown = done.stdout.decode("utf-8", "replace").splitlines()[:most_lines]
    trail.searched("\n".join(shown), seconds)
    return shown
