"""The page of a training as an editor or a browser may open it: no script, and nothing fetched.

It lies in the workspace and may have come with it, so a page is shown only if it begins with our
policy, byte for byte, and has no element but those that a report is made of: then nothing in it is
run, fetched, sent or followed, whatever else it says. Standard library only;
training/report/page.py writes what this module lets through.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

# A policy holds for what stands behind it, so it comes first; the charset keeps the rest from being
# read as anything but what is looked at here.
HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
)
_MAX_BYTES = 5_000_000
_ELEMENTS = frozenset(
    b"html head title style body main header section h1 h2 h3 p div span b i pre "
    b"table thead tbody tr th td figure figcaption svg g line polyline circle rect text".split()
)
_BEGINS = re.compile(rb"<(?:/?([A-Za-z][^\t\n\f\r />]*)|[!?])")


def is_harmless(page: Path) -> bool:
    """Say whether a file is a page that nothing can come of; a link or no file at all is none."""
    try:
        found = page.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
            return False
        text = page.read_bytes()
    except OSError:  # gone, or not for us to read
        return False
    head = HEAD.encode("utf-8")
    elements = (match[1] for match in _BEGINS.finditer(text, len(head)))
    return text.startswith(head) and all(
        name is not None and name.lower() in _ELEMENTS for name in elements
    )
