"""Places where a secret stands: behind a secret's name, and where the form says so.

Assignments, defaults of arguments, elements of XML; connection strings, addresses, headers, options
of commands and the like. What stands around says that a value may be a secret, `secret_values`
judges whether it is one. Names are looked for once, and what may follow them is tried there only;
any other form runs where one of its words is, on that line. Each begins with something fixed, and
what may repeat is bounded, so that a long line takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from homespun.indexer.secrets.values import (
    NAME_PARTS,
    is_encoded_pair,
    is_noise,
    is_secret_name,
    is_secret_value,
    looks_random,
    name_end,
)

_REST = r"[\w.-]{0,40}"  # of a longer name
_QUOTED = r"""(?:[rbfuRBFU]{0,2}|@|\$)(?P<quote>["'`])(?P<secret>[^"'`\s]{6,512})(?P=quote)"""
_BARE = r"""(?P<secret>[^\s"'`#;&|<>(){}\[\],$][^\s"'`;&|<>(){}\[\],]{5,255})"""
# Behind a name and its rest: no word, and soon what no plain word has.
_MAY_FOLLOW = re.compile(
    r"[\w.-]{0,40}(?![\w.-])[^\n]{0,160}(?:\n[^\n]{0,160})?(?:[\d!@#$^&*+?~]|[a-z][A-Z])"
)
_MAX_BEHIND_NAME = 700  # characters
_BEFORE_NAME = 80  # characters that may belong to it

_CONNECTION_BEFORE = 200  # characters in which another setting of the string must stand
_CONNECTION = re.compile(r"\w=[^=\n]*[;&? ]\s?$")
_COMMAND_BEFORE = 400
_CURL = re.compile(r"\b(?:curl|wget|https?ie?)\b")
_ARGUMENT_BEFORE = 240
_ARGUMENT = re.compile(r"(?P<name>[\w-]{1,80})[\"']\s{0,20}[,{][^(){}]{0,200}$")

# A call, an attribute or an index is code, not a value: only bare values can look like that.
_CODE_VALUE = re.compile(r"[^()\[\]{}<>]*[()\[\]{}<>].*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\$.*")
_MIN_CHOSEN = re.compile(r"[\d!#%^&*+~]")
# Words that documents write where a password belongs.
_PLACEHOLDER = re.compile(
    r"(?i:x+|\*+|\.+|foo|bar|baz|test|none|null|true|false|changeme|example|guest|host|port"
    r"|(?:user|my|the|your|some|new|old)?[_-]?(?:name|user|pass(?:w(?:or)?d)?|pwd|secret|token|key))\d?"
)
_LEFT_OPEN = re.compile(r"[<>{}]|\$[\w({]|%\w?\(|%s|\.\.\.")

_SECRET_KIND = re.compile(r"""^["']?kind["']?:[ \t]{1,4}["']?Secret["']?[ \t]*$""", re.MULTILINE)
_SECRET_DATA = re.compile(r"^(?:data|stringData):[ \t]*\n((?:[ \t]+[^\n]*\n?)+)", re.MULTILINE)
_SECRET_ENTRY = re.compile(
    r"""^[ \t]+["']?[\w.-]{1,100}["']?:[ \t]+["']?([^\s"']{6,})""", re.MULTILINE
)

Judge = Callable[[re.Match[str]], bool]


def _always(match: re.Match[str]) -> bool:
    return True


def _is_value(match: re.Match[str]) -> bool:
    return is_secret_value(match["secret"])


def _is_bare_value(match: re.Match[str]) -> bool:
    return not _CODE_VALUE.fullmatch(match["secret"]) and is_secret_value(match["secret"])


def _is_random(match: re.Match[str]) -> bool:
    return looks_random(match["secret"])


def _is_password(match: re.Match[str]) -> bool:
    """Where nothing but a password can stand: all but words, numbers alone and templates."""
    value = match["secret"]
    return (
        _MIN_CHOSEN.search(value) is not None
        and not value.isdigit()
        and _LEFT_OPEN.search(value) is None
        and _PLACEHOLDER.fullmatch(value) is None
    )


def _is_in_url(match: re.Match[str]) -> bool:
    return _PLACEHOLDER.fullmatch(match["secret"]) is None


def _is_in_connection(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _CONNECTION_BEFORE) : match.start()]
    return _is_password(match) and _CONNECTION.search(before.rpartition("\n")[2]) is not None


def _is_of_curl(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _COMMAND_BEFORE) : match.start()]
    return _is_password(match) and _CURL.search(before) is not None


def _is_default(match: re.Match[str]) -> bool:
    if not is_secret_value(match["secret"]):
        return False
    before = match.string[max(0, match.start() - _ARGUMENT_BEFORE) : match.start()]
    argument = _ARGUMENT.search(before)
    return argument is not None and is_secret_name(argument["name"])


def _is_pair(match: re.Match[str]) -> bool:
    return is_encoded_pair(match["secret"])


def _is_noise(match: re.Match[str]) -> bool:
    return is_noise(match["secret"])


@dataclass(frozen=True, slots=True)
class _Form:
    """What holds a secret, in the group "secret"."""

    words: tuple[str, ...]  # lower case; one of them stands there. Of what follows a name: none
    pattern: re.Pattern[str]
    judge: Judge
    bare: bool  # only in languages in which a value needs no quotes
    before: re.Pattern[str] | None  # what stands before a name, from its line's start on


def _form(words: str, pattern: str, judge: Judge, *, bare: bool = False) -> _Form:
    return _Form(tuple(words.split()), re.compile(pattern, re.MULTILINE), judge, bare, None)


def _after_name(pattern: str, judge: Judge, *, before: str = "", bare: bool = False) -> _Form:
    behind = re.compile(before + "$") if before else None
    return _Form((), re.compile(pattern, re.MULTILINE), judge, bare, behind)


_AFTER_NAME = (
    # password = "…", "api_key": "…", token: str = "…", 'secret' => '…', setdefault("KEY", "…")
    _after_name(
        r"[\w-]{0,40}[\"'`]?\]?\s{0,40}"
        r"(?::\s{0,8}[\w<>\[\]&?. ]{1,30}?\s{0,8}=|:=|=>|[!=]==?|[:=,(])"
        rf"\s{{0,200}}\(?\s{{0,200}}{_QUOTED}",
        _is_value,
    ),
    # In settings files a value needs no quotes.
    _after_name(
        r"[\w.-]{0,40}[ \t]{0,200}[:=][ \t]{0,200}(?P<secret>[^\s\"'#;]{8,512})[ \t]{0,200}$",
        _is_bare_value,
        before=r"^[ \t]*(?:export\s+|set\s+|-\s+)?[\w.-]{0,60}",
        bare=True,
    ),
    # … and may stand between others: PGPASSWORD=… psql, --set auth.password=…
    _after_name(rf"[\w-]{{0,20}}=[\"']?{_BARE}(?=[\s\"']|$)", _is_bare_value, bare=True),
    # options: --password …
    _after_name(
        rf"[\w-]{{0,20}}(?:=|\s{{1,4}})[\"']?{_BARE}",
        _is_bare_value,
        before=r"\s--?[\w-]{0,40}",
        bare=True,
    ),
    _after_name(
        rf"\w{{0,20}}\s{{1,4}}[\"']?{_BARE}",
        _is_bare_value,
        before=r"\b(?i:env|arg|setx?)\s{1,4}\w{0,40}",
        bare=True,
    ),
    _after_name(
        rf"\s{{1,4}}[\"']?{_BARE}$", _is_bare_value, before=r"^\s{0,8}[\w-]{0,20}", bare=True
    ),
    # <password>…</password>; name="…password" value="…"; the same in lists of YAML and JSON
    _after_name(
        rf"{_REST}>\s{{0,4}}(?P<secret>[^<>\s]{{6,256}})\s{{0,4}}</",
        _is_password,
        before=r"<[\w.:-]{0,60}",
    ),
    _after_name(
        rf"{_REST}[\"']?,?\s{{1,20}}[\"']?(?i:value)[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?"
        r"(?P<secret>[^\"'\s<>,{}]{6,256})",
        _is_value,
    ),
    # password = Option("…"), SecretStr("…"), bytes.fromhex("…")
    _after_name(
        r"\w{0,40}\s{0,4}(?::[^=\n\"']{1,40})?=\s{0,4}(?:[\w.]{1,60}\()?[\w.]{0,60}"
        rf"(?:Option|Field|Argument|SecretStr|Secret|fromhex|decode|Setting)\(\s{{0,20}}(?:default\s{{0,2}}=\s{{0,2}})?{_QUOTED}",
        _is_value,
    ),
    # option("--api-key <key>", "what it is", "…")
    _after_name(
        rf"[^\"'\n]{{0,40}}[\"'],\s{{0,20}}[\"'][^\"'\n]{{0,100}}[\"'],\s{{0,20}}{_QUOTED}",
        _is_value,
        before=r"[\"']--[\w-]{0,40}",
    ),
    # process.env.SECRET || "…", ${PASSWORD:-…}
    _after_name(
        rf"\w{{0,40}}[\"'\])]{{0,3}}\s{{0,4}}(?:\|\||\?\?|\?:|\bor\b)\s{{0,4}}{_QUOTED}", _is_value
    ),
    _after_name(
        r"\w{0,40}:?[-=](?P<secret>[^\s\"'{}$]{6,256})}", _is_password, before=r"\$\{\w{0,40}"
    ),
    # salts have spaces, brackets and marks of all kinds
    _after_name(
        r"\w{0,40}[\"']?\]?\s{0,4}[:=,]\s{0,60}(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^\n]){30,128})(?P=quote)",
        _is_noise,
    ),
    _after_name(
        r"\w{0,40}\s{1,20}\"(?P<secret>[^\"\s]{6,256})\"",
        _is_value,
        before=r"#\s{0,4}define\s{1,4}\w{0,40}",
    ),
    _after_name(
        r"(?:\s(?:is|to))?\s(?P<quote>[`\"'])(?P<secret>[^`\"'\s]{8,128})(?P=quote)", _is_value
    ),
    _after_name(
        r":\s{1,4}(?P<secret>[\w+/=-]{16,200})\s{0,4}$",
        _is_random,
        before=r"(?i:\b(?:api|access|secret|auth)\s)",
    ),
)

_FORMS = (
    _form(
        "://",
        r"://[^\s:/@\"'<>{}$%]{0,64}:(?P<secret>[^\s:/@\"'<>{}$%*]{3,128})@(?=[\w.-])",
        _is_in_url,
    ),
    # In headers the scheme tells what follows it.
    _form(
        "bearer basic",
        r"\b(?i:bearer|basic)\s{1,8}(?P<secret>[A-Za-z0-9._~+/-]{16,1000}={0,2})(?![\w(])",
        _is_random,
    ),
    _form(
        "token: key: secret: authorization:",
        r"(?i:(?:token|key|secret|authorization)):\s{1,4}(?:(?i:bearer|token|basic|apikey|key)\s{1,4})?"
        r"(?P<secret>[\w.~+/=-]{16,1000})(?=[\"'])",
        _is_random,
    ),
    # Azure and its kin
    _form(
        "key=",
        r"(?i:(?:account|access|primary|secondary|shared)key)=(?P<secret>[A-Za-z0-9+/%_-]{20,200}={0,2})",
        _is_random,
    ),
    _form("sig=", r"(?i:[?&;]sig)=(?P<secret>[A-Za-z0-9%+/_-]{24,200}={0,2})", _is_random),
    # connection strings and addresses
    _form(
        "password pwd",
        r"(?i:(?<![A-Za-z])(?:password|pwd))\s?=\s?(?P<secret>[^;\"'\s<>&]{4,128})(?=[;\"'&\s]|$)",
        _is_in_connection,
    ),
    _form(
        "? &",
        r"[?&](?i:password|passwd|pass|(?:\w{1,20}_)?(?:token|secret|key)|apikey|auth|signature|sig|code)="
        r"(?P<secret>[^&\"'`\s#<>{}$;]{10,400})",
        _is_random,
    ),
    _form(
        "jdbc:", r"jdbc:\w{2,20}:\w{2,20}:[\w.-]{1,60}/(?P<secret>[^@\s\"'/]{4,128})@", _is_password
    ),
    _form(
        "@tcp( @unix(",
        r"[\"'`]\w[\w.-]{0,60}:(?P<secret>[^@\s\"'`/]{4,128})@(?:tcp|unix)\(",
        _is_password,
    ),
    _form(
        "pgpass",
        r"[\w.*-]{1,100}:(?:\d{2,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:(?P<secret>[^\s\"'`:$<>]{4,128})",
        _is_password,
    ),
    _form(
        "login",
        r"(?i:\blogin)\s{1,20}\S{1,100}\s{1,20}(?i:password)\s{1,20}(?P<secret>[^\s\"'`<>$]{4,256})",
        _is_password,
    ),
    # user and password, one after the other or in base64
    _form(
        "auth basic", r"(?i:auth|basic)\W{1,6}(?P<secret>[A-Za-z0-9+/]{12,2000}={0,2})", _is_pair
    ),
    _form(
        "auth login credential",
        r"(?i:auth|login|credentials?)\w{0,10}[\"']?\s{0,4}[=:]?\s{0,4}\(\s{0,20}[\"'][^\"'\n]{1,80}[\"'],\s{0,20}"
        + _QUOTED,
        _is_value,
    ),
    # files of their own form
    _form(
        "client-key-data",
        r"client-key-data[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?P<secret>[A-Za-z0-9+/]{16,}={0,2})",
        _always,
    ),
    _form(
        "private-lines",
        r"Private-Lines:\s\d{1,4}(?P<secret>(?:(?:\\[nr]|\s|[\"'+,]){1,8}[A-Za-z0-9+/]{16,80}={0,2}){1,200})",
        _always,
    ),
    _form("default", rf"(?i:\bdefault[\w-]{{0,12}})\s{{0,4}}[=:]\s{{0,4}}{_QUOTED}", _is_default),
    _form(
        "identified password",
        r"(?i:\bidentified\s{1,4}(?:with\s\w{1,40}\s{1,4})?by|\bpassword)\s{1,4}(?P<quote>['\"`])(?P<secret>[^'\"`\n\s]{6,128})(?P=quote)",
        _is_password,
    ),
    _form(
        "securestring", rf"(?i:SecureString)\s{{1,4}}(?:-\w{{1,20}}\s{{1,4}})?{_QUOTED}", _is_value
    ),
    # options of commands
    _form(
        "curl wget http",
        r"\s(?:-u\s?|--(?:proxy-)?user[ =])[\"']?[\w.@+-]{1,80}:(?P<secret>[^\s\"'`<>{}]{3,200})",
        _is_of_curl,
    ),
    _form(
        "mysql maria",
        r"(?i:mysql|maria)[^\n]{0,120}?\s-p[\"']?(?P<secret>[^\s\"'`]{4,128})",
        _is_password,
        bare=True,
    ),
    _form(
        "pass",
        r"\s-{1,2}(?:storepass|keypass|srcstorepass|deststorepass|pass(?:in|out)?)[\s=]{1,4}[\"']?(?:pass:)?"
        r"(?P<secret>[^\s\"'`<>]{6,128})",
        _is_value,
        bare=True,
    ),
    _form(
        "docker sshpass mongo twine redis-cli podman helm skopeo",
        r"\b(?:docker|sshpass|mongo|mongodump|mongosh|twine|redis-cli|podman|helm|skopeo)\b[^\n]{0,160}?\s-[pa]\s{1,4}[\"']?"
        r"(?P<secret>[^\s\"'`<>]{4,200})",
        _is_password,
        bare=True,
    ),
    _form(
        "chpasswd",
        r"\becho\s{1,4}[\"']?[\w.-]{1,60}:(?P<secret>[^\s\"'`]{4,128})",
        _is_password,
        bare=True,
    ),
    _form(
        "net user",
        r"(?i:\bnet\s{1,4}user\s{1,4}\S{1,60}\s{1,4})(?P<secret>[^\s/<>]{6,128})\s{1,4}/add",
        _is_password,
    ),
    _form(
        "login alias",
        r"\b(?:login|mc\s{1,4}alias\s{1,4}set\s{1,4}\S{1,60}\s{1,4}\S{1,200}\s{1,4}\S{1,60})\s{1,4}(?P<secret>[\w.+/=-]{16,200})\s{0,4}$",
        _is_random,
        bare=True,
    ),
)
# What follows may stand on the lines below.
_LINES_BELOW = {"login": 1, "private-lines": 80}


def place_spans(text: str, *, bare: bool) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of secrets that their surroundings give away.

    With `bare` the text is of a language in which values need no quotes.
    """
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow: ask the slow way
        lower = "".join(character.lower()[:1] for character in text)
    yield from _behind_names(text, lower, bare=bare)
    for form in _FORMS:
        if not form.bare or bare:
            below = _LINES_BELOW.get(form.words[0], 0)
            for start, end in _windows(lower, form.words, below=below):
                for match in form.pattern.finditer(text, start, end):
                    if form.judge(match):
                        yield match.span("secret")
    if bare and "kind" in lower:
        yield from _kubernetes_spans(text)


def _behind_names(text: str, lower: str, *, bare: bool) -> Iterator[tuple[int, int]]:
    """Look behind each name of a secret, to the end of the next line: the value may stand there."""
    forms = [form for form in _AFTER_NAME if bare or not form.bare]
    for part in NAME_PARTS:
        place = lower.find(part)
        while place >= 0:
            end = name_end(text, lower, place)
            if end >= 0:
                yield from _behind_name(text, place, end, forms)
            place = lower.find(part, place + len(part))


def _behind_name(
    text: str, name: int, name_end: int, forms: Sequence[_Form]
) -> Iterator[tuple[int, int]]:
    limit = name_end + _MAX_BEHIND_NAME
    end = text.find("\n", name_end, limit)
    if end >= 0:
        end = text.find("\n", end + 1, limit)
    end = end if end >= 0 else min(limit, len(text))
    if not _MAY_FOLLOW.match(text, name_end, end):
        return
    line = text.rfind("\n", max(0, name - _BEFORE_NAME), name) + 1
    before = text[line or max(0, name - _BEFORE_NAME) : name]
    for form in forms:
        if form.before is not None and not form.before.search(before):
            continue
        match = form.pattern.match(text, name_end, end)
        if match and form.judge(match):
            yield match.span("secret")


def _windows(lower: str, words: tuple[str, ...], *, below: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of runs of lines that hold a word, with lines below, without overlap."""
    windows = []
    for word in words:
        at = lower.find(word)
        while at >= 0:
            end = line_end = _line_end(lower, at)
            for _ in range(below):
                end = _line_end(lower, end + 1)
            windows.append((lower.rfind("\n", 0, at) + 1, end))
            at = lower.find(word, line_end)
    windows.sort()
    merged: list[tuple[int, int]] = []
    for start, end in windows:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    yield from merged


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return end if end >= 0 else len(text)


def _kubernetes_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the values of a manifest that is a `Secret`: each of them is one."""
    start = 0
    for document in re.split(r"(?m)^---", text):
        if _SECRET_KIND.search(document):
            for block in _SECRET_DATA.finditer(document):
                for entry in _SECRET_ENTRY.finditer(block[1]):
                    if _LEFT_OPEN.search(entry[1]) is None:
                        offset = start + block.start(1)
                        yield offset + entry.start(1), offset + entry.end(1)
        start += len(document) + 3
