"""Which of the names that a document could use comes next: how likely each is, by where it stands.

A conditional logit over the candidates of one cursor; `bench/context/fit_name_weights.py` fits the
weights on the development packages and prints them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homespun.indexer.words.tokens import split_identifiers
from homespun.server.prompt.cursor import Cursor

_TEXT_CHARS = 40_000  # of the document on each side of the cursor are looked at
_NEAR_LINES = 6
_OTHER_WORD = 12.0
_WORD = re.compile(r"[A-Za-z_]\w*")
_STRING_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|(?:#|//).*")
_HEAD = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|func|fn|function)\b[^\n]*", re.MULTILINE)
_IMPORTS = re.compile(
    r"^[ \t]*(?:from[ \t]+[\w.]+[ \t]+import[ \t]*(?:\([^)]*\)|[^\n]*)|import\b[^\n]*)",
    re.MULTILINE,
)
_CONTEXTS = (
    ("raise", re.compile(r"\b(?:raise|throw(?:\s+new)?)\s+\Z")),
    ("except", re.compile(r"\b(?:except|catch)\b[\s(*]*(?:[\w.]+\s*,\s*)*\Z")),
    (
        "isinstance",
        re.compile(r"\b(?:isinstance|issubclass)\([^()]*,\s*\(?\s*(?:[\w.]+\s*[,|]\s*)*\Z"),
    ),
    ("returned type", re.compile(r"->\s*[\w\[\]., |\"']*\Z")),
    ("type", re.compile(r"(?:\w|\))\s*:\s*[\"']?(?:[\w.]+\[)*(?:[\w.\[\], ]+[|,]\s*)*\Z")),
    ("case", re.compile(r"^\s*case\s+[^:]*\Z")),
    ("decorator", re.compile(r"^\s*@\Z")),
    ("statement", re.compile(r"^\s*(?:await\s+)?\Z")),
    ("keyword", re.compile(r"[(,\s]\w+=\Z")),
    ("assign", re.compile(r"=\s*(?:await\s+|new\s+)?\Z")),
    ("return", re.compile(r"\b(?:return|yield)\s+(?:await\s+|new\s+)?\Z")),
    ("argument", re.compile(r"[(,]\s*(?:await\s+)?\Z")),
    ("item", re.compile(r"\[\s*\Z")),
    ("condition", re.compile(r"\b(?:if|elif|while|and|or|not|in|is)\s+(?:not\s+|await\s+)*\Z")),
)
_ERROR_BASE = re.compile(r"\b\w*(?:Error|Exception|Warning)\b(?=[^(]*$)")
KINDS = ("error", "class", "function", "constant", "variable", "module")
NOTHING = "nothing"  # the kind of the candidate that stands for everything else


@dataclass(frozen=True, slots=True)
class NameCandidate:
    """A name that could come next."""

    name: str
    kind: str  # one of KINDS, of a member "method", "property", "field" or "attribute"
    distance: int = 0  # of a member: how many classes up it is defined
    is_own: bool = False  # defined in the document itself


def kind_of(name: str, symbol_kind: str, signature: str = "") -> str:
    """Return one of KINDS for a definition."""
    if signature.startswith("class") and _ERROR_BASE.search(signature):
        return "error"
    if symbol_kind in ("function", "method"):
        return "function"
    if symbol_kind in ("class", "struct", "enum", "interface", "trait", "object", "type"):
        return "error" if name.endswith(("Error", "Exception", "Warning")) else "class"
    if symbol_kind == "module":
        return "module"
    if name[:1].isupper() and not name.isupper():
        return "class"  # an alias of types
    return "constant" if name.isupper() or symbol_kind == "constant" else "variable"


def context_of(left: str) -> str:
    """Name the place at the end of a line's left part, "other" where no pattern fits."""
    tail = left[-400:]
    for name, pattern in _CONTEXTS:
        if pattern.search(tail):
            return name
    return "other"


class NameEvidence:
    """What the text around a cursor says about names; made once, asked for each candidate."""

    def __init__(
        self, cursor: Cursor, beside: Mapping[str, float] | None = None, *, receiver: str = ""
    ) -> None:
        """`beside` maps names to how much similar code elsewhere speaks for them.

        `receiver` is the expression before the dot at the cursor, when a member is wanted.
        """
        before = cursor.before[-_TEXT_CHARS:]
        word = re.search(r"\w*\Z", cursor.tail)
        self._typed = word[0] if word else ""
        left = cursor.tail[: len(cursor.tail) - len(self._typed)]
        start = left.rfind(receiver) if receiver else -1
        self.context = context_of(left[:start] if start >= 0 else left)
        self._beside = beside or {}
        lines = _IMPORTS.sub(lambda m: "\n" * m[0].count("\n"), before).split("\n")
        lines[-1] = left
        self._last: dict[str, int] = {}
        self._count: Counter[str] = Counter()
        for distance, line in enumerate(reversed(lines)):
            for name in _WORD.findall(line):
                self._last.setdefault(name, distance)
                self._count[name] += 1
        after = _IMPORTS.sub("", cursor.after[:_TEXT_CHARS])
        self._behind = set(_WORD.findall(after))
        self._left = set(split_identifiers(left))
        self._near = set(split_identifiers("\n".join(lines[-_NEAR_LINES:-1])))
        heads = [m[0] for m in _HEAD.finditer("\n".join(lines))]
        self._head = set(split_identifiers(heads[-1])) if heads else set()
        self._head_distance = next(
            (d for d, line in enumerate(reversed(lines)) if _HEAD.match(line)), len(lines)
        )

    def features(self, candidate: NameCandidate) -> dict[str, float]:
        """Return what speaks for a candidate and against it."""
        if candidate.kind == NOTHING:
            typed = float(bool(self._typed))
            return {f"{self.context}:{NOTHING}": 1.0, NOTHING: 1.0, "typed": typed}
        name = candidate.name
        words = set(split_identifiers(name)) - {name.lower()} or {name.lower()}
        last = self._last.get(name)
        found = {f"{self.context}:{candidate.kind}": 1.0}
        if last is None:
            found["unused above"] = 1.0
            found["used below"] = float(name in self._behind)
            found["unused"] = float(name not in self._behind)
        else:
            found["near"] = math.exp(-last / 10)
            found["in function"] = float(last < self._head_distance)
            found["on line"] = float(last == 0)
            found["often"] = math.log(self._count[name])
        found["like left"] = len(words & self._left) / len(words)
        found["like near"] = len(words & self._near) / len(words)
        found["like head"] = len(words & self._head) / len(words)
        found["beside"] = min(self._beside.get(name, 0.0), 3.0)
        found["own"] = float(candidate.is_own)
        found["private"] = float(name.startswith("_"))
        found["special"] = float(name.startswith("__"))
        found["inherited"] = float(candidate.distance)
        return found

    def probabilities(
        self, candidates: Sequence[NameCandidate], weights: Mapping[str, float]
    ) -> list[float]:
        """Return how likely each is the next name, if one of them is; sums to 1.

        What does not begin as the word at the cursor does is not likely at all.
        """
        if not candidates:
            return []
        scores = [
            sum(weights.get(feature, 0.0) * value for feature, value in self.features(c).items())
            - (0.0 if c.kind == NOTHING or c.name.startswith(self._typed) else _OTHER_WORD)
            for c in candidates
        ]
        most = max(scores)
        parts = [math.exp(score - most) for score in scores]
        total = sum(parts)
        return [part / total for part in parts]


WEIGHTS: dict[str, float] = {}
