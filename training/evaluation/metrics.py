"""How good is a completion: pure functions of the wanted text, the given text and the document.

"Exact" compares without white space at the end. Edit similarity is the Levenshtein ratio. *Full* is
the distance of the whole output to the wanted text, *best* that of its best beginning ("Opt" in
IBM's study of semantic scopes, arXiv 2602.05780): what lies between them was written for nothing.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.indexer.syntax.parse import syntax_tree
from homespun.training.conventions.written import FormCounts

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# Words of the languages themselves: to have them right is no merit.
KEYWORDS = frozenset(
    """
    False None True and as assert async await break case catch class const continue def default del
    do elif else end enum except export extends false final finally fn for from fun func function
    global go if impl implements import in instanceof interface is lambda let match module mut
    namespace new nil nonlocal not null or package pass private protected pub public raise return
    self static struct super switch then this throw throws trait true try type typeof use using val
    var void when where while with yield
    """.split()
)
_MAX_CHARS = 4000  # of a text are compared; completions have some hundred
_RUNS_ON_SHARE = 0.5  # of the wanted text's length
_RUNS_ON_CHARS = 4


@dataclass(frozen=True, slots=True)
class Score:
    """One arm's completion of one item, as numbers; no text."""

    exact_line: bool  # the first line
    exact: bool  # the whole middle
    similarity: float  # 0 to 1, whole middle
    identifiers: float  # F1 of the names used, with their counts
    full: int  # characters: distance of the output to the wanted text
    best: int  # of its best beginning
    runs_on: bool  # much was written behind what was wanted, or up to the most tokens
    stopped: bool  # ended by itself before the most tokens
    length_ratio: float  # characters given to wanted
    finish: str  # as in a completion: "newline", "eos", "length", "filtered:REASON", …
    parses: bool | None = None  # the document with the output; None: nor does the wanted one
    findings: int | None = None  # of the linter, that the wanted document has not
    loss: float | None = None  # nats a token of the wanted middle, by the served weights
    failure: str = ""  # "" where exact, else a code of server/completion/failure_sorts.py
    sources: int = 0  # snippets in the prompt
    prompt_tokens: int = 0
    tokens: int = 0  # written
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    # How the rules of the house are answered in what was written; None: nobody knew its rules.
    forms: Mapping[str, FormCounts] | None = None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Score:
        """Read what `asdict` gave. Raises TypeError on anything else."""
        forms = row.get("forms")
        known = None if forms is None else {rule: FormCounts(*two) for rule, two in forms.items()}
        return cls(**{**row, "forms": known})

    @property
    def overrun(self) -> int:
        """Characters of distance that leaving off in time would have saved (Full - Opt)."""
        return self.full - self.best


def first_line(text: str) -> str:
    """Return the first line that says something, without white space at its end."""
    return text.lstrip("\n").partition("\n")[0].rstrip()


def is_exact(wanted: str, given: str) -> bool:
    """Tell whether texts are the same but for white space at the ends of lines and of the text."""
    return _trimmed(wanted) == _trimmed(given)


def distances(wanted: str, given: str) -> tuple[int, int]:
    """Return the Levenshtein distance of `given` to `wanted`, and of its best beginning.

    One table holds both: its last row has the distances of all beginnings of `given`.
    """
    last = _last_row(wanted[:_MAX_CHARS], given[:_MAX_CHARS])
    return int(last[-1]), int(last.min())


def similarity(wanted: str, given: str) -> float:
    """Return 1 - distance / length of the longer text; 1 for two empty ones."""
    longest = max(len(wanted[:_MAX_CHARS]), len(given[:_MAX_CHARS]))
    return 1.0 - distances(wanted, given)[0] / longest if longest else 1.0


def identifier_f1(wanted: str, given: str) -> float:
    """Return the F1 of the names in two texts, each counted as often as it stands there."""
    ours, theirs = _names(given), _names(wanted)
    if not ours and not theirs:
        return 1.0
    shared = sum((ours & theirs).values())
    return 2 * shared / (sum(ours.values()) + sum(theirs.values()))


def runs_on(wanted: str, full: int, best: int, finish: str) -> bool:
    """Tell whether a completion went on behind what was wanted."""
    spare = max(int(len(wanted) * _RUNS_ON_SHARE), _RUNS_ON_CHARS)
    return finish == "length" or full - best > spare


def parses(text: str, language: str) -> bool | None:
    """Tell whether a document is without syntax errors, None where nobody can say."""
    if language == "python":
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an invalid escape in a string is no error
                ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True
    tree = syntax_tree(language, text.encode("utf-8", "replace"))
    return None if tree is None else not tree.root_node.has_error


def scored(wanted: str, given: str, finish: str) -> Score:
    """Return what the two texts alone say."""
    full, best = distances(_trimmed(wanted), _trimmed(given))
    return Score(
        exact_line=first_line(wanted) == first_line(given),
        exact=is_exact(wanted, given),
        similarity=round(similarity(_trimmed(wanted), _trimmed(given)), 6),
        identifiers=round(identifier_f1(wanted, given), 6),
        full=full,
        best=best,
        runs_on=runs_on(wanted, full, best, finish),
        stopped=finish not in ("length", "cancelled"),
        length_ratio=round(len(_trimmed(given)) / max(len(_trimmed(wanted)), 1), 6),
        finish=finish,
    )


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _names(text: str) -> Counter[str]:
    return Counter(name for name in _IDENTIFIER.findall(text) if name not in KEYWORDS)


def _last_row(wanted: str, given: str) -> npt.NDArray[np.int64]:
    """Return `(len(given) + 1,)`: the distance of `wanted` to each beginning of `given`."""
    places = np.arange(len(given) + 1)
    row = places.copy()
    letters = np.array([ord(letter) for letter in given], np.int64)
    for number, letter in enumerate(wanted, start=1):
        above = row + 1
        above[1:] = np.minimum(above[1:], row[:-1] + (letters != ord(letter)))
        above[0] = number
        # An insertion costs one a place: the least of all places to the left, plus the way.
        row = np.minimum.accumulate(above - places) + places
    return row
