"""Keys, tokens and passwords in text -> the same text with their characters replaced.

The placeholder is as long as the secret and keeps its line ends, so lines and columns stay right.
Nothing that this module finds enters index, prompt, dataset or log. Known shapes come first, as in
detect-secrets (Apache-2.0) and in the issuers' documentation; then what is assigned to a secret's
name and looks random or like a password; then any quoted string that is as mixed as a random key.
A hash, a uuid or a picture stays as it is. What real code loses, `bench/micro/secrets_rate.py`
counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial

from homespun.indexer.secrets.joins import joined_spans
from homespun.indexer.secrets.keywords import keyword_spans
from homespun.indexer.secrets.pem import key_bodies
from homespun.indexer.secrets.tokens import token_spans
from homespun.indexer.secrets.values import is_mixed, looks_random

PLACEHOLDER = "*"
_CODE = "python"

# `sk-` begins class names in style sheets, too: these must also look random.
_SK_TOKENS = re.compile(r"\bsk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{20,}")

# A random string of a key's length, in quotes, whatever it is called. With padding it is more often
# a digest or data, and whoever holds hex holds hashes.
_QUOTED = re.compile(r"(?P<quote>[\"'`])(?P<secret>[A-Za-z0-9+/_-]{24,100})(?P=quote)")

_NO_LINE_END = re.compile(r"[^\n]")
_BARE_LANGUAGES = frozenset(
    "bash cmake dockerfile env hcl ini make markdown rst text toml xml yaml".split()
)


def mask(text: str, language: str = "text") -> str:
    """Return the text with every secret replaced by a placeholder of the same length."""
    text = _hidden(text, key_bodies(text))
    bare = language in _BARE_LANGUAGES
    spans = [*_spans(text, bare=bare), *joined_spans(text, partial(_spans, bare=bare))]
    return _hidden(text, spans)


def mask_part(text: str) -> str:
    """Mask a part of a file, or a question: the net behind `mask`, before text is sent anywhere.

    A whole file says more of what is a secret in it; of a part nobody knows the language any more,
    so it is taken for code, as most of it is.
    """
    return mask(text, _CODE)


def _spans(text: str, *, bare: bool) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of what is a secret by its shape, its place or its look; may overlap."""
    yield from token_spans(text)
    yield from keyword_spans(text, bare=bare)
    if "sk-" in text:
        for match in _SK_TOKENS.finditer(text):
            if looks_random(match[0][3:]):
                yield match.span()
    for match in _QUOTED.finditer(text):
        if is_mixed(match["secret"]):
            yield match.span("secret")


def _hidden(text: str, spans: Iterable[tuple[int, int]]) -> str:
    kept = []
    done = 0
    for start, end in sorted(spans):
        start = max(start, done)
        if start < end:
            kept += [text[done:start], _NO_LINE_END.sub(PLACEHOLDER, text[start:end])]
            done = end
    return "".join([*kept, text[done:]])


def masked_share(before: str, after: str) -> float:
    """Return which share of the characters (white space apart) `mask` replaced, 0 to 1."""
    if before == after:
        return 0.0
    hidden = after.count(PLACEHOLDER) - before.count(PLACEHOLDER)
    return hidden / max(1, sum(not character.isspace() for character in before))
