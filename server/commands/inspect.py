"""The commands with which a person looks behind the ghost text: sources, why, search, adapters.

They read files, so the work is done on a thread of the pool; the event loop and the thread of the
completions are left alone.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from homespun.server.acceptance.suggestions import KEPT_SUGGESTIONS
from homespun.server.app import HomespunServer
from homespun.server.background.backend import Folder
from homespun.server.commands import adapters as adapters_answer
from homespun.server.commands import search as searching
from homespun.server.commands.previews import described
from homespun.server.commands.search import Searched
from homespun.server.commands.why import unknown
from homespun.server.commands.why import why as explained


async def show_sources(
    ls: HomespunServer, suggestion_id: object = None, *_: object
) -> list[dict[str, object]]:
    """Return the sources of a suggestion, of the last one where none is named."""
    if suggestion_id is None:
        suggestion = ls.suggestions.last()
    else:
        suggestion = ls.suggestions.get(str(suggestion_id))
    if suggestion is None:
        return []
    root = _root_of(ls, suggestion.uri)
    return await asyncio.to_thread(described, suggestion.completion.places, root)


async def why(ls: HomespunServer, suggestion_id: object = None, *_: object) -> dict[str, object]:
    """Return what shaped a suggestion, or the last request's answer, or why it was none."""
    if suggestion_id is None:
        uri, completion = ls.inline.last_arrival.uri, ls.inline.last
    else:
        suggestion = ls.suggestions.get(str(suggestion_id))
        if suggestion is None:
            return unknown(str(suggestion_id), kept=KEPT_SUGGESTIONS)
        uri, completion = suggestion.uri, suggestion.completion
    return await asyncio.to_thread(explained, completion, _root_of(ls, uri))


async def search(
    ls: HomespunServer, query: object = None, options: object = None, *_: object
) -> dict[str, object]:
    """Return the lines of the repository that answer a query."""
    folder = ls.backend.folder_of(searching.asked_for(options))
    folders = ls.backend.folders() if folder is None else [folder]
    return await asyncio.to_thread(searching.answer, query, options, [*map(_searched, folders)])


async def adapters(ls: HomespunServer, *_: object) -> dict[str, object]:
    """Return the adapters that can be chosen, and which one serves."""
    roots = _roots(ls)
    generator = ls.backend.model.generator
    serving = generator.adapter if generator is not None else ""
    first = roots[0] if roots else None
    return await asyncio.to_thread(
        adapters_answer.adapters, first, ls.backend.options, serving=serving
    )


async def report(ls: HomespunServer, *_: object) -> dict[str, object]:
    """Return where the report of the newest training is."""
    return await asyncio.to_thread(adapters_answer.report, _roots(ls))


def _roots(ls: HomespunServer) -> list[Path]:
    return [folder.root.path for folder in ls.backend.folders()]


def _root_of(ls: HomespunServer, document_uri: str) -> Path | None:
    folder = ls.backend.folder_of(document_uri)
    return folder.root.path if folder is not None else None


def _searched(folder: Folder) -> Searched:
    """Return what can be searched of a folder right now."""
    root, index = folder.root.path, folder.index
    if index is None:
        return Searched(root, None, folder.message)
    if index.index is None:
        why = index.status.message or "it is being opened"
        return Searched(root, None, f"the index of {str(root)!r} is not ready: {why}")
    if index.status.state == "indexing":
        unfinished = f"{str(root)!r} is still being indexed, so a hit may be missing"
        return Searched(root, index.index, unfinished)
    return Searched(root, index.index, index.status.message)
