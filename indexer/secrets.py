"""Keys, tokens and passwords in text -> the same text with their characters replaced.

The placeholder is as long as the secret and keeps its line ends, so lines and columns stay right.
Nothing that this module finds enters index, prompt, dataset or log. It prefers known shapes, and
for `password = "…"` wants a value that looks random; a hash, a uuid or a picture stays as it is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

PLACEHOLDER = "*"

_KEY_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----(?P<body>.{0,20000}?)"
    r"-----END (?P=label)-----",
    re.DOTALL,
)
# A block that was cut off: lines of base64 below the head.
_OPEN_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?P<body>(?:(?:[\s\"'+,]|\\[nr\\])*[A-Za-z0-9+/=]{32,})+)"
)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{32,}")

# Shapes that nothing else has, each behind the words that must be there for it to match: to look
# for a plain word first is ten times faster. The group "secret" is masked, else the whole match.
_TOKENS = tuple(
    (tuple(words.split()), re.compile(pattern))
    for words, pattern in (
        ("AKIA ASIA AROA AIDA", r"(?<![A-Za-z0-9])A(?:KI|SI|RO|ID)A[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{30,255}\b"),
        (
            "glpat- glptt- gldt- glrt- glcbt- glsoat-",
            r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,}",
        ),
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
        ("AccountKey=", r"\bAccountKey=(?P<secret>[A-Za-z0-9+/]{60,}={0,2})"),  # Azure
    )
)
# `sk-` begins class names in style sheets, too: these must also look random.
_SK_TOKENS = re.compile(r"\bsk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{20,}")

_URL_PASSWORD = re.compile(
    r"://[^\s:/@\"'<>{}$%]{0,64}:(?P<secret>[^\s:/@\"'<>{}$%*]{3,128})@(?=[\w.-])"
)

_SECRET_NAMES = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|auth[_-]?key|account[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key"
    r"|credentials?|client[_-]?secret|salt)"
)
# One of these stands in every line that assigns a secret.
_NAME_PARTS = ("passw", "passphrase", "pwd", "secret", "token", "key", "credential", "salt")
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
    if "PRIVATE KEY" in text:
        text = _KEY_BLOCK.sub(_masked_block, text)
        text = _OPEN_BLOCK.sub(lambda match: _masked_group(match, "body"), text)
    for words, pattern in _TOKENS:
        if any(word in text for word in words):
            text = pattern.sub(_masked_token, text)
    if "sk-" in text:
        text = _SK_TOKENS.sub(lambda match: _masked_if(match, _looks_random(match[0][3:])), text)
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


def _masked_block(match: re.Match[str]) -> str:
    # The words alone are a parser's constants, or a document about keys.
    return _masked_if(match, _KEY_MATERIAL.search(match["body"]) is not None, "body")


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
    return not _HARMLESS_VALUE.fullmatch(value) and _looks_random(value)


def _looks_random(value: str) -> bool:
    """Digits among letters, and hardly a repeated character."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    # A short value cannot reach more than log2 of its length.
    return bits >= min(_RANDOM_BITS, 0.85 * math.log2(len(value)))
