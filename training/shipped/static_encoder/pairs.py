"""One package's files -> pairs of texts that belong together, as words; pure, by our own indexer.

Kinds of pairs (left -> right):

- `doc`: what a definition's documentation says -> its code, or the chunk that it lies in
- `name`: its qualified name -> its code, without the line that names it
- `call`: the lines around a call -> the code of what is called
- `test`: a test's name -> the code of what it calls
- `next`: the first half of a long definition -> the second half
- `comment`: a comment between statements -> the lines that follow it
- `file`: a file's path and first documentation -> one of its chunks
- `docs`: a paragraph of the package's prose -> the code of a definition that it names

What the left side has been taken from is cut out of the right one.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from homespun.indexer.types import Chunk, ParsedFile, Symbol
from homespun.indexer.words.tokens import path_words, split_identifiers

KINDS = ("doc", "name", "call", "test", "next", "comment", "file", "docs")

_MAX_WORDS = 256  # of a side: what stands first says most
_FEWEST_WORDS = {"doc": 3, "name": 2, "call": 8, "test": 2, "next": 12, "comment": 4, "file": 2}
_FEWEST_CODE_WORDS = 8
_MAX_BODY_LINES = 80
_MAX_DOC_LINES = 8
_AROUND_CALL = 6  # lines before and after
_AFTER_COMMENT = 10
_CALLS_A_FILE = 24
_NAMES = frozenset({"function", "method", "class", "struct", "trait", "interface", "type", "enum"})
_COMMENT = re.compile(r"^\s*(?:#(?!!|:)|//+!?|--|;;|%)\s?(.*)$")
_WORDY = re.compile(r"[A-Za-z]{2,}(?:\s+[A-Za-z'`\-]{1,}){3,}")
_BACKTICKED = re.compile(r"``?([A-Za-z_][\w.:#]{3,60})(?:\(\))?``?")
_DOCSTRING_QUOTES = ('"""', "'''")
_TEST_NAME = re.compile(r"^(?:test_?|it_|should_)|(?:_test|Test)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A parsed file and its lines, without line ends."""

    parsed: ParsedFile
    lines: list[str]


@dataclass(slots=True)
class Mined:
    """Texts as words, and pairs of them by number."""

    texts: list[list[str]] = field(default_factory=list)
    pairs: list[tuple[int, int, int, str, int]] = field(
        default_factory=list
    )  # (kind, left, right, language, file)

    def add(
        self, kind: str, left: Sequence[str], right: Sequence[str], language: str, file: int
    ) -> None:
        """Add a pair, unless a side says too little."""
        if len(set(left)) < _FEWEST_WORDS.get(kind, 3) or len(right) < _FEWEST_CODE_WORDS:
            return
        self.texts += [list(left[:_MAX_WORDS]), list(right[:_MAX_WORDS])]
        place = len(self.texts)
        self.pairs.append((KINDS.index(kind), place - 2, place - 1, language, file))


def mine(
    files: Sequence[SourceFile], prose: Iterable[str], held: frozenset[str], seed: int
) -> Mined:
    """Return the pairs of a package.

    `prose` are its documents; `held` are fingerprints of definitions that must not be learned.
    """
    chance = random.Random(seed)
    mined = Mined()
    bodies = _Bodies(files, held)
    for number, file in enumerate(files):
        if bodies.is_copied(number):
            continue
        _mine_definitions(mined, file, number, bodies, chance)
        _mine_calls(mined, file, number, bodies, chance)
        _mine_comments(mined, file, number, chance)
        _mine_file(mined, file, number, chance)
    _mine_prose(mined, prose, bodies)
    return mined


def fingerprint(lines: Iterable[str]) -> str:
    """Return a hash of a definition that its layout does not change; "" for a short one."""
    plain = "".join("".join(line.split()) for line in lines)
    return hashlib.sha256(plain.encode()).hexdigest()[:16] if len(plain) >= 120 else ""


def fingerprints(file: SourceFile) -> set[str]:
    """Return the fingerprints of a file's definitions."""
    found = {
        fingerprint(file.lines[symbol.start_line - 1 : symbol.end_line])
        for symbol in file.parsed.symbols
    }
    found.add(fingerprint(file.lines))
    return found - {""}


class _Bodies:
    """The definitions of a package by name, and which files are copies of held-out ones."""

    def __init__(self, files: Sequence[SourceFile], held: frozenset[str]) -> None:
        self._files = files
        self._copied = {
            number for number, file in enumerate(files) if held and fingerprints(file) & held
        }
        self._by_name: dict[str, list[tuple[int, Symbol]]] = {}
        for number, file in enumerate(files):
            if number not in self._copied:
                for symbol in file.parsed.symbols:
                    if symbol.kind in _NAMES:
                        self._by_name.setdefault(symbol.name, []).append((number, symbol))

    def is_copied(self, number: int) -> bool:
        """Tell whether a file holds a definition of a held-out package."""
        return number in self._copied

    def only(self, name: str) -> tuple[int, Symbol] | None:
        """Return the definition of a name if there is just one in the package."""
        found = self._by_name.get(name, ())
        return found[0] if len(found) == 1 else None

    def words(self, number: int, symbol: Symbol) -> list[str]:
        """Return the words of a definition as a document has them: its code, then its path."""
        file = self._files[number]
        last = min(symbol.end_line, symbol.start_line + _MAX_BODY_LINES)
        return _document(file, file.lines[symbol.start_line - 1 : last])


def _document(file: SourceFile, lines: Sequence[str]) -> list[str]:
    words = split_identifiers("\n".join(lines))[: _MAX_WORDS - 16]
    return [*words, *path_words(file.parsed.path)]


def _mine_definitions(
    mined: Mined, file: SourceFile, number: int, bodies: _Bodies, chance: random.Random
) -> None:
    language = file.parsed.language
    for symbol in file.parsed.symbols:
        if symbol.kind not in _NAMES or symbol.end_line - symbol.start_line < 1:
            continue
        rows = range(symbol.start_line - 1, min(symbol.end_line, symbol.start_line + 80))
        doc_rows = _doc_rows(symbol, file.lines)
        if symbol.doc and doc_rows:
            said = symbol.doc
            if chance.random() < 0.4:
                said = " ".join(file.lines[row] for row in doc_rows)
            chunk = _chunk_of(symbol, file.parsed.chunks) if chance.random() < 0.5 else None
            shown: Iterable[int] = rows
            if chunk is not None:
                shown = range(chunk.start_line - 1, chunk.end_line)
            code = [file.lines[row] for row in shown if row not in doc_rows]
            mined.add("doc", split_identifiers(said), _document(file, code), language, number)
        body = [file.lines[row] for row in rows if row not in doc_rows]
        named = [line for line in body if symbol.name not in line]
        if chance.random() < (0.25 if symbol.doc else 0.6):
            words = split_identifiers(symbol.qualified.replace(".", " "))
            mined.add("name", words, _document(file, named), language, number)
        if len(body) >= 16 and chance.random() < 0.5:
            half = len(body) // 2
            left = split_identifiers("\n".join(body[max(0, half - 20) : half]))
            right = _document(file, body[half : half + 30])
            mined.add("next", left, right, language, number)


def _doc_rows(symbol: Symbol, lines: Sequence[str]) -> range:
    """Return the 0-based rows of a definition's documentation, empty where it is not found."""
    probe = symbol.doc[:40].rstrip("….")
    if len(probe) < 8:
        return range(0)
    first = max(0, symbol.start_line - 40)
    for row in range(first, min(len(lines), symbol.start_line + 12)):
        if probe in lines[row]:
            return range(row, _last_doc_row(row, symbol, lines) + 1)
    return range(0)


def _last_doc_row(row: int, symbol: Symbol, lines: Sequence[str]) -> int:
    """Return where documentation that says its first words in a row ends, 0-based."""
    last = row
    is_closed = any(lines[row].count(quotes) > 1 for quotes in _DOCSTRING_QUOTES)
    while not is_closed and last + 1 < len(lines) and last - row < _MAX_DOC_LINES:
        below = lines[last + 1].strip()
        if not below.strip("*/#\"'- ") or below.startswith((":", "@", "def ", "Args", ">>>")):
            break
        if row + 1 < symbol.start_line <= last + 2:
            break  # the code begins
        last += 1
        is_closed = any(quotes in below for quotes in _DOCSTRING_QUOTES)
    return last


def _chunk_of(symbol: Symbol, chunks: Sequence[Chunk]) -> Chunk | None:
    for chunk in chunks:
        if chunk.start_line <= symbol.start_line <= chunk.end_line:
            return chunk
    return None


def _mine_calls(
    mined: Mined, file: SourceFile, number: int, bodies: _Bodies, chance: random.Random
) -> None:
    calls = list(file.parsed.calls)
    chance.shuffle(calls)
    taken = 0
    for call in calls:
        found = bodies.only(call.name)
        if found is None or taken >= _CALLS_A_FILE:
            continue
        where, symbol = found
        if where == number and symbol.start_line <= call.line <= symbol.end_line:
            continue
        first = max(0, call.line - 1 - _AROUND_CALL)
        around = file.lines[first : call.line + _AROUND_CALL]
        if where == number:
            around = file.lines[call.line - 1 - min(call.line - 1, _AROUND_CALL) : call.line]
        if chance.random() < 0.7:
            around = [line.replace(call.name, " ") for line in around]
        left = split_identifiers("\n".join(around))
        body = bodies.words(where, symbol)
        mined.add("call", left, body, file.parsed.language, where)
        taken += 1
        test = _test_at(call.line, file.parsed.symbols)
        if test is not None:
            words = [word for word in split_identifiers(test.name) if word != "test"]
            mined.add("test", words, body, file.parsed.language, where)


def _test_at(line: int, symbols: Sequence[Symbol]) -> Symbol | None:
    for symbol in symbols:
        if symbol.start_line <= line <= symbol.end_line and symbol.kind in ("function", "method"):
            return symbol if _TEST_NAME.search(symbol.name) else None
    return None


def _mine_comments(mined: Mined, file: SourceFile, number: int, chance: random.Random) -> None:
    lines = file.lines
    row = 0
    while row < len(lines):
        said = _COMMENT.match(lines[row])
        if said is None:
            row += 1
            continue
        first = row
        words = [said[1]]
        while row + 1 < len(lines) and (more := _COMMENT.match(lines[row + 1])):
            words.append(more[1])
            row += 1
        row += 1
        text = " ".join(words)
        if row - first <= _MAX_DOC_LINES and _WORDY.search(text) and chance.random() < 0.6:
            code = [line for line in lines[row : row + _AFTER_COMMENT] if not _COMMENT.match(line)]
            right = _document(file, code)
            mined.add("comment", split_identifiers(text), right, file.parsed.language, number)


def _mine_file(mined: Mined, file: SourceFile, number: int, chance: random.Random) -> None:
    chunks = file.parsed.chunks
    if not chunks:
        return
    left = path_words(file.parsed.path)[-24:]
    left += split_identifiers(_opening(file.lines))
    for chunk in chance.sample(chunks, min(2, len(chunks))):
        lines = file.lines[chunk.start_line - 1 : chunk.end_line]
        if chunk.start_line == 1:
            lines = lines[12:]
        right = split_identifiers("\n".join(lines))
        mined.add("file", left, right, file.parsed.language, number)


def _opening(lines: Sequence[str]) -> str:
    """Return the first wordy line of a file's head that speaks of the file, "" without one."""
    for line in lines[:12]:
        plain = line.strip("/*#\"'-; \t!")
        if _WORDY.match(plain) and not re.search(r"licen[sc]e|copyright|rights", plain, re.I):
            return plain
    return ""


def _mine_prose(mined: Mined, prose: Iterable[str], bodies: _Bodies) -> None:
    for text in prose:
        for paragraph in re.split(r"\n\s*\n", text):
            if len(paragraph) > 1500 or not _WORDY.search(paragraph):
                continue
            for name, found in _named(paragraph, bodies):
                number, symbol = found
                left = split_identifiers(paragraph.replace(name, " "))[:80]
                body = bodies.words(number, symbol)
                mined.add("docs", left, body, symbol.language, number)


def _named(paragraph: str, bodies: _Bodies) -> Iterator[tuple[str, tuple[int, Symbol]]]:
    for name in list(dict.fromkeys(_BACKTICKED.findall(paragraph)))[:2]:
        found = bodies.only(re.split(r"[.:#]+", name.rstrip(".:#"))[-1])
        if found is not None:
            yield name, found
