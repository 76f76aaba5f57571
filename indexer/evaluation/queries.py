"""Query files: what is asked of the search, and which places answer it.

A file is a JSON list of `{"query", "category", "relevant": [target, …], "secondary": [target, …]}`;
a target is a path or `{"path", "start_line", "end_line"}`, and matches every file whose path ends
with its own. "category" and "secondary" may be left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from homespun.errors import in_words
from homespun.indexer.errors import BadQueries
from homespun.parsing import parse_json

_NO_CATEGORY = "all"
_ID_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Target:
    """A place that answers a query; without lines the whole file does."""

    path: str  # with "/", below the repository's root
    start_line: int = 1
    end_line: int | None = None  # inclusive; None = to the end

    def is_in(self, path: str) -> bool:
        """Say whether a file is the target's: "b/c.py" ends with "c.py", "bc.py" does not."""
        return f"/{path}".endswith(f"/{self.path}")

    def overlaps(self, start_line: int, end_line: int) -> bool:
        """Say whether lines (1-based, inclusive) touch the target's."""
        return start_line <= (self.end_line or end_line) and self.start_line <= end_line


@dataclass(frozen=True, slots=True)
class Query:
    """A question and its targets, relevant ones first; all count the same."""

    text: str
    category: str
    targets: tuple[Target, ...]

    @property
    def id(self) -> str:
        """Return the same short name for the same question with the same answers, in any file."""
        targets = [[target.path, target.start_line, target.end_line] for target in self.targets]
        body = json.dumps([self.text, sorted(targets, key=str)])
        return hashlib.sha256(body.encode()).hexdigest()[:_ID_CHARACTERS]


def load(path: Path) -> tuple[Query, ...]:
    """Read a query file. Raises `BadQueries`, with the number of the entry (from 1)."""
    try:
        entries = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadQueries(
            f"the queries {str(path)!r} cannot be read as JSON: {in_words(error)}"
        ) from error
    if not isinstance(entries, list) or not entries:
        raise BadQueries(
            f'{str(path)!r} holds no list of queries; it wants [{{"query": …, "relevant": […]}}, …]'
        )
    known: dict[str, int] = {}
    queries = []
    for number, entry in enumerate(entries, start=1):
        query = _query(entry, f"entry {number} of {str(path)!r}")
        if query.id in known:
            raise BadQueries(
                f"entry {number} of {str(path)!r} repeats entry {known[query.id]} "
                f"({query.text!r}); leave one of them out"
            )
        known[query.id] = number
        queries.append(query)
    return tuple(queries)


def _query(entry: object, where: str) -> Query:
    if not isinstance(entry, dict):
        raise BadQueries(f'{where} is {entry!r}; it wants an object with "query" and "relevant"')
    text, category = entry.get("query"), entry.get("category", _NO_CATEGORY)
    if not isinstance(text, str) or not text.strip():
        raise BadQueries(f'{where} has the query {text!r}; give a text in "query"')
    if not isinstance(category, str) or not category:
        raise BadQueries(f"{where} has the category {category!r}; give a word or leave it out")
    relevant = _targets(entry.get("relevant"), "relevant", where)
    if not relevant:
        raise BadQueries(f'{where} has no target; "relevant" wants at least one path')
    secondary = _targets(entry.get("secondary", []), "secondary", where)
    return Query(text, category, tuple(dict.fromkeys([*relevant, *secondary])))


def _targets(raw: object, name: str, where: str) -> list[Target]:
    if not isinstance(raw, list):
        raise BadQueries(f'{where} has {raw!r} as "{name}"; it wants a list of paths')
    return [_target(target, name, where) for target in raw]


def _target(raw: object, name: str, where: str) -> Target:
    body: dict[str, object] = raw if isinstance(raw, dict) else {"path": raw}
    path, first, last = body.get("path"), body.get("start_line", 1), body.get("end_line")
    if not isinstance(path, str) or not _plain(path):
        raise BadQueries(
            f'{where} names {raw!r} in "{name}"; a target is a path or an object with "path"'
        )
    if isinstance(first, int) and 1 <= first:
        if last is None:
            return Target(_plain(path), first)
        if isinstance(last, int) and first <= last:
            return Target(_plain(path), first, last)
    raise BadQueries(
        f'{where} gives {path!r} the lines {first!r} to {last!r}; "start_line" and "end_line" '
        "count from 1, the last one included"
    )


def _plain(path: str) -> str:
    r"""Return the path as the index writes it: `.\src\a.py` is `src/a.py`."""
    return path.replace("\\", "/").removeprefix("./").strip("/")
