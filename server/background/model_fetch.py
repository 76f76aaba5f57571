"""Fetches the model when the user says so in the editor: the same download as on a command line."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from homespun.errors import HomespunError
from homespun.models.errors import UnknownModel
from homespun.models.types import Progress
from homespun.server.background.counted_progress import CountedProgress
from homespun.server.background.status import FETCH_COMMAND, Fix, Status
from homespun.server.lsp.client import Client

logger = logging.getLogger(__name__)

AGAIN = Fix("Try again", FETCH_COMMAND)


class FetchesModel(Protocol):
    """`homespun.models.download.fetch.fetch`, or a stand-in."""

    def __call__(self, name: str, progress: Progress | None) -> Path:
        """Bring the verified files of a catalogue model to this machine."""


class _FetchClosed(Exception):
    """The server ends in the middle of a download; what has arrived is kept."""


class _UntilClosed:
    """Passes progress on, and breaks the work off at the end of the server.

    The source that is under way then lets go of its connection, or ends its child process.
    """

    def __init__(self, inner: Progress, closing: Callable[[], bool]) -> None:
        self._inner = inner
        self._closing = closing

    def start(self, stage: str, total: int, unit: str) -> None:
        """Begin a stage."""
        self._go_on()
        self._inner.start(stage, total, unit)

    def advance(self, n: int) -> None:
        """Count."""
        self._go_on()
        self._inner.advance(n)

    def finish(self) -> None:
        """End the stage."""
        self._inner.finish()

    def _go_on(self) -> None:
        if self._closing():
            raise _FetchClosed


class ModelFetch:
    """At most one download, on a thread of its own."""

    def __init__(
        self,
        fetch: FetchesModel,
        client: Client,
        *,
        changed: Callable[[], None],
        fetched: Callable[[], None],
    ) -> None:
        """Call `changed` on every news and `fetched` when a model is here, on that thread."""
        self._fetch = fetch
        self._client = client
        self._changed = changed
        self._fetched = fetched
        self._name = ""
        self._status: Status | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    def begin(self, name: str) -> None:
        """Fetch a model, unless one is being fetched; to be called on the event loop."""
        if self.busy() or self._closing:
            return
        self._name = name
        self._status = Status("loading model", f"fetching {name}", percent=0)
        self._thread = threading.Thread(target=self._run, name="homespun-fetch", daemon=True)
        self._thread.start()
        self._changed()

    def status_of(self, name: str) -> Status | None:
        """Return how the fetching of a model goes or went wrong; None where it is done or none."""
        return self._status if name == self._name else None

    def close(self) -> None:
        """Break the download off with the next bytes."""
        self._closing = True

    def busy(self) -> bool:
        """Say whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        name = self._name
        bar = self._client.progress(f"homespun: fetching {name}")
        progress = CountedProgress(_UntilClosed(bar, lambda: self._closing), self._tell)
        try:
            self._fetch(name, progress)
        except _FetchClosed:
            logger.info("fetching %s stops; what has arrived is kept", name)
        except (HomespunError, OSError) as error:
            self._fail(str(error), None if isinstance(error, UnknownModel) else AGAIN)
        except Exception as error:
            logger.error("fetching %r failed: %s", name, error, exc_info=error)
            self._fail(f"fetching the model {name!r} failed: {error!r}; see the log", AGAIN)
        else:
            self._fetched()  # before the status goes: in between it would be "missing" again
            self._status = None
            self._changed()
        finally:
            progress.finish()

    def _tell(self, stage: str, percent: int | None) -> None:
        self._status = Status("loading model", f"fetching {self._name}: {stage}", percent)
        self._changed()

    def _fail(self, sentence: str, fix: Fix | None) -> None:
        self._status = Status("problem", sentence, fix=fix)
        self._client.say_problem(sentence)
        self._changed()
