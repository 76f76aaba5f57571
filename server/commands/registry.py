"""What `workspace/executeCommand` answers: every command, its handler, and how faults end.

A handler takes the server and the client's positional arguments, whatever they are; it gives
defaults to all of them, ignores what is too many, and answers JSON.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from homespun.server.acceptance.figures import MAX_DAYS, figures
from homespun.server.app import HomespunServer
from homespun.server.background.pause import minutes_of
from homespun.server.background.status import (
    FETCH_COMMAND,
    REINDEX_COMMAND,
    RESUME_COMMAND,
    STAY_HERE_COMMAND,
)
from homespun.server.commands import inspect as inspection
from homespun.server.requests.request import ACCEPTED_COMMAND, DISMISSED_COMMAND

logger = logging.getLogger(__name__)

Handler = Callable[..., object]  # (server, *arguments) -> JSON, or a coroutine of it


def register(command: Callable[[str], Callable[[Handler], Handler]]) -> None:
    """Register all commands with the server's decorator."""
    for name, handler in COMMANDS.items():
        command(name)(_guarded(name, handler))


def _accepted(ls: HomespunServer, suggestion_id: object = "", *_: object) -> None:
    ls.suggestions.accepted(str(suggestion_id))


def _dismissed(
    ls: HomespunServer, suggestion_id: object = "", uri: object = "", *_: object
) -> None:
    """Note that a suggestion was taken away: one by its id, else the one a document shows."""
    ls.inline.dismissed(str(suggestion_id), str(uri))


def _reindex(ls: HomespunServer, *_: object) -> None:
    ls.backend.rebuild()


def _status(ls: HomespunServer, *_: object) -> dict[str, object]:
    """Return the state, and why the last request gave what it gave."""
    inline = ls.inline
    last = {
        "finish": inline.last_finish,
        "adapter": inline.last.adapter,
        "timings_ms": inline.last.timings_ms,
        "tokens": inline.last.tokens,
        "probability": inline.last.probability,
        "recalled": bool(inline.last.tokens.get("recalled")),
    }
    counts = {
        "answered": inline.answered,
        "recalled": inline.from_cache,
        "prepared": inline.prefetch.prepared,
    }
    return ls.backend.describe() | {"last": last} | counts


async def _acceptance(
    ls: HomespunServer, since_days: object = None, *_: object
) -> dict[str, object]:
    """Return what became of the suggestions, of the last days where a number is given."""
    ls.outcomes.settle()
    days = None
    if isinstance(since_days, int | float) and 0 < since_days < MAX_DAYS:
        days = since_days
    pending = ls.outcomes.pending()
    await asyncio.to_thread(ls.outcomes.log.flush)
    return await asyncio.to_thread(figures, since_days=days, pending=pending)


def _pause(ls: HomespunServer, minutes: object = None, *_: object) -> dict[str, object]:
    """Complete nothing for some minutes, or until resumed; return the status."""
    try:
        ls.backend.pause.begin(minutes_of(minutes))
    except ValueError as error:
        return ls.backend.describe() | {"message": str(error)}
    return ls.backend.describe()


def _resume(ls: HomespunServer, *_: object) -> dict[str, object]:
    ls.backend.pause.end()
    return ls.backend.describe()


def _stay_here(ls: HomespunServer, *_: object) -> dict[str, object]:
    """Send nothing to a server any more; return the status."""
    ls.backend.remote.stay_here()
    for folder in ls.backend.folders():
        if folder.index is not None:
            folder.index.stay_here()
    return ls.backend.describe()


def _fetch_model(ls: HomespunServer, *_: object) -> dict[str, object]:
    """Begin to fetch the model; return the status."""
    ls.backend.fetch_model()
    return ls.backend.describe()


COMMANDS: dict[str, Handler] = {
    ACCEPTED_COMMAND: _accepted,
    DISMISSED_COMMAND: _dismissed,
    "homespun.showSources": inspection.show_sources,
    "homespun.why": inspection.why,
    "homespun.search": inspection.search,
    "homespun.adapters": inspection.adapters,
    "homespun.report": inspection.report,
    REINDEX_COMMAND: _reindex,
    "homespun.status": _status,
    "homespun.pause": _pause,
    RESUME_COMMAND: _resume,
    STAY_HERE_COMMAND: _stay_here,
    FETCH_COMMAND: _fetch_model,
    "homespun.acceptance": _acceptance,
}


def _guarded(name: str, handler: Handler) -> Handler:
    """Wrap a handler: what goes wrong is logged here, and the client is told in one sentence.

    The types say `Any`, so that pygls, which converts arguments to the handler's types, leaves
    them as they came.
    """

    def failed(error: Exception) -> dict[str, str]:
        logger.error("the command %s failed: %s", name, error, exc_info=error)
        return {"message": f"{name} failed ({type(error).__name__}); the log says more"}

    async def wait(ls: Any, *arguments: Any) -> object:  # noqa: ANN401
        try:
            answer: Awaitable[object] = handler(ls, *arguments)  # type: ignore[assignment]
            return await answer
        except Exception as error:
            return failed(error)

    def call(ls: Any, *arguments: Any) -> object:  # noqa: ANN401
        try:
            return handler(ls, *arguments)
        except Exception as error:
            return failed(error)

    return wait if inspect.iscoroutinefunction(handler) else call
