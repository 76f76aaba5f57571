"""Which characters of a text nobody could guess: keys, hashes, ids, long numbers, addresses.

A judgement of characters alone, made to miss little: whoever learns loses nothing with a constant
that he need not know, and a secret that he has learned can be drawn out of him again. What goes
unseen is what people choose: names, words, short numbers (`rare_words.py` is for these).
How much of real code it takes, `bench/micro/unlearned_rate.py` counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from homespun.indexer.secrets.mask import PLACEHOLDER
from homespun.indexer.secrets.values import bits, is_mixed

Span = tuple[int, int]  # characters, the end not included

# A run of letters and digits without a word in it: what stands side by side in words of code is one
# of 180 pairs of letters in 86 % of the places (9,731 words of 800 files of installed packages), by
# chance in 27 %.
_MIN_RUN_CHARS = 10
_MIN_RUN_BITS = 2.5
_MIN_SWITCHES = 0.12  # how often, for each character, a digit stands beside a letter
_MAX_DIGITS = 0.8  # of its characters; above it is a number with a letter or two
_MIN_ODD = 0.4  # share of its pairs that words do not have
_MIN_PAIRS = 3  # fewer say nothing
_MIN_LETTERS = 16  # of a run without digits, with
_MIN_ODD_LETTERS = 0.6
# Hexadecimal digits, of which six different ones stand in eight by chance in 19 of 20 draws.
_MIN_HEX_CHARS = 8
_MIN_HEX_KINDS = 5
_MIN_DIGITS = 7  # of a number, zeros at either end not counted
_MIN_DIGIT_KINDS = 4
_MIN_MIXED_LETTERS = 24  # of both cases, without any digit
_SEQUENCE = 0.6  # share of the neighbours that follow each other as in 1234 or abcd

_PAIRS = frozenset(
    first + second
    for first, seconds in (
        row.split(":")
        for row in (
            "a:bcdgilmnprst b:aeilo c:aehiklortu d:aeiosu e:acdefglmnprstvx f:aefilo g:eir h:aeio "
            "i:abcdefglmnoprstvz k:e l:aeilostuy m:aeimopu n:acdefgiost o:cdglmnoprstuvw "
            "p:aeiloprst q:u r:acdegimorstu s:acehiopstu t:acehiorstuy u:abcelmnprst v:aei w:a "
            "x:p y:p z:e"
        ).split()
    )
    for second in seconds
)
_DATE = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[0-2]\d(?:[0-5]\d){1,2})?"
)
MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_KINDS = {
    "address": MAIL + r"|(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])",
    "uuid": r"(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])",
    "fingerprint": r"(?<![0-9A-Za-z])[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5,}(?![0-9A-Za-z])",
    "bytes": r"(?:\\x[0-9a-fA-F]{2}){4,}|(?:\\[0-3][0-7]{2}){4,}",
    "masked": rf"[{re.escape(PLACEHOLDER)}]{{6,}}",
    "telephone": r"(?<![\w+])\+\d{1,3}[ ./()-]*\d(?:[ ./()-]?\d){6,}(?!\w)",
    "hex": (
        r"(?<![0-9A-Za-z_])(?:0[xX])?[0-9a-fA-F](?:_?[0-9a-fA-F]){7,}[uUlLnN]{0,3}(?![0-9A-Za-z_])"
    ),
    "number": r"(?<![\w.])\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?[jLlfFdDmMnNuU]{0,3}(?![\w.])",
    "token": r"(?<![A-Za-z0-9])[A-Za-z0-9](?:[A-Za-z0-9+/_-]*[A-Za-z0-9])?={0,2}",
}
_CANDIDATE = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _KINDS.items()))
_RUN = re.compile(rf"[A-Za-z0-9]{{{_MIN_RUN_CHARS},}}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A piece of text that looks as if it had been drawn by chance."""

    start: int  # in characters
    end: int
    kind: str  # of `_KINDS`


def drawn(text: str, start: int = 0, end: int | None = None) -> Iterator[Drawn]:
    """Yield what looks drawn by chance in `text[start:end]`, in the order of the text."""
    for match in _CANDIDATE.finditer(text, start, len(text) if end is None else end):
        kind = match.lastgroup or ""
        if kind == "hex" and match[0].isdecimal():
            kind = "number"
        if kind == "token" and not _is_base64(match[0]):
            for run in _RUN.finditer(text, match.start(), match.end()):
                if _is_run(run[0]):
                    yield Drawn(run.start(), run.end(), kind)
        elif kind not in _JUDGES or _JUDGES[kind](match[0]):
            yield Drawn(match.start(), match.end(), kind)


def _is_address(text: str) -> bool:
    return not re.fullmatch(r"(?:0|127|255)\.[\d.]+|(?:\d\.){3}\d", text)


def _is_hex(text: str) -> bool:
    digits = re.sub(r"^0[xX]|[uUlLnN]+$|_", "", text)
    return (
        len(digits) >= _MIN_HEX_CHARS
        and len(set(digits.lower())) >= _MIN_HEX_KINDS
        and re.search(r"\d", digits) is not None
        and re.search(r"[a-fA-F]", digits) is not None
        and not _is_sequence(digits)
    )


def _is_number(text: str) -> bool:
    """Tell whether a number has so many digits that it is one of its kind, and is no date."""
    mantissa = re.split(r"[eE]", text)[0]
    digits = re.sub(r"\D", "", mantissa).strip("0")
    return (
        len(digits) >= _MIN_DIGITS
        and len(set(digits)) >= _MIN_DIGIT_KINDS
        and not _is_sequence(digits)
        and _DATE.fullmatch(re.sub(r"\D", "", mantissa)) is None
        and not _is_near_power(mantissa)
    )


def _is_near_power(number: str) -> bool:
    """Tell whether a whole number is a power of two or beside one, as limits of types are."""
    if not number.replace("_", "").isdecimal():
        return False
    value = int(number.replace("_", "")[:400])
    return any(n > 0 and n & (n - 1) == 0 for n in (value - 1, value, value + 1))


def _is_base64(text: str) -> bool:
    bare = text.rstrip("=")
    return is_mixed(bare) or (len(bare) >= _MIN_MIXED_LETTERS and is_mixed(bare, with_digits=False))


def _is_run(text: str) -> bool:
    """Tell whether digits among letters stand there by chance, and no word with them."""
    digits = sum(character.isdigit() for character in text)
    if digits == len(text):
        return _is_number(text)
    if digits > _MAX_DIGITS * len(text) or _is_sequence(text) or bits(text) < _MIN_RUN_BITS:
        return False
    pairs = [one + two for one, two in pairwise(text.lower()) if (one + two).isalpha()]
    odd = sum(pair not in _PAIRS for pair in pairs)
    if not digits:
        return len(text) >= _MIN_LETTERS and odd >= _MIN_ODD_LETTERS * len(pairs)
    switches = sum(one.isdigit() != two.isdigit() for one, two in pairwise(text))
    return switches >= max(2, _MIN_SWITCHES * len(text)) and (
        len(pairs) < _MIN_PAIRS or odd >= _MIN_ODD * len(pairs)
    )


def _is_sequence(text: str) -> bool:
    """Tell whether most characters are the ones behind or before their neighbours, or the same."""
    steps = [ord(two) - ord(one) for one, two in pairwise(text)]
    common = max((steps.count(step) for step in (-1, 0, 1)), default=0)
    return common >= _SEQUENCE * len(steps)


_JUDGES = {
    "address": _is_address,
    "hex": _is_hex,
    "number": _is_number,
    "token": _is_base64,
}
