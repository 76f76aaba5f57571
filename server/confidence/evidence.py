"""What speaks for a suggestion up to a cut: numbers, in the order of `FEATURES`.

All of it is known once the model has written: log-probabilities, the kind of place, what was
retrieved, whether its words stand there already. Nothing is looked up for it, so it takes some
tenths of a millisecond. A change here needs a new model: `make confidence` fits one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from homespun.models.remote.route.probability import place_of
from homespun.server.confidence.cuts import KINDS, Cut
from homespun.server.confidence.earlier import Earlier
from homespun.server.confidence.suggestion import WrittenSuggestion
from homespun.server.prompt.cursor import indentation

_PLACES = ("statement", "member", "argument", "other")
_LANGUAGES = {
    "python": "python",
    **dict.fromkeys("javascript jsx typescript tsx".split(), "script"),
    **dict.fromkeys("c cpp csharp go java kotlin rust scala swift zig php".split(), "braces"),
}
_GROUPS = ("python", "script", "braces")
_SNIPPETS = ("definition", "usage", "similar")

FEATURES: tuple[str, ...] = (
    # What the decoder tells, in nats: of the tokens up to the cut
    *("sum", "mean", "least", "first", "last", "log tokens", "sure"),
    *("first margin", "least margin", "first entropy", "most entropy", "mean entropy"),
    # and of the token behind them, which says whether the text goes on like this
    "next",
    # Where, and what is cut
    *(f"cut {kind}" for kind in KINDS),
    *(f"place {place}" for place in _PLACES),
    *(f"language {group}" for group in _GROUPS),
    *("block", "log chars", "lines", "share", "opened"),
    # What stands around the cursor
    *("typed", "half word", "depth", "comment", "string", "right", "goes on below"),
    # What it is made of
    *("copied", "repeated", "names", "names known", "in snippets"),
    *("score", *(f"snippet {kind}" for kind in _SNIPPETS)),
    # What became of the answers before it
    *("agreed", "refuted", "same"),
)

_MIN_LOGPROB = -12.0  # nats; what is less likely is no less right
_MAX_MARGIN = 12.0
_SURE = -0.05  # nats: .95
_WINDOW, _STEP = 12, 4  # characters of text that are looked for as they stand
_BEFORE_CHARS, _AFTER_CHARS = 6_000, 3_000  # of the document
_NAME = re.compile(r"[^\W\d]\w{2,}")
_HALF_WORD = re.compile(r"\w+\Z")
_COMMENT = re.compile(r"^\s*(?:#|//|/?\*|--)|\s(?:#|//)\s")


@dataclass(frozen=True, slots=True)
class TokenEvidence:
    """What the decoder tells of each token, and where in the suggestion's text each ends."""

    logprobs: Sequence[float]
    margins: Sequence[float]
    entropies: Sequence[float]
    ends: Sequence[int]  # characters of the raw text


def rows_of(
    suggestion: WrittenSuggestion, ends: Sequence[Cut], earlier: Earlier
) -> list[list[float]]:
    """Return a row of features for each cut, in their order.

    Raises `EvidenceMissing` where the generator does not tell what is needed: a server without
    log-probabilities of tokens.
    """
    tokens = _tokens(suggestion)
    around = _around(suggestion)
    texts = _TextEvidence(suggestion)
    before = [earlier.agreed, earlier.refuted, float(earlier.is_same)]
    whole = max(len(suggestion.text), 1)
    raw_ends = raw_places(suggestion.text, suggestion.generation.text, [cut.end for cut in ends])
    rows = []
    for cut, raw_end in zip(ends, raw_ends, strict=True):
        prefix = suggestion.text[: cut.end]
        rows.append(
            [
                *_of_tokens(tokens, raw_end),
                *(float(cut.kind == kind) for kind in KINDS),
                *around.place,
                *(float(suggestion.is_block), math.log1p(len(prefix)), prefix.count("\n")),
                *(cut.end / whole, float(_opened(prefix))),
                *around.cursor,
                *texts.up_to(cut.end),
                *around.snippets,
                *before,
            ]
        )
    return rows


class EvidenceMissing(Exception):
    """The generator does not tell of its tokens."""


def raw_places(text: str, raw: str, ends: Sequence[int]) -> list[int]:
    """Return where in what the model wrote the places of the cleaned text are.

    The rules cut, and take away indentation; so white space of `raw` may be missing in `text`, and
    nothing else. Raises `EvidenceMissing` where that is not so.
    """
    wanted = iter(ends)
    end = next(wanted, None)
    found = []
    at = 0
    for place, character in enumerate(text):
        while at < len(raw) and raw[at] != character and raw[at].isspace():
            at += 1
        if at == len(raw) or raw[at] != character:
            raise EvidenceMissing
        at += 1
        while end == place + 1:
            found.append(at)
            end = next(wanted, None)
    return found


def tokens_up_to(ends: Sequence[int], place: int) -> int:
    """Return how many tokens it took to write so many characters: the last may go beyond."""
    for number, end in enumerate(ends):
        if end >= place:
            return number + 1
    return len(ends)


def _tokens(suggestion: WrittenSuggestion) -> TokenEvidence:
    done = suggestion.generation
    count = len(done.token_logprobs)
    lists = (done.token_margins, done.token_entropies, done.token_ends)
    if not count or any(len(each) != count for each in lists):
        raise EvidenceMissing
    return TokenEvidence(
        [max(each, _MIN_LOGPROB) for each in done.token_logprobs],
        [min(each, _MAX_MARGIN) for each in done.token_margins],
        done.token_entropies,
        done.token_ends,
    )


def _of_tokens(tokens: TokenEvidence, end: int) -> list[float]:
    count = tokens_up_to(tokens.ends, end)
    logprobs = tokens.logprobs[:count]
    margins, entropies = tokens.margins[:count], tokens.entropies[:count]
    total = math.fsum(logprobs)
    return [
        *(total, total / count, min(logprobs), logprobs[0], logprobs[-1]),
        *(math.log1p(count), sum(each > _SURE for each in logprobs) / count),
        *(margins[0], min(margins), entropies[0], max(entropies)),
        math.fsum(entropies) / count,
        tokens.logprobs[count] if count < len(tokens.logprobs) else 0.0,
    ]


@dataclass(frozen=True, slots=True)
class _Around:
    """What is the same for every cut."""

    place: list[float]
    cursor: list[float]
    snippets: list[float]


def _around(suggestion: WrittenSuggestion) -> _Around:
    cursor = suggestion.cursor
    left, right = cursor.tail, cursor.right.strip()
    place = place_of(left)
    group = _LANGUAGES.get(suggestion.language, "other")
    half = _HALF_WORD.search(left)
    is_comment = _COMMENT.search(left) is not None
    below = cursor.after[:_AFTER_CHARS].lstrip("\n").partition("\n")[0]
    kinds = [snippet.kind for snippet in suggestion.snippets]
    scores = [snippet.score for snippet in suggestion.snippets]
    return _Around(
        place=[
            *(float(place == each) for each in _PLACES),
            *(float(group == each) for each in _GROUPS),
        ],
        cursor=[
            math.log1p(len(left.strip())),
            float(len(half[0]) if half else 0),
            float(min(indentation(left), 40)),
            float(is_comment),
            float(not is_comment and _is_in_string(left)),
            float(len(right[:40])),
            float(bool(below.strip()) and indentation(below) >= indentation(left)),
        ],
        snippets=[max(scores, default=0.0), *(float(kinds.count(kind)) for kind in _SNIPPETS)],
    )


class _TextEvidence:
    """How much of a text stands in the document or in what was retrieved, up to any place."""

    def __init__(self, suggestion: WrittenSuggestion) -> None:
        text, cursor = suggestion.text, suggestion.cursor
        near = cursor.before[-_BEFORE_CHARS:] + "\n" + cursor.after[:_AFTER_CHARS]
        shown = "\n".join(snippet.text for snippet in suggestion.snippets)
        starts = range(0, max(len(text) - _WINDOW, 0) + 1, _STEP)
        windows = [text[start : start + _WINDOW] for start in starts]
        self._copied = list(accumulate(int(window in shown) for window in windows))
        self._repeated = list(accumulate(int(window in near) for window in windows))
        self._names = [
            (match.end(), match[0] in near, match[0] in shown) for match in _NAME.finditer(text)
        ]

    def up_to(self, end: int) -> list[float]:
        """Return shares of windows and of names that are known."""
        count = min(max(end - _WINDOW, 0) // _STEP + 1, len(self._copied))
        names = [(near, shown) for place, near, shown in self._names if place <= end]
        known = sum(near or shown for near, shown in names)
        return [
            *(self._copied[count - 1] / count, self._repeated[count - 1] / count),
            *(float(len(names)), known / len(names) if names else 1.0),
            sum(shown for _, shown in names) / len(names) if names else 0.0,
        ]


def _opened(text: str) -> int:
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _is_in_string(left: str) -> bool:
    return any(left.replace("\\" + quote, "").count(quote) % 2 for quote in "\"'`")
