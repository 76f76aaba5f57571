"""A query's text -> what it is and which words of it count."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from homespun.indexer.words.tokens import split_identifiers
from homespun.indexer.words.word_forms import stem

Kind = Literal["symbol", "path", "code", "prose"]

STOP_WORDS = frozenset(
    """a an and any are as at be been by can code do does each file files find for from get gets
    give given how i if in into is it its make me of on or our set so that the their them then
    there these they this to up use used uses using was we what when where which who why will with
    you your implementation implemented implements defined definition definitions handled handles
    works work""".split()
)
_NAME_IN_PROSE = re.compile(
    r"\b(?:[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+|[a-z]+[A-Z]\w*|[A-Z]{2,}[a-z]\w*|\w+_\w+)\b"
)
_SYMBOL = re.compile(r"[A-Za-z_$][\w$]*[?!]?(?:(?:\.|::|#|->)[A-Za-z_$][\w$]*[?!]?)*(?:\(\))?")
_PATH_LIKE = re.compile(r"[\w.@+-]*(?:/[\w.@+-]+)+/?|[\w-]+(?:\.[\w-]+)*\.[a-z]{1,5}")
_CODE = re.compile(r"[=({\[;]|->|=>|::\w|\n|^\s*(?:def|class|function|func|fn|import|return)\s")
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*[,.;:?]?")
_MIN_PLAIN, _PLAIN_SHARE = 5, 0.6  # words, and of all that spaces part, in a sentence
_FILE_SUFFIXES = frozenset(
    """py pyi js jsx mjs cjs ts tsx go rs java c h cc cpp hpp cs rb php kt kts scala swift ex exs hs
    lua zig sh bash md rst txt toml yaml yml json ini cfg html css sql""".split()
)
_MIN_PATH_WORD = 3  # characters; shorter words are in every second path
_MAX_JOINED = 3  # words of prose that may be one name in code


@dataclass(frozen=True)
class Question:
    """A query, taken apart. No field depends on an index."""

    text: str

    @cached_property
    def kind(self) -> Kind:
        """What it looks like.

        A symbol is a name, perhaps with its owner (`Session`, `Session.send`, `Pool::take`,
        `Store#get`, `run()`); one plain lower-case word is one, too, and a topic as well. A path
        has a slash or a known ending. Code has brackets, operators, several lines or begins with a
        keyword. All else is prose, also a sentence with a call or two in it.
        """
        text = self.text.strip()
        if _PATH_LIKE.fullmatch(text) and ("/" in text or _has_file_suffix(text)):
            return "path"
        if _SYMBOL.fullmatch(text):
            return "symbol"
        return "code" if _CODE.search(self.text) and not _is_sentence(text) else "prose"

    @cached_property
    def is_topic(self) -> bool:
        """Tell whether words may stand there in another form than in the code."""
        plain = self.text.strip()
        return self.kind == "prose" or (plain.isalpha() and plain.islower())

    @cached_property
    def words(self) -> list[str]:
        """The split words that count, in order; a question's filler words do not."""
        words = list(dict.fromkeys(split_identifiers(self.text)))
        if self.kind != "prose":
            return words
        return [word for word in words if word not in STOP_WORDS] or words

    @cached_property
    def path_words(self) -> list[str]:
        """The words that a path may have."""
        words = dict.fromkeys(split_identifiers(self.text))
        return [w for w in words if len(w) >= _MIN_PATH_WORD and w not in STOP_WORDS]

    @cached_property
    def folded(self) -> frozenset[str]:
        """All words as written, in lower case."""
        return frozenset(re.findall(r"\w+", self.text.casefold()))

    @cached_property
    def symbol(self) -> str:
        """The name that a symbol query asks for."""
        return self.text.strip().removesuffix("()").replace("->", ".")

    @cached_property
    def names(self) -> list[str]:
        """The names that stand in prose or code: CamelCase, mixedCase, snake_case."""
        return list(dict.fromkeys(_NAME_IN_PROSE.findall(self.text)))

    def compounds(self, is_known: Callable[[str], bool]) -> list[str]:
        """Return known names that two or three neighbouring words of prose make.

        "connection pools" gives connectionpool and connection_pool. Names come in lower case.
        """
        words = re.findall(r"\w+", self.text.casefold())
        found: dict[str, None] = {}
        for count in range(2, _MAX_JOINED + 1):
            for start in range(len(words) - count + 1):
                part = words[start : start + count]
                if part[0] in STOP_WORDS or part[-1] in STOP_WORDS:
                    continue
                for last in _forms_of_a_noun(part[-1]):
                    for joint in ("", "_"):
                        name = joint.join([*part[:-1], last])
                        if is_known(name):
                            found[name] = None
        return list(found)


def _forms_of_a_noun(word: str) -> list[str]:
    root = stem(word)
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), root)
    return list(dict.fromkeys([*forms, root + "er", root + "or", root + "e", word + "s"]))


def _is_sentence(text: str) -> bool:
    """Tell whether most of a line is plain words: "how paths are mounted with use() and next()"."""
    parts = text.split()
    plain = sum(_PLAIN_WORD.fullmatch(part) is not None for part in parts)
    return "\n" not in text and plain >= _MIN_PLAIN and plain >= _PLAIN_SHARE * len(parts)


def _has_file_suffix(text: str) -> bool:
    return text.rsplit(".", 1)[-1] in _FILE_SUFFIXES and not text.startswith(".")
