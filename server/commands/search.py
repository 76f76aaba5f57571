"""`homespun.search`: the hybrid search of the repository, for an editor's quick pick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.indexer.errors import IndexerError
from homespun.indexer.types import Hit
from homespun.server.commands.previews import uri_of

if TYPE_CHECKING:
    from homespun.indexer.index import Index

DEFAULT_LIMIT = 20
MAX_HITS = 200


@dataclass(frozen=True, slots=True)
class Searched:
    """A folder to search; `index` None = not now, `message` says why."""

    root: Path
    index: Index | None
    message: str = ""  # with an index: what its hits may lack


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question and its filters."""

    query: str
    limit: int = DEFAULT_LIMIT
    language: str | None = None
    glob: str | None = None


class _WrongArgument(Exception):
    """An argument of the command that cannot be used; the text is the sentence."""


def answer(query: object, options: object, folders: Sequence[Searched]) -> dict[str, object]:
    """Return the answer of the command: hits of all folders, the best first.

    Searching takes some milliseconds, so not on the event loop.
    """
    try:
        wanted = _wanted(query, options)
    except _WrongArgument as wrong:
        return _answered([], str(wrong))
    if not folders:
        return _answered([], "no folder is open, so there is nothing to search; open one")
    found: list[tuple[Hit, Path]] = []
    messages: list[str] = []
    for folder in folders:
        try:
            found += [(hit, folder.root) for hit in _hits(folder, wanted)]
        except IndexerError as error:
            messages.append(str(error))
        if folder.message:
            messages.append(folder.message)
    found.sort(key=lambda pair: -pair[0].score)
    hits = [hit.to_json() | {"uri": uri_of(root, hit.path)} for hit, root in found[: wanted.limit]]
    if not hits and not messages:
        messages.append(f"nothing in the repository is like {wanted.query!r}")
    return _answered(hits, "; ".join(messages))


def asked_for(options: object) -> str:
    """Return the URI of the document whose folder is to be searched, "" = all folders."""
    uri = options.get("uri") if isinstance(options, Mapping) else None
    return uri if isinstance(uri, str) else ""


def _hits(folder: Searched, wanted: Wanted) -> list[Hit]:
    if folder.index is None:
        return []
    return folder.index.search(
        wanted.query, limit=wanted.limit, language=wanted.language, glob=wanted.glob
    )


def _answered(hits: list[dict[str, object]], message: str) -> dict[str, object]:
    return {"hits": hits, "message": message}


def _wanted(query: object, options: object) -> Wanted:
    if not isinstance(query, str) or not query.strip():
        raise _WrongArgument("the query is empty; give a question, a name, a path or some code")
    if options is None:
        return Wanted(query)
    if not isinstance(options, Mapping):
        raise _WrongArgument(f"the options of a search are {options!r}; give an object, or nothing")
    limit = options.get("limit", DEFAULT_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_HITS:
        raise _WrongArgument(f"limit is {limit!r}; give a number from 1 to {MAX_HITS}")
    return Wanted(query, limit, _text(options, "language"), _text(options, "path"))


def _text(options: Mapping[str, object], name: str) -> str | None:
    value = options.get(name)
    if not isinstance(value, str | None):
        raise _WrongArgument(f"{name} is {value!r}; give a string, or leave it out")
    return value or None
