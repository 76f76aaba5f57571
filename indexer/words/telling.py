"""Which lines of code say enough to be recognised: long enough, and no import."""

from __future__ import annotations

import re

_TELLING_CHARS = 8  # without white space around them; "}", "else:" and "pass" stand everywhere
# Imports resemble each other everywhere and say nothing about what comes next.
IMPORT = re.compile(r"^\s*(?:import|from|use|using|require|#\s*include|package)\b")


def told_by(line: str) -> str:
    """Return a line without white space around it, "" where it does not tell anything."""
    stripped = line.strip()
    return stripped if len(stripped) >= _TELLING_CHARS and not IMPORT.match(line) else ""
