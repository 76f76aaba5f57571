"""What the model "auto" stands for: found out in the background at the first start, then told.

The machine is timed only where that was not kept; until the name is known no model is loaded. Then
it is looked at now and again: while it runs on battery or under load, the smaller model serves.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from lsprotocol import types as lsp

from homespun.errors import HomespunError
from homespun.models import catalogue
from homespun.models.recommend.auto import AUTO, AutoModel
from homespun.server.background.status import Status
from homespun.server.lsp.client import Client
from homespun.server.options import CompletionOptions

logger = logging.getLogger(__name__)


LOOK_SECONDS = 10.0  # how often battery and load are looked at: some small files


class FindsModels(Protocol):
    """`homespun.models.recommend.auto.auto_models`, or a stand-in."""

    def __call__(self, *, threads: int, say: Callable[[str], None]) -> Iterator[AutoModel]:
        """Yield the model that suits this machine, whenever asked; the first may take seconds."""


class AutoChoice:
    """The model that "auto" stands for."""

    def __init__(self, find: FindsModels, client: Client, *, found: Callable[[], None]) -> None:
        """Call `found`, on the event loop, when the name is known, and when it is another."""
        self._find = find
        self._client = client
        self._found = found
        self._chosen: AutoModel | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def named(self, options: CompletionOptions) -> CompletionOptions:
        """Return settings with the name that "auto" stands for, once that is known."""
        if options.model != AUTO or self._chosen is None:
            return options
        return replace(options, model=self._chosen.model)

    def knows(self, options: CompletionOptions) -> bool:
        """Say whether settings name a model; else it is being found, and `found` says so."""
        if options.model != AUTO:
            return True
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(options.threads,), name="homespun-auto", daemon=True
            )
            self._thread.start()
        return False

    def status_of(self, options: CompletionOptions, model: Status) -> Status:
        """Return how the model is; of the chosen one that is ready, which it is and why."""
        if options.model == AUTO:
            return Status("loading model", "timing this machine to choose a model")
        if self._chosen is not None and self.chose(options) and model == Status("ready"):
            return Status("ready", self._chosen.sentence)
        return model

    def chose(self, options: CompletionOptions) -> bool:
        """Say whether the model of these settings is the one that was chosen."""
        return self._chosen is not None and self._chosen.model == options.model

    def close(self) -> None:
        """Look no further; a timing in progress cannot be stopped."""
        self._closing.set()

    def busy(self) -> bool:
        """Say whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, threads: int) -> None:
        """Find the model, then look again; whatever goes wrong, there is one."""
        models = self._find(threads=threads, say=self._client.log)
        chosen: AutoModel | None = None
        try:
            while not self._closing.is_set():
                now = next(models)
                if now != chosen:
                    chosen = now
                    self._tell(now, lsp.MessageType.Info)
                self._closing.wait(LOOK_SECONDS)
        except Exception as error:
            is_foreseen = isinstance(error, HomespunError | OSError)
            if not is_foreseen:
                logger.error("choosing a model failed: %s", error, exc_info=error)
            if chosen is None:
                self._tell(_default(str(error) if is_foreseen else f"{error!r}; see the log"))

    def _tell(self, chosen: AutoModel, kind: lsp.MessageType = lsp.MessageType.Warning) -> None:
        self._client.say_once(chosen.sentence, kind)
        self._client.post(self._take, chosen)

    def _take(self, chosen: AutoModel) -> None:
        self._chosen = chosen
        self._found()


def _default(why: str) -> AutoModel:
    model = catalogue.default_generator()
    return AutoModel(
        model, f"model auto is {model}, because this machine could not be timed: {why}"
    )
