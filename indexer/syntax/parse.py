"""One file's bytes -> everything the index wants to know about it; pure."""

from __future__ import annotations

import functools
import hashlib
import importlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import GRAMMARS, has_grammar, language_of, query_text
from homespun.indexer.scan import skip
from homespun.indexer.scan.decode import SNIFF_BYTES, decode
from homespun.indexer.secrets import mask
from homespun.indexer.syntax import preprocess
from homespun.indexer.syntax.budget import Budget, TooSlow
from homespun.indexer.syntax.captures import Match
from homespun.indexer.syntax.chunks import chunk_file
from homespun.indexer.syntax.symbols import Extracted, extract
from homespun.indexer.types import ParsedFile, Skipped

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Point, Query, Tree

# Processor time for tree, queries and chunks: a file of 1 MB takes 0.5 s. What takes longer is
# rubble or made for it (and takes 300 MB of memory a second): it is cut by lines, without a tree.
FILE_SECONDS = 0.7
_CALLS_A_LOOK = 16  # of the parser, tens of microseconds each
_READ_BYTES = 1024  # small: the predicates of the queries ask for single words through it
# Above this share of masked characters a text file is nothing but a secret.
_MAX_SECRET_SHARE = 0.5

# The query cursor looks at all siblings of each child of an error: 40,000 of them take 3 s.
_MAX_ERROR_PARTS = 8_000
_MAX_BROKEN_NODES = 50_000
# The scanner of this grammar looks for a line end behind an annotation and not for the end of the
# file (tree-sitter-kotlin 1.1.0): without one it looks for ever, and nobody can stop it.
_READ_TO_THE_LINE_END = frozenset({"kotlin"})
# Open `<` in one expression: C# takes 75 MB for 2,000, 1.2 GB for 12,000, and cannot be stopped.
_MAX_OPEN_GENERICS = 2_000
_GENERICS_END = re.compile(rb"[>;{}]")
# Each level of an endless chain of calls keeps patterns open: 8,000 levels take 7 s, 1,000 60 ms.
_MAX_DEPTH = 1_000
# Nobody else runs while a query does: larger trees are asked piece by piece.
_MAX_NODES_AT_ONCE = 30_000
# Below one node, other than the file: no list of imports or members is as long, and a query takes
# all that stands in one at once.
_MAX_PARTS = 20_000
# Text is masked in slices for the same reason; a secret that begins in one ends in what follows it.
_SLICE_CHARS = 40_000
_OVERLAP_CHARS = 21_000  # a private key is looked for in 20,000

_NOTHING = Extracted((), (), (), (), frozenset(), frozenset())
_parsers = threading.local()


@dataclass(frozen=True, slots=True)
class Readable:
    """A file's text: LF line ends, secrets masked."""

    language: str
    text: str
    is_generated: bool  # code is written against it, but nobody writes it


def parse_file(path: str, source: bytes, config: IndexConfig) -> ParsedFile | Skipped:
    """Return chunks, symbols, imports and calls of a file, or why it is not indexed.

    `path` is relative to the repository, with "/". Syntax errors are no reason to skip: what the
    parser recovers is taken, and `partial` says so. Of a generated file that code is written
    against (stubs, messages) there are only symbols and imports.
    """
    found = readable(path, source, config)
    if isinstance(found, Skipped):
        return found
    content_hash = hashlib.sha256(source).hexdigest()
    parsed = _parsed(path, found.language, content_hash, found.text, config)
    return _names_only(parsed) if found.is_generated else parsed


def readable(path: str, source: bytes, config: IndexConfig) -> Readable | Skipped:
    """Return a file's text as everything after this point may see it, or why it is left out."""
    if len(source) > config.max_file_bytes:
        return Skipped("too-large")
    if skip.reason_by_name(path) == "secret":
        return Skipped("secret")
    decoded = decode(source)
    if isinstance(decoded, Skipped):
        return decoded
    language = language_of(path, source[:SNIFF_BYTES])
    reason = skip.reason_by_content(language, decoded)
    is_generated = reason == "generated" or (reason is None and skip.is_generated_name(path))
    if is_generated and not skip.may_give_names(language, decoded):
        return Skipped("generated")
    if reason is not None and not is_generated:
        return Skipped(reason)
    text = _masked(decoded, language)
    if not has_grammar(language) and mask.masked_share(decoded, text) > _MAX_SECRET_SHARE:
        return Skipped("secret")
    return Readable(language, text, is_generated)


def _masked(text: str, language: str) -> str:
    """Mask the secrets of a long text in slices of whole lines, so that others run in between."""
    done = []
    behind = ""  # the end of the slice before: a secret may go on in the next
    start = 0
    while len(text) - start > _SLICE_CHARS:
        end = text.find("\n", start + _SLICE_CHARS) + 1 or len(text)
        masked = mask.mask(behind + text[start:end], language)
        cut = masked.rfind("\n", 0, max(0, len(masked) - _OVERLAP_CHARS)) + 1
        done.append(masked[:cut])
        behind, start = masked[cut:], end
    return "".join([*done, mask.mask(behind + text[start:], language)])


def syntax_tree(language: str, source: bytes, budget: Budget | None = None) -> Tree | None:
    """Return the syntax tree of UTF-8 text; None without a grammar, or when it takes too long.

    Safe to call from several threads: each has its own parsers.
    """
    budget = budget or Budget(FILE_SECONDS)
    if not has_grammar(language) or _has_endless_generics(language, source):
        return None
    source = preprocess.blanked(language, source)
    if language in _READ_TO_THE_LINE_END and not source.endswith(b"\n"):
        source += b"\n"

    asked = 0
    late = False

    def is_late(offset: int = 0, has_error: bool = False) -> bool:
        nonlocal asked, late
        asked += 1
        late = late or (asked % _CALLS_A_LOOK == 0 and budget.is_over())
        return late

    def read(offset: int, point: Point) -> bytes:
        # A comment without an end is read to the end of the file before anybody is asked. Here the
        # file ends when the time does, and it ends with a line end, too.
        was_late = late
        if is_late():
            return b"" if was_late else b"\n"
        return source[offset : offset + _READ_BYTES]

    parser = _parser(language)
    try:
        tree: Tree | None = parser.parse(read, progress_callback=is_late)
    except ValueError:  # "Parsing failed": the callback stopped it
        tree = None
    if tree is None or late:
        parser.reset()
        return None
    return tree


@functools.cache
def grammar(language: str) -> Language:
    """Return a language's grammar, for queries of one's own."""
    from tree_sitter import Language

    module, function = GRAMMARS[language]
    return Language(getattr(importlib.import_module(module), function)())


def _parsed(
    path: str, language: str, content_hash: str, text: str, config: IndexConfig
) -> ParsedFile:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line's end is no line
    source = text.encode("utf-8", "replace")
    cut = functools.partial(
        chunk_file,
        path=path,
        language=language,
        lines=lines,
        target=config.chunk_chars,
        ends_with_newline=text.endswith("\n"),
    )
    budget = Budget(FILE_SECONDS)
    tree = syntax_tree(language, source, budget)
    found = _NOTHING
    try:
        if tree is not None and (_is_rubble(tree) or _holds_a_table(tree, budget)):
            tree = None
        if tree is not None:
            matches = _matches(language, tree, budget)
            found = extract(
                matches, path=path, language=language, source=source, lines=lines, budget=budget
            )
        chunks = cut(
            root=tree.root_node if tree is not None else None,
            definitions=found.definitions,
            lead_rows=found.lead_rows,
            symbols=found.symbols + found.scopes,
            budget=budget,
        )
    except TooSlow:
        tree, found = None, _NOTHING
        chunks = cut()
    return ParsedFile(
        path=path,
        language=language,
        content_hash=content_hash,
        chunks=chunks,
        symbols=found.symbols,
        imports=found.imports,
        calls=found.calls,
        partial=tree.root_node.has_error if tree is not None else has_grammar(language),
    )


def _names_only(parsed: ParsedFile) -> ParsedFile | Skipped:
    """Keep what a generated file defines: code is written against it, but nobody reads it."""
    if not parsed.symbols:
        return Skipped("generated")
    return replace(parsed, chunks=(), calls=())


def _has_endless_generics(language: str, source: bytes) -> bool:
    """Tell whether `a<b<c<…` would take gigabytes: each open one keeps all readings alive."""
    if language not in ("cpp", "csharp", "java"):
        return False
    return any(part.count(b"<") > _MAX_OPEN_GENERICS for part in _GENERICS_END.split(source))


def _is_rubble(tree: Tree) -> bool:
    """Tell whether errors cover so much that queries would take minutes (quadratic time)."""
    pending = [tree.root_node] if tree.root_node.has_error else []
    visited = 0
    while pending:
        node = pending.pop()
        visited += 1
        if visited > _MAX_BROKEN_NODES or (node.is_error and node.child_count > _MAX_ERROR_PARTS):
            return True
        if node.child_count <= _MAX_BROKEN_NODES:
            pending.extend(child for child in node.children if child.has_error)
    return False


def _holds_a_table(tree: Tree, budget: Budget) -> bool:
    """Tell whether a statement has so many parts that one query would take seconds."""
    pending = [tree.root_node] if tree.root_node.descendant_count > _MAX_NODES_AT_ONCE else []
    while pending:
        for node in budget.paced(_children(pending.pop())):
            if node.descendant_count > _MAX_PARTS:
                if node.child_count > _MAX_PARTS:
                    return True
                pending.append(node)
    return False


def _children(node: Node) -> Iterator[Node]:
    """Yield the children one by one; a list of a million is made while nobody else runs."""
    cursor = node.walk()
    more = cursor.goto_first_child()
    while more:
        if cursor.node is not None:
            yield cursor.node
        more = cursor.goto_next_sibling()


def _matches(language: str, tree: Tree, budget: Budget) -> Iterator[Match]:
    """Yield what the language's query finds, in the order of the source."""
    from tree_sitter import QueryCursor

    cursor = QueryCursor(_query(language))
    cursor.set_max_start_depth(_MAX_DEPTH)
    root = tree.root_node
    if root.descendant_count <= _MAX_NODES_AT_ONCE:
        yield from cursor.matches(root)
        return
    step = 1 + root.end_byte * _MAX_NODES_AT_ONCE // root.descendant_count
    for start in range(0, root.end_byte + 1, step):
        budget.check()
        cursor.set_byte_range(start, start + step)
        for match in cursor.matches(root):
            # What reaches over several pieces is found in each, and counts where it begins.
            if start <= _begin(match) < start + step:
                yield match


def _begin(match: Match) -> int:
    return min(node.start_byte for nodes in match[1].values() for node in nodes)


def _parser(language: str) -> Parser:
    known: dict[str, Parser] = _parsers.__dict__
    if language not in known:
        from tree_sitter import Parser

        known[language] = Parser(grammar(language))
    return known[language]


@functools.cache
def _query(language: str) -> Query:
    from tree_sitter import Query

    return Query(grammar(language), query_text(language))
