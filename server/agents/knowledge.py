"""What the index knows, in the answers that an agent is given: where code is and what is like it.

No answer reads a file that is not in the index, and none shows a secret: lines come from the index
or through `SourceLines`, which mask them.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from homespun.indexer.index import Index
from homespun.indexer.types import Hit, Region, Symbol
from homespun.server.agents.places import CodePlace, Findings, cut_all, first_lines, shown_of
from homespun.server.analysis.source_lines import SourceLines
from homespun.server.errors import ArgumentRefused

DEFAULT_TOP_K = 5
MAX_TOP_K = 50
DEFAULT_SNIPPET_LINES = 10
MAX_SNIPPET_LINES = 100
_MAX_DEFINITIONS = 20
_MAX_USAGES = 60
_WITH_BODY = 3  # definitions that are shown with lines; of more, the heads
_MAX_WINDOW_LINES = 80  # a definition that is longer is no question
_AROUND_LINES = 12
_ALL_LINES = 10**9


class Knowledge:
    """Answers of one folder's index, as the index stands."""

    def __init__(self, root: Path, index: Index) -> None:
        """`root` is the folder as it was named."""
        self._root = root
        self._index = index
        self._source = SourceLines(index.root)

    def search(
        self,
        query: str,
        *,
        top_k: int = DEFAULT_TOP_K,
        max_snippet_lines: int = DEFAULT_SNIPPET_LINES,
        language: str | None = None,
        glob: str | None = None,
    ) -> Findings:
        """Return the best places for a question, a name, a path or a piece of code."""
        hits = self._index.search(query, limit=top_k, language=language, glob=glob)
        places = _places(hits, max_snippet_lines)
        note = self._index.why_not_dense()
        return Findings(
            _counted(len(places), "place", "the best first") + _among(language, glob),
            places,
            (note,) if note else (),
            {"query": query},
        )

    def related(
        self,
        file: str,
        line: int,
        *,
        top_k: int = DEFAULT_TOP_K,
        max_snippet_lines: int = DEFAULT_SNIPPET_LINES,
    ) -> Findings:
        """Return code elsewhere that is like the definition around a line. Raises."""
        path = self.path_of(file)
        lines = self._source.lines(path, 1, _ALL_LINES)
        if lines and not lines[-1]:  # behind the last line's end
            lines.pop()
        if not lines:
            raise ArgumentRefused(f"{path!r} has no lines that can be read now; ask for another")
        if line > len(lines):
            raise ArgumentRefused(
                f"line {line} is behind the end of {path!r}; give 1 to {len(lines)}"
            )
        start, end, name = self._around(path, line, len(lines))
        hits = self._index.similar(
            "\n".join(lines[start - 1 : end]),
            limit=top_k,
            exclude=(Region(path, start, end),),
            focus=line - start,
        )
        places = _places(hits, max_snippet_lines)
        asked = f"{path}:{start}-{end}" + (f" ({name})" if name else "")
        return Findings(
            f"{_counted(len(places), 'place', 'the most alike first')} like {asked}",
            places,
            more={"file": path, "line": line, "start_line": start, "end_line": end},
        )

    def definition(self, name: str) -> Findings:
        """Return where a name, or a dotted name, is defined."""
        found = self._index.definitions(_plain(name))
        found.sort(key=lambda symbol: ("test" in symbol.path, symbol.path, symbol.start_line))
        shown = found[:_MAX_DEFINITIONS]
        body_lines = DEFAULT_SNIPPET_LINES if len(shown) <= _WITH_BODY else 0
        places = tuple(self._definition(symbol, body_lines) for symbol in shown)
        return Findings(
            _counted(len(found), "definition", "") + f" of {name!r}" + shown_of(shown, found),
            places,
            () if found else (f"search({name!r}) finds what reads alike",),
            {"name": name, "count": len(found)},
        )

    def usages(self, name: str) -> Findings:
        """Return calls and imports of a name, whoever it belongs to."""
        last = _plain(name).replace("::", ".").replace("#", ".").rsplit(".", 1)[-1]
        found = [(path, line, "call") for path, line in self._index.calls_of(last)]
        found += self._imports_of(last)
        found.sort(key=lambda use: (use[2], "test" in use[0], use))
        shown = found[:_MAX_USAGES]
        places = tuple(
            CodePlace(
                path,
                line,
                line,
                kind=kind,
                lines=cut_all(text.strip() for text in self._source.lines(path, line, line)),
            )
            for path, line, kind in shown
        )
        files = len({path for path, _, _ in found})
        kinds = Counter(kind for _, _, kind in found)
        said = ", ".join(f"{count} {kind}s" for kind, count in sorted(kinds.items()))
        headline = f"{_counted(len(found), 'usage', said)} of {last!r} in {files} files"
        notes = ["by name alone: a method of the same name of another class counts, too"]
        return Findings(
            headline + shown_of(shown, found),
            places,
            tuple(notes) if found else (),
            {"name": last, "count": len(found)},
        )

    def path_of(self, file: str) -> str:
        """Return an indexed file's path in the folder. Raises `ArgumentRefused`.

        A path that leads out of the folder is refused by its letters: nothing is looked up for it.
        """
        given = file.replace("\\", "/") if "\\" in file and "/" not in file else file
        for root in (self._root.absolute().as_posix(), self._index.root.as_posix()):
            if given.startswith(root + "/"):
                given = given[len(root) + 1 :]
        path = posixpath.normpath(given)
        if path.startswith(("/", "../")) or path == ".." or Path(given).is_absolute():
            raise ArgumentRefused(
                f"{file!r} is outside of the folder {str(self._index.root)!r}; give a path in it"
            )
        if path not in self._index.paths():
            raise ArgumentRefused(
                f"{file!r} is not in the index: not there, ignored, a link, binary or too large; "
                "give a path as the other tools return it"
            )
        return path

    def _around(self, path: str, line: int, count: int) -> tuple[int, int, str]:
        """Return first line, last line and name of the innermost definition around a line."""
        inside = [
            symbol
            for symbol in self._index.symbols_in(path)
            if symbol.start_line <= line <= symbol.end_line
            and 0 < symbol.end_line - symbol.start_line < _MAX_WINDOW_LINES
        ]
        if inside:
            nearest = min(inside, key=lambda symbol: symbol.end_line - symbol.start_line)
            return nearest.start_line, min(nearest.end_line, count), nearest.qualified
        return max(1, line - _AROUND_LINES), min(count, line + _AROUND_LINES), ""

    def _definition(self, symbol: Symbol, body_lines: int) -> CodePlace:
        last = min(symbol.end_line, symbol.start_line + body_lines - 1)
        lines = self._source.lines(symbol.path, symbol.start_line, last) if body_lines else []
        note = "" if lines else "\n".join(part for part in (symbol.signature, symbol.doc) if part)
        return CodePlace(
            symbol.path,
            symbol.start_line,
            symbol.end_line,
            symbol.qualified,
            symbol.kind,
            note=note,
            lines=cut_all(lines),
        )

    def _imports_of(self, name: str) -> list[tuple[str, int, str]]:
        return [
            (path, imported.line, "import")
            for path in self._index.paths()
            for imported in self._index.imports(path)
            if name == imported.name
        ]


def _places(hits: Sequence[Hit], max_snippet_lines: int) -> tuple[CodePlace, ...]:
    return tuple(
        CodePlace(
            hit.path,
            hit.start_line,
            hit.end_line,
            hit.symbol,
            hit.kind,
            score=hit.score,
            lines=first_lines(hit.text, max_snippet_lines),
        )
        for hit in hits
    )


def _plain(name: str) -> str:
    return name.strip().removesuffix("()").replace("->", ".")


def _counted(count: int, what: str, order: str) -> str:
    if not count:
        return f"no {what}"
    several = "" if count == 1 else "s"
    return f"{count:,} {what}{several}" + (f", {order}" if order else "")


def _among(language: str | None, glob: str | None) -> str:
    filters = [f"language {language!r}"] if language else []
    filters += [f"paths like {glob!r}"] if glob else []
    return f" ({', '.join(filters)})" if filters else ""
