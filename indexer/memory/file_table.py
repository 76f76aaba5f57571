"""The files that a shard's documents belong to, and what their paths say. Worked out when asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from homespun.indexer.types import Chunk
from homespun.indexer.words.tokens import split_identifiers
from homespun.indexer.words.word_forms import stem

_KEPT_PATTERNS = 8  # answers for a shard; an editor or a script asks with the same few


@dataclass(frozen=True, slots=True)
class PathWords:
    """The split words of a path."""

    name: frozenset[str]  # of the file's name, without its suffixes
    folder: frozenset[str]  # of the folder that it lies in
    further: frozenset[str]  # of the folders above


class FileTable:
    """Files in the order of their first document; a file lies in one shard as a whole."""

    def __init__(self, chunks: Sequence[Chunk], lengths: npt.NDArray[np.float32]) -> None:
        """Keep the chunks and `(documents,)` numbers of words; neither is changed any more."""
        self._chunks = chunks
        self._lengths = lengths
        self._matching: dict[re.Pattern[str], npt.NDArray[np.bool_]] = {}

    @cached_property
    def paths(self) -> list[str]:
        """The files' paths."""
        return list(dict.fromkeys(chunk.path for chunk in self._chunks))

    @cached_property
    def of_document(self) -> npt.NDArray[np.int32]:
        """`(documents,)`: number of the file of each document."""
        number = {path: n for n, path in enumerate(self.paths)}
        numbers = (number[chunk.path] for chunk in self._chunks)
        return np.fromiter(numbers, dtype=np.int32, count=len(self._chunks))

    @cached_property
    def lengths(self) -> npt.NDArray[np.float32]:
        """`(files,)`: number of words of each file."""
        counted = np.bincount(self.of_document, self._lengths, minlength=len(self.paths))
        return counted.astype(np.float32)

    @cached_property
    def first_document(self) -> npt.NDArray[np.int64]:
        """`(files,)`: the first document of each file."""
        return np.unique(self.of_document, return_index=True)[1]

    def matching(self, pattern: re.Pattern[str]) -> npt.NDArray[np.bool_]:
        """Return `(documents,)`: whose path is as the pattern wants it."""
        known = self._matching.get(pattern)
        if known is None:
            files = (pattern.fullmatch(path) is not None for path in self.paths)
            wanted = np.fromiter(files, dtype=np.bool_, count=len(self.paths))
            known = wanted[self.of_document]
            if len(self._matching) >= _KEPT_PATTERNS:
                self._matching.clear()
            self._matching[pattern] = known
        return known

    @cached_property
    def by_stem(self) -> dict[str, list[int]]:
        """Stem of a word of the name or of its folder -> the files that have it."""
        found: dict[str, list[int]] = {}
        for number, path in enumerate(self.paths):
            words = words_of_path(path)
            for root in {stem(word) for word in words.name | words.folder}:
                found.setdefault(root, []).append(number)
        return found


@lru_cache(maxsize=131_072)
def words_of_path(path: str) -> PathWords:
    """Return the words of a path."""
    *folders, name = path.split("/")
    return PathWords(
        name=frozenset(split_identifiers(name.split(".", 1)[0] or name)),
        folder=frozenset(split_identifiers(" ".join(folders[-1:]))),
        further=frozenset(split_identifiers(" ".join(folders[:-1]))),
    )
