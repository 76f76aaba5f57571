"""Which licence the first lines of a file name; by phrases of the licences' own texts."""

from __future__ import annotations

import re

LICENCE_TEXTS = (  # a phrase of the licence's own text -> SPDX name
    ("apache license version 2.0", "Apache-2.0"),
    ("licensed under the apache license, version 2.0", "Apache-2.0"),
    ("boost software license - version 1.0", "BSL-1.0"),
    ("permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    ("permission to use, copy, modify, and/or distribute this software for any", "ISC"),
    ("permission to use, copy, modify, and distribute this software", "ISC"),
    ("redistribution and use in source and binary forms", "BSD"),
    ("this software is provided 'as-is', without any express or implied warranty", "Zlib"),
    ("python software foundation license version 2", "PSF-2.0"),
    ("postgresql database management system", "PostgreSQL"),
    ("this is free and unencumbered software released into the public domain", "Unlicense"),
    ("the author disclaims copyright to this source code", "public domain"),
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
    return next((name for phrase, name in LICENCE_TEXTS if phrase in head), "")
