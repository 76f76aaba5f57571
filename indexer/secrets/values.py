"""Whether a string that stands where a secret may stand is one: judgement of characters."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter

# What variables, settings and options that hold secrets are called: in lower case, one of the parts
# that stand in every such name, what may follow it, and for some parts whose they must be.
NAME_PARTS = ("pass", "pwd", "secret", "token", "key", "credential", "salt", "psk", "_pat")
_NAME_FROM_PART = re.compile(
    r"(?:pass(?:w(?:or)?d|phrase)?|pwd|secret|token|key|credential|salt|psk|_pat)s?"
)
_OWNED_PARTS = frozenset({"pass", "key", "psk"})
_OWNER = re.compile(
    r"(?:(?:db|user|root|admin|smtp|ftp|my|ssh|sudo|become|key|store|require)[_-]?"
    r"|api[_ -]?|(?:access|auth|account|private|encryption|signing|aes|hmac|app|master|service"
    r"|storage|secret|shared|primary|secondary|cosmos|license|deploy|webhook)[_-]?)$"
)
_MAX_OWNER_CHARS = 12
_ALONE = frozenset({"pass", "psk"})  # whole words that need no owner


# Bits a character: English words and identifiers stay below, random strings of 12 and more above.
_RANDOM_BITS = 3.0
# Of a string that has no secret's name: how often neighbours differ in kind, and its entropy.
_MIN_MIXED_CHARS = 16
_MIXED_SHARE = 0.42
_MAX_WORDY_SHARE = 0.4
_MIXED_BITS = 3.6
_WORDY = re.compile(r"[A-Z]?[a-z]{3,}")
# Alphabets, runs, and digests that say so.
_NO_KEY = re.compile(r"(?i:abcdef|012345|uvwxyz|qwerty|^(?:sha|md)\d+-)|[0-9a-f]{24}|(.)\1\1\1")
# A password without digits: a mark, and nothing of what markup, formats and patterns have.
_MAX_CHOSEN_CHARS = 40
_MARK = re.compile(r"[!@#$^&*+=?~]")
_NO_PASSWORD = re.compile(r"[<>{}()\[\]|\\/;,]|^[#@$&*?.]|[.:][A-Za-z]+$|&\w+;|\w=\w|==|\w@\w")

_HARMLESS_VALUE = re.compile(
    r"[a-z]+(?:[_.-][a-z]+)*|[A-Z]+(?:[_.-][A-Z]+)*"  # identifiers, words
    r"|.*(?:\$\{|\{\{|\$\(|<[a-z_ -]+>|%\(|%s|\{[A-Za-z_][\w.]*\}).*"  # templates
    r"|arn:.*|.*\[[^\]]*(?:a-z|A-Z|0-9).*"  # Amazon's names of things, patterns
    r"|<\|?\w+\|?>"  # the names of a tokenizer's own tokens
    r"|.*(?:\.\.\.|\*\*\*|xxxx).*"
    r"|(?:https?|file|s3|gs)://[^@]*"  # addresses
    r"|\$\w+|\.{0,2}/[\w./-]+|[\w./-]+\.(?:py|js|ts|json|ya?ml|txt|csv|pem|key|html)"  # paths
    r"|(?i:.*(?:example|change.?me|your[_-]|placeholder|dummy|redacted).*)",
    re.DOTALL,
)
_NOISE_MARK = re.compile(r"[^\w\s]")
_MIN_NOISE_CHARS = 30
_NOISE_BITS = 4.2
_MIN_NOISE_MARKS = 0.1
_MAX_PAIR_CHARS = 2_000


def name_end(text: str, lower: str, offset: int) -> int:
    """Return where the secret's name ends whose part begins at `offset`; -1 where it is none."""
    match = _NAME_FROM_PART.match(lower, offset)
    if match is None:
        return -1
    end = match.end()
    after = text[end : end + 1]
    if after.isalpha() and after.islower() == text[end - 1].islower():
        return -1  # the word goes on: tokenizer, PATTERN
    if match[0] not in _OWNED_PARTS:
        return end
    before = lower[max(0, offset - _MAX_OWNER_CHARS) : offset]
    if match[0] in _ALONE and not (before[-1:].isalnum() or before[-1:] == "_"):
        return end
    return end if _OWNER.search(before) else -1


def is_secret_name(name: str) -> bool:
    """Tell whether a name says that it holds a secret."""
    lower = name.lower()
    offsets = (match.start() for part in NAME_PARTS for match in re.finditer(part, lower))
    return any(name_end(name, lower, offset) >= 0 for offset in offsets)


def is_secret_value(value: str) -> bool:
    """Tell whether the value of a secret's name is one: random, or as people choose passwords."""
    if _HARMLESS_VALUE.fullmatch(value):
        return False
    return looks_random(value) or looks_chosen(value) or is_mixed(value, with_digits=False)


def looks_random(value: str) -> bool:
    """Digits among letters, and hardly a repeated character."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    # A short value cannot reach more than log2 of its length.
    return bits(value) >= min(_RANDOM_BITS, 0.85 * math.log2(len(value)))


def looks_chosen(value: str) -> bool:
    """As people choose passwords without digits: both cases and a mark that names do not have."""
    return (
        len(value) <= _MAX_CHOSEN_CHARS
        and _MARK.search(value) is not None
        and _NO_PASSWORD.search(value) is None
        and re.search(r"[a-z]", value) is not None
        and re.search(r"[A-Z]", value) is not None
    )


def is_mixed(value: str, *, with_digits: bool = True) -> bool:
    """Tell whether upper case, lower case and digits alternate as they do by chance.

    In random base64 two characters in three are of another kind than the one before, and few stand
    in anything like a word; names, paths and sentences in camel case consist of words.
    """
    if len(value) < _MIN_MIXED_CHARS or _NO_KEY.search(value):
        return False
    kinds = "".join("u" if c.isupper() else "l" if c.islower() else "d" for c in value)
    if not {"u", "l"} <= set(kinds) or (with_digits and not re.search(r"\d", value)):
        return False
    changes = sum(one != other for one, other in zip(kinds, kinds[1:], strict=False))
    wordy = sum(len(word) for word in _WORDY.findall(value))
    return (
        changes >= _MIXED_SHARE * len(value)
        and wordy <= _MAX_WORDY_SHARE * len(value)
        and bits(value) >= _MIXED_BITS
    )


def is_noise(value: str) -> bool:
    """Tell whether letters, digits and marks follow each other by chance, as in a salt."""
    return (
        len(value) >= _MIN_NOISE_CHARS
        and re.search(r"\d", value) is not None
        and len(_NOISE_MARK.findall(value)) >= _MIN_NOISE_MARKS * len(value)
        and sum(len(word) for word in _WORDY.findall(value)) <= _MAX_WORDY_SHARE * len(value)
        and bits(value) >= _NOISE_BITS
    )


def is_encoded_pair(value: str) -> bool:
    """Tell whether base64 hides "user:password", as in headers and in docker's settings."""
    if len(value) > _MAX_PAIR_CHARS:
        return False
    try:
        pair = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, colon, password = pair.partition(":")
    return bool(user and colon and len(password) >= 3) and pair.isprintable()


def bits(value: str) -> float:
    """Return the entropy of the characters, in bits a character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum([share * math.log2(share) for share in shares])
