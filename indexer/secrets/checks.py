"""Is what a pattern matched a secret? Judged by its group "secret" and by what stands before it."""

from __future__ import annotations

import re
from collections.abc import Callable

from homespun.indexer.secrets.values import (
    is_encoded_pair,
    is_noise,
    is_secret_name,
    is_secret_value,
    looks_random,
)

_CONNECTION_BEFORE = 200  # characters in which another setting of the string must stand
_CONNECTION = re.compile(r"\w=[^=\n]*[;&? ]\s?$")
_COMMAND_BEFORE = 400
_CURL = re.compile(r"\b(?:curl|wget|https?ie?)\b")
_ARGUMENT_BEFORE = 240
_ARGUMENT = re.compile(r"(?P<name>[\w-]{1,80})[\"']\s{0,20}[,{][^(){}]{0,200}$")

# A call, an attribute or an index is code, not a value: only bare values can look like that.
_CODE_VALUE = re.compile(r"[^()\[\]{}<>]*[()\[\]{}<>].*|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\$.*")
_DIGIT_OR_MARK = re.compile(r"[\d!#%^&*+~]")
# Words that documents write where a password belongs.
_PLACEHOLDER = re.compile(
    r"(?i:x+|\*+|\.+|foo|bar|baz|test|none|null|true|false|changeme|example|guest|host|port"
    r"|(?:user|my|the|your|some|new|old)?[_-]?(?:name|user|pass(?:w(?:or)?d)?|pwd|secret|token|key))\d?"
)
_LEFT_OPEN = re.compile(r"[<>{}]|\$[\w({]|%\w?\(|%s|\.\.\.")

Check = Callable[[re.Match[str]], bool]


def always(match: re.Match[str]) -> bool:
    """Tell that nothing but a secret can stand there."""
    return True


def is_value(match: re.Match[str]) -> bool:
    """Tell a password or a key from a word."""
    return is_secret_value(match["secret"])


def is_bare_value(match: re.Match[str]) -> bool:
    """Tell the same where no quotes tell a value from code."""
    return not _CODE_VALUE.fullmatch(match["secret"]) and is_secret_value(match["secret"])


def is_random(match: re.Match[str]) -> bool:
    """Tell what is as mixed as if it were drawn."""
    return looks_random(match["secret"])


def is_password(match: re.Match[str]) -> bool:
    """Tell all but words, numbers alone and templates, where nothing but a password can stand."""
    value = match["secret"]
    return (
        _DIGIT_OR_MARK.search(value) is not None
        and not value.isdigit()
        and not is_template(value)
        and _PLACEHOLDER.fullmatch(value) is None
    )


def is_in_url(match: re.Match[str]) -> bool:
    """Tell all but the words that documents write there."""
    return _PLACEHOLDER.fullmatch(match["secret"]) is None


def is_in_connection(match: re.Match[str]) -> bool:
    """Tell a password that has another setting of a connection string before it."""
    before = match.string[max(0, match.start() - _CONNECTION_BEFORE) : match.start()]
    return is_password(match) and _CONNECTION.search(before.rpartition("\n")[2]) is not None


def is_of_curl(match: re.Match[str]) -> bool:
    """Tell a password behind a program that takes one with its user."""
    before = match.string[max(0, match.start() - _COMMAND_BEFORE) : match.start()]
    return is_password(match) and _CURL.search(before) is not None


def is_default(match: re.Match[str]) -> bool:
    """Tell the default of an argument with a secret's name."""
    if not is_secret_value(match["secret"]):
        return False
    before = match.string[max(0, match.start() - _ARGUMENT_BEFORE) : match.start()]
    argument = _ARGUMENT.search(before)
    return argument is not None and is_secret_name(argument["name"])


def is_pair(match: re.Match[str]) -> bool:
    """Tell a user and a password in base64."""
    return is_encoded_pair(match["secret"])


def is_salt(match: re.Match[str]) -> bool:
    """Tell noise, in which any character may stand."""
    return is_noise(match["secret"])


def is_template(value: str) -> bool:
    """Tell whether something is to be filled in: `{password}`, `$PASSWORD`, `...`."""
    return _LEFT_OPEN.search(value) is not None
