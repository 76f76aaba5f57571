"""The text of a comment or docstring -> its first telling line; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MAX_DOC_CHARS = 200

_COMMENT_MARK = re.compile(
    r"^\s*(?:/\*+!?|\*+/|//+!?|#+|\*+|--+\[*=*\[?|\{-)?\s?[|^]?\s?|\s*(?:\*+/|-\}|\]=*\])\s*$"
)
_XML_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_DIRECTIVE = re.compile(
    r"\s*(?:eslint|prettier-|noqa|type:\s*ignore|pylint:|ruff:|mypy:|fmt:|@ts-|go:|nolint|\+build"
    r"|region\b|endregion\b|SPDX-|Copyright\b|shellcheck |rubocop:|MARK:|swiftlint:|luacheck|!"
    r"|@[\w\\-]+(?:[({]|\s|$)|frozen_string_literal:|-\*-|(?:en)?coding[:=])"
)
_DOCSTRING = re.compile(r"[A-Za-z]*(\"\"\"|'''|\"|')(.*?)(?:\1)?$", re.DOTALL)
_ATTRIBUTE = re.compile(r"@(?:type)?doc\s*\(?\s*(?:~[sS])?(?P<quote>\"{3}|\"|\[)?", re.DOTALL)


def of_docstring(text: str) -> str:
    """Return the first line of a quoted string that documents."""
    quoted = _DOCSTRING.match(text.strip().removeprefix("~S").removeprefix("~s"))
    return first_line((quoted[2] if quoted else "").split("\n"))


def of_comments(comments: Sequence[str]) -> str:
    """Return the first telling line of the comments above a definition, without their marks.

    An Elixir `@doc "…"` counts as a comment; what documents the file (`//!`, `#!`) does not.
    """
    lines: list[str] = []
    for text in comments:
        attribute = _ATTRIBUTE.match(text)
        if attribute is not None:
            if attribute["quote"] and attribute["quote"] != "[":  # `@doc false`, `@doc since: …`
                lines += text[attribute.end() :].rstrip('")').split("\n")
        elif not text.startswith(("//!", "#!")):
            lines += [_COMMENT_MARK.sub("", line) for line in text.split("\n")]
    return first_line(lines)


def first_line(lines: Sequence[str]) -> str:
    """Return the first line that says something, without tags, at most 200 characters."""
    for line in lines:
        plain = _XML_TAG.sub("", line).strip()
        if any(map(str.isalnum, plain)) and not _DIRECTIVE.match(plain):
            return plain[:_MAX_DOC_CHARS]
    return ""
