"""How much of a suggestion stands in the document, white space aside. Standard library only.

Editors change what they insert: line ends, indentation, a formatter's blank after the comma. So
the two texts are compared character by character, and where only white space differs they agree,
unless it parts two words in one of them and not in the other.
"""

from __future__ import annotations


def matching_ends(expected: str, text: str) -> list[int]:
    """Return where in `text` the first 0, 1, 2 … characters of `expected` end.

    The list is as long as what stands there, and one more: `[0]` says that nothing does. White
    space that is only missed at the end does not count as standing.
    """
    ends = [0]
    surely = 1  # entries up to the last character that was found
    here = 0
    while len(ends) <= len(expected):
        wanted = expected[len(ends) - 1]
        if here < len(text) and text[here] == wanted:
            here += 1
            ends.append(here)
            surely = len(ends)
            continue
        missing = _blanks(expected, len(ends) - 1)
        extra = _blanks(text, here)
        if not (missing or extra):
            break
        if not (missing and extra) and _parts_words(expected, len(ends) - 1, missing):
            break
        here += extra
        ends += [here] * missing
        following = len(ends) - 1
        if following < len(expected) and text[here : here + 1] != expected[following]:
            break
    return ends[:surely]


def _blanks(text: str, start: int) -> int:
    """Return the length of the white space that begins at `start`."""
    rest = text[start:]
    return len(rest) - len(rest.lstrip())


def _parts_words(expected: str, index: int, blanks: int) -> bool:
    """Say whether `blanks` at an index stand, or would stand, between two word characters."""
    before, after = expected[index - 1 : index], expected[index + blanks : index + blanks + 1]
    return _is_word(before) and _is_word(after)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
