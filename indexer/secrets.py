"""Keys, tokens and passwords in text -> the same text with their characters replaced.

The placeholder is as long as the secret and keeps its line ends, so lines and columns stay right.
Nothing that this module finds enters index, prompt, dataset or log. Known shapes come first, as in
detect-secrets (Apache-2.0) and in the issuers' documentation; then what is assigned to a secret's
name and looks random or like a password; then any quoted string that is as mixed as a random key.
A hash, a uuid or a picture stays as it is. `bench/secrets_rate.py` counts what real code loses.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from homespun.indexer.pem import key_bodies

PLACEHOLDER = "*"

# Shapes that nothing else has, each behind the words that must be there for it to match: to look
# for a plain word first is ten times faster. The group "secret" is masked, else the whole match.
_TOKENS = tuple(
    (tuple(words.split()), re.compile(pattern))
    for words, pattern in (
        (
            "AKIA ASIA AROA AIDA ABIA ACCA",
            r"(?<![A-Za-z0-9])A(?:KI|SI|RO|ID|BI|CC)A[A-Z2-7]{16}(?![A-Za-z0-9])",
        ),
        ("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{30,255}\b"),
        (
            "glpat- glptt- gldt- glft- glrt- glcbt- glsoat- glimt- glagent- gloas-",
            r"\bgl(?:pat|ptt|dt|ft|rt|cbt|soat|imt|agent|oas)-[A-Za-z0-9_-]{20,}",
        ),
        ("GR1348941", r"\bGR1348941[A-Za-z0-9_-]{20,50}"),  # GitLab runners
        ("xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),  # Slack
        ("xapp-", r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}"),
        (
            "hooks.slack.com",
            r"hooks\.slack\.com/services/(?P<secret>T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]{16,})",
        ),
        ("AIza", r"\bAIza[A-Za-z0-9_-]{35}"),  # Google
        ("GOCSPX-", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
        ("ya29.", r"\bya29\.[A-Za-z0-9_-]{30,}"),
        ("_live_ _test_", r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}"),  # Stripe
        ("whsec_", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
        ("SG.", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),  # SendGrid
        ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
        ("hf_", r"\bhf_[A-Za-z]{30,40}\b"),  # Hugging Face
        ("dop_v1_", r"\bdop_v1_[a-f0-9]{64}\b"),  # DigitalOcean
        ("shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),  # Shopify
        ("dckr_pat_", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
        ("AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
        (":AA", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,35}\b"),  # Telegram
        ("eyJ", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),  # JWT
        (
            "MT Mj Mz ND NT Nj Nz OD",  # Discord: a number in base64 comes first
            r"(?:M[Tjz]|N[DTjz]|OD)[A-Za-z0-9_-]{22,24}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
        ),
        ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),  # Mailchimp
        (
            "sq0 EAAA",
            r"\b(?:sq0(?:csp|atp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60})\b",
        ),  # Square
        ("SK", r"\bSK[0-9a-f]{32}\b"),  # Twilio
        ("AKC", r"(?<![A-Za-z0-9+/])AKC[A-Za-z0-9]{60,}(?![A-Za-z0-9+/=])"),  # Artifactory
        ("AccountKey=", r"\bAccountKey=(?P<secret>[A-Za-z0-9+/]{60,}={0,2})"),  # Azure
    )
)
_RUN = re.compile(
    r"[A-Za-z0-9_+/=.:-]{15,}"
)  # as long as the shortest of these, and its characters
# `sk-` begins class names in style sheets, too: these must also look random.
_SK_TOKENS = re.compile(r"\bsk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{20,}")

# In headers the scheme tells what follows it.
_AUTHORIZATION = re.compile(
    r"\b(?:[Bb]earer|[Bb]asic)\s+(?P<secret>[A-Za-z0-9._~+/-]{16,1000}={0,2})(?![\w(])"
)
# A random string of a key's length, in quotes, whatever it is called. With padding it is more often
# a digest or data, and whoever holds hex holds hashes.
_QUOTED = re.compile(r"(?P<quote>[\"'`])(?P<secret>[A-Za-z0-9+/_-]{24,100})(?P=quote)")

_URL_PASSWORD = re.compile(
    r"://[^\s:/@\"'<>{}$%]{0,64}:(?P<secret>[^\s:/@\"'<>{}$%*]{3,128})@(?=[\w.-])"
)

_SECRET_NAMES = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|(?:db|user|root|admin|smtp|ftp|my)[_-]?pass"
    r"|secret|token|api[_-]?key|apikey|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key"
    r"|credentials?|client[_-]?secret|salt)"
)
# One of these stands in every line that assigns a secret.
_NAME_PARTS = ("pass", "pwd", "secret", "token", "key", "credential", "salt")
# No prefix before the name: searching finds it inside a longer one, and in linear time.
_ASSIGNED = re.compile(
    rf"(?i:{_SECRET_NAMES})s?(?![a-z])[\w-]{{0,40}}[\"'`]?\]?"
    r"\s*(?::\s*[\w<>\[\]&?. ]{1,30}?\s*=|:=|=>|[:=,(])\s*\(?\s*"
    r"(?:[rbfuRBFU]{0,2}|@|\$)(?P<quote>[\"'`])(?P<secret>[^\"'`\s]{8,512})(?P=quote)"
)
# In settings files a value needs no quotes.
_ASSIGNED_BARE = re.compile(
    rf"^[ \t]*(?:export\s+|set\s+|-\s+)?(?i:[\w.-]{{0,60}}{_SECRET_NAMES}[\w.-]{{0,40}})"
    r"[ \t]*[:=][ \t]*(?P<secret>[^\s\"'#;]{8,512})[ \t]*$",
    re.MULTILINE,
)
_BARE_LANGUAGES = frozenset(
    "bash cmake dockerfile env hcl ini make markdown rst text toml xml yaml".split()
)

# Bits a character: English words and identifiers stay below, random strings of 12 and more above.
_RANDOM_BITS = 3.0
# Of a string that has no secret's name: how often neighbours differ in kind, and its entropy.
_LEAST_MIXED_CHARS = 16
_MIXED_SHARE = 0.42
_MOST_WORDY_SHARE = 0.4
_MIXED_BITS = 3.6
_WORDY = re.compile(r"[A-Z]?[a-z]{3,}")
# Alphabets, runs, and digests that say so.
_NO_KEY = re.compile(r"(?i:abcdef|012345|uvwxyz|qwerty|^(?:sha|md)\d+-)|[0-9a-f]{24}|(.)\1\1\1")
# A password without digits: a mark, and nothing of what markup, formats and patterns have.
_MOST_CHOSEN_CHARS = 40
_MARK = re.compile(r"[!@#$^&*+=?~]")
_NO_PASSWORD = re.compile(r"[<>{}()\[\]|\\/;,]|^[#@$&*?.]|[.:][A-Za-z]+$|&\w+;|\w=\w|==|\w@\w")

_HARMLESS_VALUE = re.compile(
    r"[a-z]+(?:[_.-][a-z]+)*|[A-Z]+(?:[_.-][A-Z]+)*"  # identifiers, words
    r"|.*(?:\$\{|\{\{|\$\(|<[a-z_ -]+>|%\(|%s|\{[A-Za-z_][\w.]*\}).*"  # templates
    r"|.*(?:\.\.\.|\*\*\*|xxxx).*"
    r"|(?:https?|file|s3|gs)://[^@]*"  # addresses
    r"|\$\w+|/[\w./-]+|[\w.-]+\.(?:py|js|ts|json|ya?ml|txt|pem|key|html)"  # variables, paths
    r"|(?i:.*(?:example|change.?me|your[_-]|placeholder|dummy|redacted).*)",
    re.DOTALL,
)
# A call, an attribute or an index is code, not a value: only bare values can look like that.
_CODE_VALUE = re.compile(r".*[()\[\]{}<>].*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\$.*")


def mask(text: str, language: str = "text") -> str:
    """Return the text with every secret replaced by a placeholder of the same length."""
    text = _without_keys(text)
    # Most of a text is too short in one piece to be a key: the words are looked for in the rest.
    runs = "\n".join(_RUN.findall(text))
    for words, pattern in _TOKENS:
        if any(word in runs for word in words):
            text = pattern.sub(_masked_token, text)
    if "sk-" in text:
        text = _SK_TOKENS.sub(lambda match: _masked_if(match, _looks_random(match[0][3:])), text)
    if "earer " in text or "asic " in text:
        text = _AUTHORIZATION.sub(
            lambda match: _masked_if(match, _looks_random(match["secret"]), "secret"), text
        )
    text = _QUOTED.sub(lambda match: _masked_if(match, _is_mixed(match["secret"]), "secret"), text)
    if "://" in text:
        text = _URL_PASSWORD.sub(lambda match: _masked_group(match, "secret"), text)
    return _mask_assignments(text, language)


def _mask_assignments(text: str, language: str) -> str:
    """Look at the lines that name a secret, each with the next: the value may stand there."""
    kept = []
    done = 0
    for start, end in _windows(text):
        masked = _ASSIGNED.sub(_masked_assignment, text[start:end])
        if language in _BARE_LANGUAGES:
            masked = _ASSIGNED_BARE.sub(_masked_bare, masked)
        kept += [text[done:start], masked]
        done = end
    return "".join([*kept, text[done:]])


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of runs of lines around `_NAME_PARTS`, without overlap."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow: ask the slow way
        lower = "".join(character.lower()[:1] for character in text)
    windows = []
    for part in _NAME_PARTS:
        at = lower.find(part)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            line_end = text.find("\n", at)
            end = text.find("\n", line_end + 1) if line_end >= 0 else -1
            windows.append((start, end if end >= 0 else len(text)))
            at = lower.find(part, line_end) if line_end >= 0 else -1
    windows.sort()
    merged: list[tuple[int, int]] = []
    for start, end in windows:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    yield from merged


def masked_share(before: str, after: str) -> float:
    """Return which share of the characters (white space apart) `mask` replaced, 0 to 1."""
    if before == after:
        return 0.0
    hidden = after.count(PLACEHOLDER) - before.count(PLACEHOLDER)
    return hidden / max(1, sum(not character.isspace() for character in before))


def _without_keys(text: str) -> str:
    kept = []
    done = 0
    for start, end in key_bodies(text):
        kept += [text[done:start], re.sub(r"[^\n]", PLACEHOLDER, text[start:end])]
        done = end
    return "".join([*kept, text[done:]])


def _masked_token(match: re.Match[str]) -> str:
    return _masked_group(match, "secret" if "secret" in match.re.groupindex else None)


def _masked_assignment(match: re.Match[str]) -> str:
    return _masked_if(match, _is_secret_value(match["secret"]), "secret")


def _masked_bare(match: re.Match[str]) -> str:
    value = match["secret"]
    return _masked_if(match, not _CODE_VALUE.fullmatch(value) and _is_secret_value(value), "secret")


def _masked_if(match: re.Match[str], secret: bool, group: str | None = None) -> str:
    return _masked_group(match, group) if secret else match[0]


def _masked_group(match: re.Match[str], group: str | None) -> str:
    start, end = match.span(group or 0)
    hidden = re.sub(r"[^\n]", PLACEHOLDER, match[group or 0])
    whole, offset = match[0], match.start()
    return whole[: start - offset] + hidden + whole[end - offset :]


def _is_secret_value(value: str) -> bool:
    if _HARMLESS_VALUE.fullmatch(value):
        return False
    return _looks_random(value) or _looks_chosen(value) or _is_mixed(value, with_digits=False)


def _looks_random(value: str) -> bool:
    """Digits among letters, and hardly a repeated character."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    # A short value cannot reach more than log2 of its length.
    return _bits(value) >= min(_RANDOM_BITS, 0.85 * math.log2(len(value)))


def _looks_chosen(value: str) -> bool:
    """As people choose passwords without digits: both cases and a mark that names do not have."""
    return (
        len(value) <= _MOST_CHOSEN_CHARS
        and _MARK.search(value) is not None
        and _NO_PASSWORD.search(value) is None
        and re.search(r"[a-z]", value) is not None
        and re.search(r"[A-Z]", value) is not None
    )


def _is_mixed(value: str, *, with_digits: bool = True) -> bool:
    """Tell whether upper case, lower case and digits alternate as they do by chance.

    In random base64 two characters in three are of another kind than the one before, and few stand
    in anything like a word; names, paths and sentences in camel case consist of words.
    """
    if len(value) < _LEAST_MIXED_CHARS or _NO_KEY.search(value):
        return False
    kinds = "".join("u" if c.isupper() else "l" if c.islower() else "d" for c in value)
    if not {"u", "l"} <= set(kinds) or (with_digits and not re.search(r"\d", value)):
        return False
    changes = sum(one != other for one, other in zip(kinds, kinds[1:], strict=False))
    wordy = sum(len(word) for word in _WORDY.findall(value))
    return (
        changes >= _MIXED_SHARE * len(value)
        and wordy <= _MOST_WORDY_SHARE * len(value)
        and _bits(value) >= _MIXED_BITS
    )


def _bits(value: str) -> float:
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
