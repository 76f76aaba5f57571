"""Text that others wrote, made safe to show: in a terminal, in an editor, in a sentence.

A file's name or its text may hold escape sequences that a terminal obeys, marks that turn the
order of what is read, and characters that nobody sees. They are shown as their escapes. The lowest
room has this, because all that speak to people need it; it imports nothing of ours.
"""

from __future__ import annotations

import re

# C0 and C1 without line end and tab; the soft hyphen, marks of direction, zero width, line and
# paragraph separators, invisible operators, the byte order mark, annotations, tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_COLOUR = re.compile(r"(\x1b\[[0-9;]{0,40}m)")


def is_showable(text: str) -> bool:
    """Tell whether a text of one line or several has no character that does more than be seen."""
    return _UNSAFE.search(text) is None


def showable(text: str) -> str:
    """Return a text of one line or several, each unsafe character as its escape."""
    return _UNSAFE.sub(_escaped, text)


def showable_line(text: str) -> str:
    """Return a name as one line: line ends and tabs are escaped as well."""
    return showable(text).replace("\n", "\\n").replace("\t", "\\t")


def showable_coloured(text: str) -> str:
    """Return a text that holds colours of our own: these stay, nothing else of the kind does."""
    if "\x1b" not in text:
        return showable(text)
    return "".join(
        part if number % 2 else showable(part) for number, part in enumerate(_COLOUR.split(text))
    )


def _escaped(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
