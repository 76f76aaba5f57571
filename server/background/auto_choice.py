"""What the model "auto" stands for: found out in the background at the first start, then told.

The machine is timed only where that was not kept; until the name is known no model is loaded.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
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


class FindsModel(Protocol):
    """`homespun.server.background.factories.find_model`, or a stand-in."""

    def __call__(self, *, threads: int, say: Callable[[str], None]) -> AutoModel:
        """Return the model that suits this machine; may take some seconds."""


class AutoChoice:
    """The model that "auto" stands for, the same for as long as the server runs."""

    def __init__(self, find: FindsModel, client: Client, *, found: Callable[[], None]) -> None:
        """Call `found`, on the event loop, when the name is known."""
        self._find = find
        self._client = client
        self._found = found
        self._chosen: AutoModel | None = None
        self._thread: threading.Thread | None = None

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
        chosen = self._chosen
        if chosen is not None and chosen.model == options.model and model == Status("ready"):
            return Status("ready", chosen.sentence)
        return model

    def busy(self) -> bool:
        """Say whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, threads: int) -> None:
        """Whatever goes wrong, there is a model: the catalogue's default."""
        try:
            chosen = self._find(threads=threads, say=self._client.log)
        except (HomespunError, OSError) as error:
            chosen = self._default(str(error))
        except Exception as error:
            logger.error("choosing a model failed: %s", error, exc_info=error)
            chosen = self._default(f"{error!r}; see the log")
        else:
            self._client.say_once(chosen.sentence, lsp.MessageType.Info)
        self._client.post(self._take, chosen)

    def _default(self, why: str) -> AutoModel:
        model = catalogue.default_generator()
        sentence = f"model auto is {model}, because this machine could not be timed: {why}"
        self._client.say_once(sentence, lsp.MessageType.Warning)
        return AutoModel(model, sentence)

    def _take(self, chosen: AutoModel) -> None:
        self._chosen = chosen
        self._found()
