"""Which licence the first lines of a file name; by phrases of the licences' own texts."""

from __future__ import annotations

import re

from homespun.indexer.licences.texts import PHRASES

# Those of the index, and what only packages that are learned from are asked.
LICENCE_TEXTS = (
    *PHRASES,
    (re.compile("postgresql database management system"), "PostgreSQL"),
    (re.compile("the author disclaims copyright to this source code"), "public domain"),
)
COPYLEFT = re.compile(
    r"gnu (?:lesser |library |affero )?general public licen[sc]e|mozilla public licen[sc]e"
    r"|eclipse public licen[sc]e|common development and distribution licen[sc]e"
    r"|\b[al]?gplv?[23]\b|business source licen[sc]e"
    r"|creative commons attribution-(?:sharealike|non)"
)
HEAD_CHARS = 3_000  # of a file: where a licence of its own would stand


def has_copyleft_head(text: str) -> bool:
    """Tell whether a file's first lines put it under a licence that is not permissive."""
    return licence_in_head(text) == "copyleft"


def licence_in_head(text: str) -> str:
    """Return the licence that a file's first lines name: an SPDX name, "copyleft", or ""."""
    head = " ".join(text[:HEAD_CHARS].casefold().split())
    if COPYLEFT.search(head):
        return "copyleft"
    return next((name for phrase, name in LICENCE_TEXTS if phrase.search(head)), "")
