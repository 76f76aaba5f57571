"""Is a suggestion right, right up to a cut, or wrong; and what do the keys of a run add up to.

A suggestion is right when the author's next text begins with it, no word being cut in two. It is
right up to a cut when its beginning is, up to a place where a sensible shorter suggestion ends:
behind an argument, a call, a statement or a line. At a finished line the author's next text is
the line break. Nothing is judged while an indentation is still to be put right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.common.plot import frontier
from bench.typing.sessions import right_chars
from bench.typing.stats import SEEN_MS, KeyResult
from homespun.stats import Estimate, cluster_mean

Verdict = Literal["right", "cut", "wrong", "unjudged", "nothing"]
_BEHIND = ")]};:"
_BEFORE = ",)]};\n"
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is right of a suggestion, in characters."""

    verdict: Verdict
    chars: int = 0  # of the suggestion, without blanks at its end
    right_chars: int = 0  # as it may be accepted: all of it, or its first line
    cut_chars: int = 0  # up to the last sensible end before the first mistake; all where right


def judged(suggestion: str, upcoming: str) -> Judgement:
    """Compare a suggestion with what the author is still going to type."""
    whole = suggestion.rstrip()
    if not whole:
        return Judgement("nothing")
    if not upcoming:
        return Judgement("unjudged", len(whole))
    same = _same_chars(whole, upcoming)
    accepted = right_chars(suggestion, upcoming)
    if same == len(whole) and not _is_in_word(upcoming, same):
        return Judgement("right", same, max(accepted, same), same)
    ends = [end for end in sensible_ends(whole) if end <= same and not _is_in_word(upcoming, end)]
    cut = max(ends, default=0)
    return Judgement("cut" if cut else "wrong", len(whole), accepted, cut)


def sensible_ends(text: str) -> list[int]:
    """Return where a shorter suggestion could end: after so many characters, the whole excluded."""
    ends = []
    quote = ""
    for place, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[place - 1] != "\\" else quote
        elif char in _QUOTES:
            quote = char
        if place and not quote and (char in _BEFORE or text[place - 1] in _BEHIND):
            ends.append(place)
    return [end for end in ends if text[:end].strip()]


def _same_chars(left: str, right: str) -> int:
    for place, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return place
    return min(len(left), len(right))


def _is_in_word(text: str, place: int) -> bool:
    return 0 < place < len(text) and _is_word(text[place - 1]) and _is_word(text[place])


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


@dataclass(frozen=True, slots=True)
class JudgedKey:
    """One key of a run, as far as figures need it. Times in milliseconds."""

    package: str
    session: str
    line: int  # of the session's lines
    gap_ms: float  # until the next key
    upcoming_chars: int  # of the line, still to be typed
    judgement: Judgement
    answer_ms: float | None  # None: nothing came before the next key
    carried_ms: float = 0.0  # what is right of it stood on the screen before, typed along
    is_typed: bool = True  # the key is a character: not an indentation that is put right

    @property
    def is_shown(self) -> bool:
        """Whether a suggestion was on the screen before the next key."""
        return self.answer_ms is not None and self.judgement.verdict != "nothing"

    @property
    def seen_ms(self) -> float:
        """How long what is on the screen had stood there when the next key came."""
        return self.carried_ms + self.gap_ms - (self.answer_ms or 0.0) if self.is_shown else 0.0


@dataclass(frozen=True, slots=True)
class ShownFigures:
    """The rows of the table; each with its interval, whole packages being drawn."""

    keys: int
    right: Estimate | None  # of what is shown and can be judged
    right_or_cut: Estimate | None
    kept_of_cut: (
        Estimate | None
    )  # share of its characters that is right, where it is right to a cut
    served: Estimate  # keys behind which a right one stood
    saved: Estimate  # of the typed characters, by who takes the first right one seen on each line
    shown_per_hundred: Estimate
    typed_over: Estimate | None  # right, shown, but gone before it could be taken


def judged_key(row: KeyResult) -> JudgedKey:
    """Return a key of the replay; what is right of it has been timed there.

    A right one saves what there is of it, whether the line ends with it or goes on.
    """
    answer_ms = row.answer_ms if row.answer_ms is not None else row.gap_ms
    verdict: Any = row.verdict
    right = max(row.right_chars, row.cut_chars if verdict == "right" else 0)
    return JudgedKey(
        package=row.package,
        session=row.session,
        line=row.line,
        gap_ms=row.gap_ms,
        upcoming_chars=row.upcoming_chars,
        judgement=Judgement(verdict, len(row.text.rstrip()), right, row.cut_chars),
        answer_ms=row.answer_ms,
        carried_ms=max(row.seen_ms - (row.gap_ms - answer_ms), 0.0),
        is_typed=row.kind in ("char", "enter"),
    )


def shown_figures(keys: Sequence[JudgedKey]) -> ShownFigures:
    """Return the figures of a run in which nothing was taken."""
    shown = [key for key in keys if key.is_shown and key.judgement.verdict != "unjudged"]
    saving = saved_chars_by_key(keys)
    typed = [(key, saved) for key, saved in zip(keys, saving, strict=True) if key.is_typed]
    cuts = [key for key in shown if key.judgement.verdict == "cut"]
    right = [key for key in shown if key.judgement.verdict == "right"]
    return ShownFigures(
        keys=len(keys),
        right=_mean(shown, lambda key: key.judgement.verdict == "right"),
        right_or_cut=_mean(shown, lambda key: key.judgement.cut_chars > 0),
        kept_of_cut=_mean(cuts, lambda key: key.judgement.cut_chars / key.judgement.chars),
        served=_some_mean(keys, lambda key: key.is_shown and key.judgement.verdict == "right"),
        saved=cluster_mean([saved for _, saved in typed], [key.package for key, _ in typed]),
        shown_per_hundred=_scaled(_some_mean(keys, lambda key: key.is_shown), 100),
        typed_over=_mean(right, lambda key: key.seen_ms < SEEN_MS),
    )


def saved_chars_by_key(keys: Sequence[JudgedKey]) -> list[float]:
    """Return the characters that a key's suggestion saves: the first right one seen on a line.

    The key that accepts it is paid; of a suggestion only what is right on the line counts.
    """
    done: set[tuple[str, int]] = set()
    saved = []
    for key in keys:
        chars = min(key.judgement.right_chars, key.upcoming_chars)
        is_first = (key.session, key.line) not in done
        if is_first and key.is_shown and chars > 1 and key.seen_ms >= SEEN_MS:
            done.add((key.session, key.line))
            saved.append(float(chars - 1))
        else:
            saved.append(0.0)
    return saved


def table(figures: Mapping[str, ShownFigures]) -> list[tuple[str, ...]]:
    """Return rows to print, the header first."""
    header = (
        *("side", "keys", "of the shown right", "right or right up to a cut", "right of a cut one"),
        *("keys behind a right one", "characters saved", "shown a hundred keys"),
        "right, gone before it was seen",
    )
    rows = [header]
    for name, found in figures.items():
        shares = (found.right, found.right_or_cut, found.kept_of_cut, found.served, found.saved)
        rows.append(
            (
                name,
                str(found.keys),
                *(interval(share) for share in shares),
                interval(found.shown_per_hundred, digits=0),
                interval(found.typed_over),
            )
        )
    return rows


def frontier_drawing(curves: Mapping[str, Sequence[ShownFigures]], *, title: str) -> str:
    """Draw the share of right suggestions against the keys served, as SVG."""
    return frontier(
        {
            name: [(f.served.mean, f.right.mean) for f in figures if f.right is not None]
            for name, figures in curves.items()
        },
        across="share of keys behind which a right suggestion stood",
        up="share of the shown suggestions that are right",
        title=title,
    )


def interval(found: Estimate | None, *, digits: int = 2) -> str:
    """Write a mean and its interval."""
    if found is None:
        return "-"
    if not math.isfinite(found.low):  # of one package nothing follows for others
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f}-{found.high:.{digits}f})"


def _mean(keys: Sequence[JudgedKey], value: Callable[[JudgedKey], float]) -> Estimate | None:
    return _some_mean(keys, value) if keys else None


def _some_mean(keys: Sequence[JudgedKey], value: Callable[[JudgedKey], float]) -> Estimate:
    return cluster_mean([float(value(key)) for key in keys], [key.package for key in keys])


def _scaled(found: Estimate, factor: float) -> Estimate:
    return Estimate(found.mean * factor, found.low * factor, found.high * factor)
