"""Text -> the words that full-text search counts. Queries and documents go through the same split.

Raise `TOKENIZER_VERSION` where the split changes (an encoder's words are split so), and
`WORDS_VERSION` with any change here: stored rows hold the result.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from homespun.indexer.types import ParsedFile

TOKENIZER_VERSION = 1  # of `split_identifiers`
WORDS_VERSION = 2  # of `searched_words`

_MAX_WORD_CHARS = 80  # longer runs are blobs (base64, hashes of data), nobody searches them
_WORD = re.compile(r"\w+")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PART_OF_SHAPE = re.compile(r"U+(?!l)|U?l+|d+")  # the same for any alphabet, see `_shape`


def split_identifiers(text: str) -> list[str]:
    """Return lower-case words in text order, each compound identifier whole and then in parts.

    `HTTPServerFactory` gives httpserverfactory, http, server, factory; `handler_stack` gives
    handlerstack, handler, stack, so that both spellings of a name meet.
    """
    words: list[str] = []
    for word in _WORD.findall(text):
        words += _split(word)
    return words


def path_words(path: str) -> list[str]:
    """Return a path's words as documents carry them: the stem twice, the last two folders."""
    *folders, name = path.split("/")
    stem = name.split(".", 1)[0] if not name.startswith(".") else name
    return split_identifiers(" ".join([stem, stem, *folders[-2:]]))


def searched_words(file: ParsedFile) -> list[list[str]]:
    """Return for each chunk of a file the words that search finds it by.

    Its text, the words of the path, and once more what says what it is for: the names that it
    defines (twice) and the first line of their documentation.
    """
    path = path_words(file.path)
    words = [[*split_identifiers(chunk.text), *path] for chunk in file.chunks]
    starts = [chunk.start_line for chunk in file.chunks]
    for symbol in file.symbols:
        number = bisect_right(starts, symbol.start_line) - 1
        if number >= 0:
            name = split_identifiers(symbol.name)
            words[number] += [*name, *name, *split_identifiers(symbol.doc)]
    return words


@lru_cache(maxsize=65536)
def _split(word: str) -> tuple[str, ...]:
    if len(word) > _MAX_WORD_CHARS:
        return ()
    if word.isascii():
        parts = [part.lower() for part in _PART.findall(word)]
    else:
        spans = (match.span() for match in _PART_OF_SHAPE.finditer(_shape(word)))
        parts = [word[start:end].lower() for start, end in spans]
    if len(parts) < 2:
        return tuple(parts)
    return ("".join(parts), *parts)


def _shape(word: str) -> str:
    """Return a letter a character: U upper case, d digit, `_` underscore, l any other letter."""
    return "".join(
        "U" if c.isupper() else "d" if c.isdigit() else "_" if c == "_" else "l" for c in word
    )
