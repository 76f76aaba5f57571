"""Which licence a text is, or which one the first lines of a file name: by telling phrases.

What comes first counts: licences name each other further down. A text that none of the phrases
fits has no name here; that it is no licence is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.indexer.licences.expressions import expression_of

HEAD_LINES = 60  # of a file: where a notice stands
HEAD_CHARS = 4_000
_LINE_CHARS = 300
_NEAR_CHARS = 400  # behind the name of a GNU licence, where its version stands
_GNU_NAMES = {"": "GPL", "affero ": "AGPL", "lesser ": "LGPL", "library ": "LGPL"}
_GNU_VERSIONS = {"1": "1.0", "2": "2.0", "2.0": "2.0", "2.1": "2.1", "3": "3.0", "3.0": "3.0"}
_GNU_VERSION = re.compile(r"\bv(?:ersion |ersion|\.|)? ?([123](?:\.[01])?)\b")
_LATER = re.compile(r"any later version|or later\b")
_GNU = re.compile(r"\bgnu (affero |lesser |library |)general public licen[sc]e\b")
# A phrase of the text, without upper case and with single spaces -> the SPDX identifier.
PHRASES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"\bapache licen[sc]e,? version 2\.0\b", "Apache-2.0"),
        (r"\bmozilla public licen[sc]e,? (?:version |v\. ?|v)2\.0\b", "MPL-2.0"),
        (r"\beclipse public licen[sc]e -? ?v(?:ersion)? ?2\.0\b", "EPL-2.0"),
        (r"\bboost software licen[sc]e - version 1\.0\b", "BSL-1.0"),
        (r"\bcc0 1\.0 universal\b", "CC0-1.0"),
        (
            r"\bthis is free and unencumbered software released into the public domain\b",
            "Unlicense",
        ),
        (r"\bpython software foundation licen[sc]e version 2\b", "PSF-2.0"),
        (r"\bthis software is provided ['\"]as-is['\"], without any express or implied", "Zlib"),
        (
            r"\bpermission is hereby granted, free of charge, to any person obtaining a copy\b",
            "MIT",
        ),
        (r"\bpermission to use, copy, modify, and/?(?:or)? distribute this software\b", "ISC"),
        (r"\bredistribution and use in source and binary forms\b", "BSD"),
    )
)
_TAG = re.compile(r"\bSPDX-License-Identifier:\s*([^\r\n]{1,300})")
_MARK = re.compile(r"\s*(?:#+|//+!?|/\*+!?|\*+/?|--+|;+|%+|<!--|\"\"\"|'''|\(\*+|\{-|REM\b|@REM\b)")
_COMMENT_END = re.compile(r"\s*(?:\*+/|-->|\*\)|-\}|\"\"\"|''').*$")
_BLOCKS = (
    ("/*", "*/"),
    ("<!--", "-->"),
    ('"""', '"""'),
    ("'''", "'''"),
    ("(*", "*)"),
    ("{-", "-}"),
)


def licence_of_text(text: str) -> str:
    """Return the SPDX identifier of a licence's text, "" where no phrase is known."""
    return _first(_flat(text), is_notice=False)


def licence_of_head(text: str) -> str:
    """Return what the comment at the beginning of a file says, as an SPDX expression, or "".

    A tag `SPDX-License-Identifier` goes before a notice in words.
    """
    head = text[:HEAD_CHARS]
    if "licen" not in head.casefold() and "permission" not in head.casefold():
        return ""  # nearly all files, and fast
    comment = "\n".join(_comment_lines(head))
    tag = _TAG.search(comment)
    named = expression_of(tag[1]) if tag else ""
    return named or _first(_flat(comment), is_notice=True)


def _first(flat: str, *, is_notice: bool) -> str:
    """Return the licence whose phrase stands first."""
    found = [(match.start(), name) for phrase, name in PHRASES if (match := phrase.search(flat))]
    gnu = _GNU.search(flat)
    if gnu is not None and all(gnu.start() < start for start, _ in found):
        return _gnu_licence(gnu, flat, is_notice=is_notice)
    name = min(found)[1] if found else ""
    if name == "BSD":
        return _bsd_licence(flat)
    if name == "MIT" and not is_notice and "this permission notice" not in flat:
        return "MIT-0"
    if name == "ISC" and not is_notice and "copyright notice and this permission" not in flat:
        return "0BSD"
    return name


def _gnu_licence(match: re.Match[str], flat: str, *, is_notice: bool) -> str:
    """Return a GNU licence's identifier. Its own text does not say whether later versions do."""
    near = flat[match.end() : match.end() + _NEAR_CHARS]
    version = _GNU_VERSION.search(near)
    if version is None:
        return ""
    name = f"{_GNU_NAMES[match[1]]}-{_GNU_VERSIONS.get(version[1], version[1])}"
    if not is_notice:
        return name
    return name + ("-or-later" if _LATER.search(near) else "-only")


def _bsd_licence(flat: str) -> str:
    if "all advertising materials mentioning" in flat:
        return "BSD-4-Clause"
    has_third = "endorse or promote products" in flat
    return "BSD-3-Clause" if has_third else "BSD-2-Clause"


def _comment_lines(text: str) -> Iterator[str]:
    """Yield the lines of the comment that a file begins with, without their marks."""
    end = ""  # of the block that is open
    for line in text.split("\n")[:HEAD_LINES]:
        line = line[:_LINE_CHARS].strip().lstrip("\ufeff")
        if not end:
            if line and not line.startswith("<?") and not _MARK.match(line):
                return
            end = next((end for begin, end in _BLOCKS if _is_open(line, begin, end)), "")
        elif end in line:
            end = ""
        yield _COMMENT_END.sub("", _MARK.sub("", line, count=1))


def _is_open(line: str, begin: str, end: str) -> bool:
    return line.startswith(begin) and end not in line[len(begin) :]


def _flat(text: str) -> str:
    """Return a text in lower case with single spaces, without what only sets it off."""
    return " ".join(re.sub(r"[*_`>|=]+", " ", text.casefold()).split())
