"""Loads the wanted model in the background; a missing one is a status, and is looked for again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lsprotocol import types as lsp

from homespun.models.errors import ModelMissing, ModelsError
from homespun.models.types import Generator, Progress
from homespun.server.anchor import MOST_TYPED_TOKENS
from homespun.server.client import Client
from homespun.server.options import CompletionOptions

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0  # how often a missing model is looked for again


class LoadsGenerator(Protocol):
    """`homespun.models.load.load_generator`, or a stand-in."""

    def __call__(
        self,
        name: str,
        *,
        threads: int,
        context_tokens: int,
        cache_mb: int,
        progress: Progress | None,
    ) -> Generator:
        """Load a generator."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the server is."""

    state: str  # "starting", "loading model", "indexing", "ready", "problem"
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a generator is loaded with; another value means another generator."""

    model: str
    threads: int
    context_tokens: int
    cache_mb: int


class ModelLoader:
    """Loads the wanted model in a thread; while it is missing, looks for it again."""

    def __init__(self, load: LoadsGenerator, client: Client, *, loaded: Callable[[], None]) -> None:
        """Call `loaded`, on the loader's thread, when there is another model."""
        self.generator: Generator | None = None
        self.status = Status("starting")
        self._load = load
        self._client = client
        self._tell_loaded = loaded
        self._wake = threading.Condition()
        self._wanted: _Wanted | None = None
        self._loaded: _Wanted | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="homespun-model", daemon=True)

    def want(self, options: CompletionOptions) -> None:
        """Load the model of these settings, if it is not the one that is loaded.

        Until then one of another name does not answer in its place, nor take up memory.
        """
        longest = max(options.max_tokens, options.max_block_tokens)
        tokens = options.context_tokens + MOST_TYPED_TOKENS + longest
        with self._wake:
            self._wanted = _Wanted(options.model, options.threads, tokens, options.cache_mb)
            if self._loaded is not None and self._loaded.model != options.model:
                self.generator = self._loaded = None
            if self._wanted != self._loaded:
                self.status = Status("loading model", f"loading {options.model}")
            self._wake.notify_all()
            if not self._thread.is_alive() and not self._closing:
                self._thread.start()

    def close(self) -> None:
        """Load nothing more; a load in progress cannot be stopped."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def busy(self) -> bool:
        """Say whether the thread is still alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        failed: _Wanted | None = None
        while (wanted := self._next()) is not None:
            progress = self._client.progress(f"homespun: loading {wanted.model}")
            if wanted != failed:  # looking again for what was missing is nothing to draw
                progress.start("loading", 0, "")
            retry_seconds: float | None = None
            try:
                generator = self._load(
                    wanted.model,
                    threads=wanted.threads,
                    context_tokens=wanted.context_tokens,
                    cache_mb=wanted.cache_mb,
                    progress=progress,
                )
            except ModelMissing as error:
                self._problem(str(error))
                retry_seconds = _RETRY_SECONDS
            except (ModelsError, OSError) as error:
                self._problem(str(error))
            except Exception as error:
                logger.error("loading %r failed: %s", wanted.model, error, exc_info=error)
                self._problem(f"loading the model {wanted.model!r} failed: {error!r}; see the log")
            else:
                self._use(wanted, generator)
                continue
            finally:
                progress.finish()
            failed = wanted
            self._wait_for_another(wanted, seconds=retry_seconds)

    def _next(self) -> _Wanted | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._wanted != self._loaded)
            return None if self._closing else self._wanted

    def _use(self, wanted: _Wanted, generator: Generator) -> None:
        with self._wake:
            if self._wanted is None or self._wanted.model != wanted.model:
                return  # the settings have changed meanwhile
            self._loaded = wanted
            self.generator = generator
            if self._wanted == wanted:
                self.status = Status("ready")
        self._client.log(f"model {wanted.model} is ready")
        self._tell_loaded()

    def _problem(self, sentence: str) -> None:
        self.status = Status("problem", sentence)
        self._client.say_once(sentence, lsp.MessageType.Warning)

    def _wait_for_another(self, failed: _Wanted, *, seconds: float | None) -> None:
        """Wait for other settings, or for `seconds` to try again."""
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._wanted != failed, seconds)
