"""How secrets are written that a keyword gives away: assignments, headers, options of commands.

Defaults of arguments, elements of XML; connection strings, addresses and the like. What stands
around says that a value may be a secret, a check (checks.py) judges whether it is one. Each pattern
begins with something fixed, and what may repeat is bounded, so that a long line takes linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from homespun.indexer.secrets.checks import (
    Check,
    always,
    is_bare_value,
    is_default,
    is_in_connection,
    is_in_url,
    is_of_curl,
    is_pair,
    is_password,
    is_random,
    is_salt,
    is_value,
)

_REST = r"[\w.-]{0,40}"  # of a longer name
_QUOTED = r"""(?:[rbfuRBFU]{0,2}|@|\$)(?P<quote>["'`])(?P<secret>[^"'`\s]{6,512})(?P=quote)"""
_BARE = r"""(?P<secret>[^\s"'`#;&|<>(){}\[\],$][^\s"'`;&|<>(){}\[\],]{5,255})"""


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """What holds a secret, in the group "secret"."""

    words: tuple[str, ...]  # lower case; one of them stands there. Of what follows a name: none
    regex: re.Pattern[str]
    check: Check
    bare: bool  # only in languages in which a value needs no quotes
    before: re.Pattern[str] | None  # what stands before a name, from its line's start on


def _on_line(words: str, pattern: str, check: Check, *, bare: bool = False) -> SecretPattern:
    return SecretPattern(tuple(words.split()), re.compile(pattern, re.MULTILINE), check, bare, None)


def _after_name(
    pattern: str, check: Check, *, before: str = "", bare: bool = False
) -> SecretPattern:
    behind = re.compile(before + "$") if before else None
    return SecretPattern((), re.compile(pattern, re.MULTILINE), check, bare, behind)


AFTER_NAME = (
    # password = "…", "api_key": "…", token: str = "…", 'secret' => '…', setdefault("KEY", "…")
    _after_name(
        r"[\w-]{0,40}[\"'`]?\]?\s{0,40}"
        r"(?::\s{0,8}[\w<>\[\]&?. ]{1,30}?\s{0,8}=|:=|=>|[!=]==?|[:=,(])"
        rf"\s{{0,200}}\(?\s{{0,200}}{_QUOTED}",
        is_value,
    ),
    # In settings files a value needs no quotes.
    _after_name(
        r"[\w.-]{0,40}[ \t]{0,200}[:=][ \t]{0,200}(?P<secret>[^\s\"'#;]{8,512})[ \t]{0,200}$",
        is_bare_value,
        before=r"^[ \t]*(?:export\s+|set\s+|-\s+)?[\w.-]{0,60}",
        bare=True,
    ),
    # … and may stand between others: PGPASSWORD=… psql, --set auth.password=…
    _after_name(rf"[\w-]{{0,20}}=[\"']?{_BARE}(?=[\s\"']|$)", is_bare_value, bare=True),
    # options: --password …
    _after_name(
        rf"[\w-]{{0,20}}(?:=|\s{{1,4}})[\"']?{_BARE}",
        is_bare_value,
        before=r"\s--?[\w-]{0,40}",
        bare=True,
    ),
    _after_name(
        rf"\w{{0,20}}\s{{1,4}}[\"']?{_BARE}",
        is_bare_value,
        before=r"\b(?i:env|arg|setx?)\s{1,4}\w{0,40}",
        bare=True,
    ),
    _after_name(
        rf"\s{{1,4}}[\"']?{_BARE}$", is_bare_value, before=r"^\s{0,8}[\w-]{0,20}", bare=True
    ),
    # <password>…</password>; name="…password" value="…"; the same in lists of YAML and JSON
    _after_name(
        rf"{_REST}>\s{{0,4}}(?P<secret>[^<>\s]{{6,256}})\s{{0,4}}</",
        is_password,
        before=r"<[\w.:-]{0,60}",
    ),
    _after_name(
        rf"{_REST}[\"']?,?\s{{1,20}}[\"']?(?i:value)[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?"
        r"(?P<secret>[^\"'\s<>,{}]{6,256})",
        is_value,
    ),
    # password = Option("…"), SecretStr("…"), bytes.fromhex("…")
    _after_name(
        r"\w{0,40}\s{0,4}(?::[^=\n\"']{1,40})?=\s{0,4}(?:[\w.]{1,60}\()?[\w.]{0,60}"
        rf"(?:Option|Field|Argument|SecretStr|Secret|fromhex|decode|Setting)\(\s{{0,20}}(?:default\s{{0,2}}=\s{{0,2}})?{_QUOTED}",
        is_value,
    ),
    # option("--api-key <key>", "what it is", "…")
    _after_name(
        rf"[^\"'\n]{{0,40}}[\"'],\s{{0,20}}[\"'][^\"'\n]{{0,100}}[\"'],\s{{0,20}}{_QUOTED}",
        is_value,
        before=r"[\"']--[\w-]{0,40}",
    ),
    # process.env.SECRET || "…", ${PASSWORD:-…}
    _after_name(
        rf"\w{{0,40}}[\"'\])]{{0,3}}\s{{0,4}}(?:\|\||\?\?|\?:|\bor\b)\s{{0,4}}{_QUOTED}", is_value
    ),
    _after_name(
        r"\w{0,40}:?[-=](?P<secret>[^\s\"'{}$]{6,256})}", is_password, before=r"\$\{\w{0,40}"
    ),
    # salts have spaces, brackets and marks of all kinds
    _after_name(
        r"\w{0,40}[\"']?\]?\s{0,4}[:=,]\s{0,60}(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^\n]){30,128})(?P=quote)",
        is_salt,
    ),
    _after_name(
        r"\w{0,40}\s{1,20}\"(?P<secret>[^\"\s]{6,256})\"",
        is_value,
        before=r"#\s{0,4}define\s{1,4}\w{0,40}",
    ),
    _after_name(
        r"(?:\s(?:is|to))?\s(?P<quote>[`\"'])(?P<secret>[^`\"'\s]{8,128})(?P=quote)", is_value
    ),
    _after_name(
        r":\s{1,4}(?P<secret>[\w+/=-]{16,200})\s{0,4}$",
        is_random,
        before=r"(?i:\b(?:api|access|secret|auth)\s)",
    ),
)

ON_LINES = (
    _on_line(
        "://",
        r"://[^\s:/@\"'<>{}$%]{0,64}:(?P<secret>[^\s:/@\"'<>{}$%*]{3,128})@(?=[\w.-])",
        is_in_url,
    ),
    # In headers the scheme tells what follows it.
    _on_line(
        "bearer basic",
        r"\b(?i:bearer|basic)\s{1,8}(?P<secret>[A-Za-z0-9._~+/-]{16,1000}={0,2})(?![\w(])",
        is_random,
    ),
    _on_line(
        "token: key: secret: authorization:",
        r"(?i:(?:token|key|secret|authorization)):\s{1,4}(?:(?i:bearer|token|basic|apikey|key)\s{1,4})?"
        r"(?P<secret>[\w.~+/=-]{16,1000})(?=[\"'])",
        is_random,
    ),
    # Azure and its kin
    _on_line(
        "key=",
        r"(?i:(?:account|access|primary|secondary|shared)key)=(?P<secret>[A-Za-z0-9+/%_-]{20,200}={0,2})",
        is_random,
    ),
    _on_line("sig=", r"(?i:[?&;]sig)=(?P<secret>[A-Za-z0-9%+/_-]{24,200}={0,2})", is_random),
    # connection strings and addresses
    _on_line(
        "password pwd",
        r"(?i:(?<![A-Za-z])(?:password|pwd))\s?=\s?(?P<secret>[^;\"'\s<>&]{4,128})(?=[;\"'&\s]|$)",
        is_in_connection,
    ),
    _on_line(
        "? &",
        r"[?&](?i:password|passwd|pass|(?:\w{1,20}_)?(?:token|secret|key)|apikey|auth|signature|sig|code)="
        r"(?P<secret>[^&\"'`\s#<>{}$;]{10,400})",
        is_random,
    ),
    _on_line(
        "jdbc:", r"jdbc:\w{2,20}:\w{2,20}:[\w.-]{1,60}/(?P<secret>[^@\s\"'/]{4,128})@", is_password
    ),
    _on_line(
        "@tcp( @unix(",
        r"[\"'`]\w[\w.-]{0,60}:(?P<secret>[^@\s\"'`/]{4,128})@(?:tcp|unix)\(",
        is_password,
    ),
    _on_line(
        "pgpass",
        r"[\w.*-]{1,100}:(?:\d{2,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:(?P<secret>[^\s\"'`:$<>]{4,128})",
        is_password,
    ),
    _on_line(
        "login",
        r"(?i:\blogin)\s{1,20}\S{1,100}\s{1,20}(?i:password)\s{1,20}(?P<secret>[^\s\"'`<>$]{4,256})",
        is_password,
    ),
    # user and password, one after the other or in base64
    _on_line(
        "auth basic", r"(?i:auth|basic)\W{1,6}(?P<secret>[A-Za-z0-9+/]{12,2000}={0,2})", is_pair
    ),
    _on_line(
        "auth login credential",
        r"(?i:auth|login|credentials?)\w{0,10}[\"']?\s{0,4}[=:]?\s{0,4}\(\s{0,20}[\"'][^\"'\n]{1,80}[\"'],\s{0,20}"
        + _QUOTED,
        is_value,
    ),
    # files of their own form
    _on_line(
        "client-key-data",
        r"client-key-data[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<secret>[A-Za-z0-9+/]{16,}={0,2})",
        always,
    ),
    _on_line(
        "private-lines",
        r"Private-Lines:\s\d{1,4}(?P<secret>(?:(?:\\[nr]|\s|[\"'+,]){1,8}[A-Za-z0-9+/]{16,80}={0,2}){1,200})",
        always,
    ),
    _on_line("default", rf"(?i:\bdefault[\w-]{{0,12}})\s{{0,4}}[=:]\s{{0,4}}{_QUOTED}", is_default),
    _on_line(
        "identified password",
        r"(?i:\bidentified\s{1,4}(?:with\s\w{1,40}\s{1,4})?by|\bpassword)\s{1,4}(?P<quote>['\"`])(?P<secret>[^'\"`\n\s]{6,128})(?P=quote)",
        is_password,
    ),
    _on_line(
        "securestring", rf"(?i:SecureString)\s{{1,4}}(?:-\w{{1,20}}\s{{1,4}})?{_QUOTED}", is_value
    ),
    # options of commands
    _on_line(
        "curl wget http",
        r"\s(?:-u\s?|--(?:proxy-)?user[ =])[\"']?[\w.@+-]{1,80}:(?P<secret>[^\s\"'`<>{}]{3,200})",
        is_of_curl,
    ),
    _on_line(
        "mysql maria",
        r"(?i:mysql|maria)[^\n]{0,120}?\s-p[\"']?(?P<secret>[^\s\"'`]{4,128})",
        is_password,
        bare=True,
    ),
    _on_line(
        "pass",
        r"\s-{1,2}(?:storepass|keypass|srcstorepass|deststorepass|pass(?:in|out)?)[\s=]{1,4}[\"']?(?:pass:)?"
        r"(?P<secret>[^\s\"'`<>]{6,128})",
        is_value,
        bare=True,
    ),
    _on_line(
        "docker sshpass mongo twine redis-cli podman helm skopeo",
        r"\b(?:docker|sshpass|mongo|mongodump|mongosh|twine|redis-cli|podman|helm|skopeo)\b[^\n]{0,160}?\s-[pa]\s{1,4}[\"']?"
        r"(?P<secret>[^\s\"'`<>]{4,200})",
        is_password,
        bare=True,
    ),
    _on_line(
        "chpasswd",
        r"\becho\s{1,4}[\"']?[\w.-]{1,60}:(?P<secret>[^\s\"'`]{4,128})",
        is_password,
        bare=True,
    ),
    _on_line(
        "net user",
        r"(?i:\bnet\s{1,4}user\s{1,4}\S{1,60}\s{1,4})(?P<secret>[^\s/<>]{6,128})\s{1,4}/add",
        is_password,
    ),
    _on_line(
        "login alias",
        r"\b(?:login|mc\s{1,4}alias\s{1,4}set\s{1,4}\S{1,60}\s{1,4}\S{1,200}\s{1,4}\S{1,60})\s{1,4}(?P<secret>[\w.+/=-]{16,200})\s{0,4}$",
        is_random,
        bare=True,
    ),
)
