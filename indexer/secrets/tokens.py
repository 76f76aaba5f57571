"""Tokens that issuers give a shape of their own, and keys behind an issuer's name.

Most shapes are gitleaks' rules (MIT, `rules.json` holds commit and licence, `bench/secrets/`
the job that converted them). What is written here they do not know, or know too narrowly: by the
issuers' documentation, and as in detect-secrets (Apache-2.0).

A text is cut into runs of the characters that tokens are made of. Most runs are too short to be a
token; the keywords of all rules are looked for in the rest, and only a rule whose keyword is there
runs at all. So hundreds of rules cost little more than one.
"""

from __future__ import annotations

import functools
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from homespun.indexer.secrets.values import bits, looks_random

_RULES_FILE = Path(__file__).with_name("rules.json")

Find = Callable[[str], Iterator[tuple[int, int]]]

_RUN = re.compile(r"[A-Za-z0-9_+/=.:~%$@&?-]{15,}")  # as long as the shortest token
_MIN_LETTERS = 20
_DIGIT = re.compile(r"\d")

# Keywords, in lower case, and the pattern; the group "secret" is masked, else the whole match.
_OWN = (
    (
        "akia asia aroa aida abia acca",
        r"(?<![A-Za-z0-9])A(?:KI|SI|RO|ID|BI|CC)A[A-Z2-7]{16}(?![A-Za-z0-9])",
    ),
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{30,255}\b"),
    ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{30,255}\b"),
    (
        "glpat- glptt- gldt- glft- glrt- glcbt- glsoat- glimt- glagent- gloas- glffct-",
        r"\bgl(?:pat|ptt|dt|ft|rt|cbt|soat|imt|agent|oas|ffct)-[A-Za-z0-9_-]{20,}",
    ),
    ("gr1348941", r"\bGR1348941[A-Za-z0-9_-]{20,50}"),  # GitLab runners
    ("xox", r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"),  # Slack
    ("xapp-", r"\bxapp-\d-[A-Z0-9]{1,40}-\d{1,20}-[a-z0-9]{20,}"),
    (
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/"
        r"(?P<secret>[A-Z][A-Za-z0-9_]{1,40}/[A-Za-z0-9_/]{16,200})",
    ),
    ("aiza", r"\bAIza[A-Za-z0-9_-]{35}"),  # Google
    ("gocspx-", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    ("ya29.", r"\bya29\.[A-Za-z0-9_-]{30,}"),
    ("1//0", r"(?<![A-Za-z0-9])1//0[A-Za-z0-9_-]{40,}"),
    (":apa91b", r"\b[A-Za-z0-9_-]{8,30}:APA91b[A-Za-z0-9_-]{80,}"),  # Firebase
    ("_live_ _test_ _prod_", r"\b[rsp]k_(?:live|test|prod)_[A-Za-z0-9]{16,}"),  # Stripe
    ("live_ test_", r"\b(?:live|test)_(?=[a-z]{0,40}\d)[A-Za-z0-9]{30,40}\b"),  # Mollie, Lob
    ("rzp_live_ rzp_test_", r"\brzp_(?:live|test)_[A-Za-z0-9]{14}\b"),
    ("whsec_", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    ("access_token$", r"\baccess_token\$(?:production|sandbox)\$[a-z0-9A-Z]{16}\$[a-f0-9]{32}"),
    ("sg.", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),  # SendGrid
    ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("oy2", r"\boy2[a-z2-7]{43}\b"),  # NuGet
    ("cio", r"\bcio[A-Za-z0-9]{32}\b"),  # crates.io
    ("hf_", r"\bhf_[A-Za-z]{30,40}\b"),  # Hugging Face
    ("do", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),  # DigitalOcean
    ("shpat_ shpca_ shppa_ shpss_", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),  # Shopify
    ("dckr_pat_", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
    ("age-secret-key-1", r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    (":aa", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,35}\b"),  # Telegram
    (
        "discord",
        r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d{17,20}/(?P<secret>[A-Za-z0-9_-]{60,80})",
    ),
    ("hooks.zapier.com", r"hooks\.zapier\.com/hooks/catch/(?P<secret>\d{3,10}/[a-z0-9]{5,10})"),
    ("eyj", r"(?<![\w-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),  # JWT
    ("eyjrijoi", r"\beyJrIjoi[A-Za-z0-9+/_-]{60,}={0,2}"),  # Grafana
    ("sk.ey", r"(?<![\w-])sk\.eyJ[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{16,}"),  # Mapbox
    (
        "mt mj mz nd nt nj nz od ot",  # Discord: a number in base64 comes first
        r"(?:M[Tjz]|N[DTjz]|O[DT])[A-Za-z0-9_-]{22,26}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}",
    ),
    ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),  # Mailchimp
    ("key-", r"\bkey-[0-9a-f]{32}\b"),  # Mailgun
    ("re_", r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),  # Resend
    ("md-", r"\bmd-(?=[a-z_-]{0,22}\d)[A-Za-z0-9_-]{22}(?![\w-])"),  # Mandrill
    ("sq0 eaaa", r"\b(?:sq0(?:csp|atp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60})\b"),  # Square
    ("eaa", r"\bEAA[A-Z][A-Za-z0-9]{80,}"),  # Facebook
    ("a" * 20, r"\bA{20,24}[A-Za-z0-9%]{70,110}"),  # Twitter
    ("sk", r"\b(?:SK|AC)[0-9a-f]{32}\b"),  # Twilio
    ("akc cmvmd", r"(?<![A-Za-z0-9+/])(?:AKC|cmVmd)[A-Za-z0-9]{59,}(?![A-Za-z0-9+/=])"),  # JFrog
    ("q~", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),  # Azure
    ("absk", r"\bABSK[A-Za-z0-9+/]{100,300}={0,2}"),  # Bedrock
    ("atatt3 atbb atctt3 atcbb", r"\bAT(?:ATT3|BB|CTT3|CBB)[A-Za-z0-9_=-]{24,}"),  # Atlassian
    ("atta", r"\bATTA[a-f0-9]{60,}\b"),  # Trello
    ("sbp_ sb_secret_", r"\bsb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_-]{20,})"),  # Supabase
    ("sntrys_ sntryu_", r"\bsntry[su]_[A-Za-z0-9_+/=-]{40,}"),  # Sentry
    ("gsk_", r"\bgsk_[A-Za-z0-9]{40,}\b"),  # Groq
    ("r8_", r"\br8_[A-Za-z0-9]{37}\b"),  # Replicate
    ("xai-", r"\bxai-[A-Za-z0-9]{60,}"),
    ("nvapi-", r"\bnvapi-[A-Za-z0-9_-]{50,}"),
    ("lsv2_", r"\blsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}\b"),  # LangSmith
    ("pcsk_", r"\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,}"),  # Pinecone
    ("hrku-", r"\bHRKU-[A-Za-z0-9_-]{36,}"),  # Heroku
    ("rnd_", r"\brnd_[A-Za-z0-9]{28,36}\b"),  # Render
    ("akid", r"\bAKID[A-Za-z0-9]{32}\b"),  # Tencent
    ("nral", r"\b[a-f0-9]{36}(?:NRAL|FFFFNRAL)\b"),  # New Relic
    ("nrak nrii nriq nrjs", r"\bNR(?:AK|II|IQ|JS)-[A-Za-z0-9_-]{19,40}"),
    ("glc_", r"\bglc_[A-Za-z0-9+/]{32,400}={0,3}"),  # Grafana
    ("hcaik_ hcxik_ hcbik_", r"\bhc[abx]ik_[a-z0-9]{50,}\b"),  # Honeycomb
    (".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}"),  # HashiCorp
    ("tskey-", r"\btskey-[a-z]{2,12}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}"),  # Tailscale
    ("bkua_", r"\bbkua_[a-f0-9]{40}\b"),  # Buildkite
    ("ccipat_", r"\bCCIPAT_[A-Za-z0-9]{16,}_[a-f0-9]{40}\b"),  # CircleCI
    ("squ_ sqp_ sqa_", r"\bsq[apu]_[a-f0-9]{40}\b"),  # Sonar
    ("secret_", r"\bsecret_(?=[A-Za-z]{0,43}\d)[A-Za-z0-9]{43}\b"),  # Notion
    ("dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}\b"),
    ("pat", r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),  # Airtable
    ("figd_ figu_", r"\bfig[du]_[A-Za-z0-9_-]{40,}"),  # Figma
    ("pat-", r"\bpat-(?:na|eu)\d-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}\b"),  # HubSpot
    ("cfpat-", r"\bCFPAT-[A-Za-z0-9_-]{40,}"),  # Contentful
    ("pk_", r"\bpk_\d{6,10}_[A-Z0-9]{32}\b"),  # ClickUp
    ("sdk- api- mob-", r"\b(?:sdk|api|mob)-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}\b"),
    ("sl.", r"\bsl\.[A-Za-z0-9_=-]{130,}"),  # Dropbox
    ("1/", r"(?<![\w/.-])[12]/(?:\d{16}/)?\d{16}:[a-f0-9]{32}\b"),  # Asana
    ("tfp_", r"\btfp_[A-Za-z0-9_=.-]{40,}"),  # Typeform
    ("sgp_", r"\bsgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}\b"),  # Sourcegraph
    ("t1.", r"\bt1\.[A-Za-z0-9_-]{20,}={0,2}\.[A-Za-z0-9_-]{86}={0,2}"),  # Yandex
    ("aqvn", r"\bAQVN[A-Za-z0-9_-]{35,38}\b"),
    ("dnkey-", r"\bdnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
    ("scw-secret-", r"\bscw-secret-(?P<secret>[a-f0-9-]{36})\b"),
    ("iqojb3jpz2lu", r"\bIQoJb3JpZ2lu[A-Za-z0-9+/=]{60,}"),  # AWS sessions
    # What `crypt` and web frameworks make of passwords.
    ("$", r"\$(?:1|5|6|y|2[abxy])\$[./A-Za-z0-9$=,]{20,200}"),
    ("pbkdf2_sha", r"\bpbkdf2_sha\d{1,3}\$\d{3,8}\$[A-Za-z0-9]{8,}\$[A-Za-z0-9+/=]{20,}"),
    ("base64:", r"\bbase64:(?P<secret>[A-Za-z0-9+/]{40,}={0,2})(?![A-Za-z0-9+/=])"),  # Laravel
)


@dataclass(frozen=True, slots=True)
class _TokenShape:
    """A shape, and what must stand in a text for it to match."""

    keywords: tuple[str, ...]  # lower case
    regex: str
    entropy: float = 0.0  # bits a character, at least
    named: bool = False  # an issuer's name, then an assignment, then something without a shape
    allowed: tuple[str, ...] = ()  # examples of the issuer

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secrets of this shape stand."""
        for match in _compiled(self.regex).finditer(text):
            secret = "secret" if "secret" in match.re.groupindex else match.lastindex or 0
            if self._counts(match[secret]):
                yield match.span(secret)

    def _counts(self, value: str) -> bool:
        if bits(value) < self.entropy or (self.named and not looks_random(value)):
            return False
        return not any(_compiled(each).search(value) for each in self.allowed)


def token_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of tokens by their shape, and of what an issuer's name says is a key."""
    runs = [run for run in _RUN.finditer(text) if _may_be_token(run[0])]
    if not runs:
        return
    yield from _mapped(_shaped, [run.span() for run in runs], text)
    lines = _lines_around(text, (run.start() for run in runs if _DIGIT.search(run[0])))
    yield from _mapped(_named, lines, text)


def _may_be_token(run: str) -> bool:
    """Names have no digits; a token has, or is long and of both cases or of capitals alone."""
    if _DIGIT.search(run):
        return True
    return len(run) >= _MIN_LETTERS and not run.islower() and not (run.isupper() and "_" in run)


def _shaped(joined: str) -> Iterator[tuple[int, int]]:
    return _found(_rules(named=False), joined)


def _named(joined: str) -> Iterator[tuple[int, int]]:
    return _found(_rules(named=True), joined)


def _found(rules: Iterable[_TokenShape], text: str) -> Iterator[tuple[int, int]]:
    lower = text.lower()
    for rule in rules:
        if any(word in lower for word in rule.keywords):
            yield from rule.spans(text)


def _mapped(find: Find, pieces: Sequence[tuple[int, int]], text: str) -> Iterator[tuple[int, int]]:
    """Search the pieces as one text, a line each; yield the finds' places in the whole text."""
    starts = list(accumulate((end - start + 1 for start, end in pieces), initial=0))
    for start, end in find("\n".join(text[start:end] for start, end in pieces)):
        piece = bisect_right(starts, start) - 1
        offset = pieces[piece][0] - starts[piece]
        last = bisect_right(starts, max(start, end - 1)) - 1
        yield start + offset, end + pieces[last][0] - starts[last]


def _lines_around(text: str, offsets: Iterable[int]) -> list[tuple[int, int]]:
    """Return (start, end) of the lines of some ascending places, each once and without its end."""
    lines: list[tuple[int, int]] = []
    for offset in offsets:
        if not lines or offset >= lines[-1][1]:
            end = text.find("\n", offset)
            lines.append((text.rfind("\n", 0, offset) + 1, end if end >= 0 else len(text)))
    return lines


@functools.cache
def _rules(*, named: bool) -> tuple[_TokenShape, ...]:
    own = () if named else tuple(_TokenShape(tuple(words.split()), regex) for words, regex in _OWN)
    body = json.loads(_RULES_FILE.read_text(encoding="utf-8"))
    return own + tuple(
        _TokenShape(
            keywords=tuple(rule["keywords"]),
            regex=rule["regex"],
            entropy=rule["entropy"],
            named=rule["named"],
            allowed=tuple(rule["allowed"]),
        )
        for rule in body["rules"]
        if rule["named"] == named
    )


@functools.cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)
