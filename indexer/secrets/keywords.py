"""Secrets that a keyword gives away: behind a secret's name, or where a pattern's words are.

Names are looked for once, and what may follow them is tried there only; any other pattern runs
where one of its words is, on that line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from homespun.indexer.secrets.checks import is_template
from homespun.indexer.secrets.patterns import AFTER_NAME, ON_LINES, SecretPattern
from homespun.indexer.secrets.values import NAME_PARTS, name_end

# Behind a name and its rest: no word, and soon what no plain word has.
_MAY_FOLLOW = re.compile(
    r"[\w.-]{0,40}(?![\w.-])[^\n]{0,160}(?:\n[^\n]{0,160})?(?:[\d!@#$^&*+?~]|[a-z][A-Z])"
)
_MAX_BEHIND_NAME = 700  # characters
_BEFORE_NAME = 80  # characters that may belong to it
_SECRET_KIND = re.compile(r"""^["']?kind["']?:[ \t]{1,4}["']?Secret["']?[ \t]*$""", re.MULTILINE)
_SECRET_DATA = re.compile(r"^(?:data|stringData):[ \t]*\n((?:[ \t]+[^\n]*\n?)+)", re.MULTILINE)
_SECRET_ENTRY = re.compile(
    r"""^[ \t]+["']?[\w.-]{1,100}["']?:[ \t]+["']?([^\s"']{6,})""", re.MULTILINE
)
# What follows may stand on the lines below.
_LINES_BELOW = {"login": 1, "private-lines": 80}


def keyword_spans(text: str, *, bare: bool) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of secrets that a keyword gives away.

    With `bare` the text is of a language in which values need no quotes.
    """
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow: ask the slow way
        lower = "".join(character.lower()[:1] for character in text)
    yield from _behind_names(text, lower, bare=bare)
    for pattern in ON_LINES:
        if not pattern.bare or bare:
            below = _LINES_BELOW.get(pattern.words[0], 0)
            for start, end in _windows(lower, pattern.words, below=below):
                for match in pattern.regex.finditer(text, start, end):
                    if pattern.check(match):
                        yield match.span("secret")
    if bare and "kind" in lower:
        yield from _kubernetes_spans(text)


def _behind_names(text: str, lower: str, *, bare: bool) -> Iterator[tuple[int, int]]:
    """Look behind each name of a secret, to the end of the next line: the value may stand there."""
    patterns = [pattern for pattern in AFTER_NAME if bare or not pattern.bare]
    for part in NAME_PARTS:
        start = lower.find(part)
        while start >= 0:
            end = name_end(text, lower, start)
            if end >= 0:
                yield from _behind_name(text, start, end, patterns)
            start = lower.find(part, start + len(part))


def _behind_name(
    text: str, name: int, name_end: int, patterns: Sequence[SecretPattern]
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
    for pattern in patterns:
        if pattern.before is not None and not pattern.before.search(before):
            continue
        match = pattern.regex.match(text, name_end, end)
        if match and pattern.check(match):
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


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return end if end >= 0 else len(text)


def _kubernetes_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the values of a manifest that is a `Secret`: each of them is one."""
    start = 0
    for document in re.split(r"(?m)^---", text):
        if _SECRET_KIND.search(document):
            for block in _SECRET_DATA.finditer(document):
                for entry in _SECRET_ENTRY.finditer(block[1]):
                    if not is_template(entry[1]):
                        offset = start + block.start(1)
                        yield offset + entry.start(1), offset + entry.end(1)
        start += len(document) + 3
