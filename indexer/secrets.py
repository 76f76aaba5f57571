"""Keys, tokens and passwords in text -> the same text with their characters replaced.

The placeholder is as long as the secret and keeps its line ends, so lines and columns stay right.
Nothing that this module finds enters index, prompt, dataset or log. It prefers known shapes, and
for `password = "…"` wants a value that looks random; a hash, a uuid or a picture stays as it is.
"""

from __future__ import annotations

import math
import re
from collections import Counter

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

# Shapes that nothing else has. The group "secret" is masked; without one the whole match.
_TOKENS = re.compile(
    "|".join(
        (
            r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z2-7]{16}(?![A-Za-z0-9])",  # AWS
            r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b",  # GitHub
            r"\bgithub_pat_[A-Za-z0-9_]{30,255}\b",
            r"\bgl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,}",  # GitLab
            r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
            r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{20,}",
            r"hooks\.slack\.com/services/T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]{16,}",
            r"\bAIza[A-Za-z0-9_-]{35}",  # Google
            r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
            r"\bya29\.[A-Za-z0-9_-]{30,}",
            r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
            r"\bwhsec_[A-Za-z0-9+/=]{24,}",
            r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",  # SendGrid
            r"\bnpm_[A-Za-z0-9]{36}\b",
            r"\bpypi-[A-Za-z0-9_-]{50,}",
            r"\bhf_[A-Za-z]{30,40}\b",  # Hugging Face
            r"\bdop_v1_[a-f0-9]{64}\b",  # DigitalOcean
            r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b",  # Shopify
            r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
            r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}",
            r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,35}\b",  # Telegram
            r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",  # JWT
            r"\bAccountKey=(?P<azure>[A-Za-z0-9+/]{60,}={0,2})",
        )
    )
)
# `sk-` begins class names in style sheets, too: these must also look random.
_SK_TOKENS = re.compile(r"\bsk-(?:proj-|ant-|or-|svcacct-)?[A-Za-z0-9_-]{20,}")

_URL_PASSWORD = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>{}$%]{0,64}:(?P<secret>[^\s:/@\"'<>{}$%*]{3,128})@(?=[\w.-])"
)

_SECRET_NAMES = (
    r"(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key"
    r"|auth[_-]?key|account[_-]?key|private[_-]?key|encryption[_-]?key|signing[_-]?key"
    r"|credentials?|client[_-]?secret|salt)"
)
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
    text = _KEY_BLOCK.sub(_masked_block, text)
    text = _OPEN_BLOCK.sub(lambda match: _masked_group(match, "body"), text)
    text = _TOKENS.sub(_masked_token, text)
    text = _SK_TOKENS.sub(lambda match: _masked_if(match, _looks_random(match[0][3:])), text)
    text = _URL_PASSWORD.sub(lambda match: _masked_group(match, "secret"), text)
    text = _ASSIGNED.sub(_masked_assignment, text)
    if language in _BARE_LANGUAGES:
        text = _ASSIGNED_BARE.sub(_masked_bare, text)
    return text


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
    return _masked_group(match, "azure" if match["azure"] else None)


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
