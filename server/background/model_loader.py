"""Loads the wanted model in the background; a missing one is a status, and is looked for again.

Follows the workspace's champion: its alias is looked at every second, and another adapter is loaded
beside the weights at work, which answer until then. Keys, values, anchors and remembered answers
belong to a generator or go with it (`loaded`), so nothing of the old weights is left.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from lsprotocol import types as lsp

from homespun.errors import FolderRefused, HomespunError
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.errors import AdapterError, ModelMissing
from homespun.models.types import MODEL_AS_SHIPPED, Generator
from homespun.progress import CountedProgress, Progress
from homespun.server.background.status import Fix, Status, model_fix
from homespun.server.completion.open import context_length
from homespun.server.freshness.follow import AgeFollower
from homespun.server.lsp.client import Client
from homespun.server.options import CompletionOptions

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0  # how often a missing model is looked for again
_LOOK_SECONDS = 1.0  # how often the champion's alias is looked at: one `stat`


class LoadsGenerator(Protocol):
    """`homespun.server.completion.open.open_generator`, or a stand-in."""

    def __call__(
        self,
        name: str,
        *,
        adapter: str,
        workspace: Path | None,
        threads: int,
        context_tokens: int,
        cache_mb: int,
        progress: Progress | None,
    ) -> Generator:
        """Load a generator."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a generator is loaded with; another value means another generator."""

    model: str
    adapter: str  # the champion by its identifier
    workspace: Path | None
    threads: int
    context_tokens: int
    cache_mb: int


class ModelLoader:
    """Loads the wanted model in a thread; while it is missing, looks for it again."""

    def __init__(
        self,
        load: LoadsGenerator,
        client: Client,
        *,
        loaded: Callable[[], None],
        changed: Callable[[], None] = lambda: None,
        outlasted: Callable[[CompletionOptions], bool] = lambda _: False,
    ) -> None:
        """Call `loaded` when there is another model, and `changed` when the status is another.

        Both are called on any thread, `changed` also with the lock held. `outlasted` says whether
        the model at work may answer until that of other settings is loaded.
        """
        self.generator: Generator | None = None
        self.status = Status("starting")
        self._load = load
        self._client = client
        self._tell_loaded = loaded
        self._changed = changed
        self._outlasted = outlasted
        self._wake = threading.Condition()
        self._follows = False  # the champion of the wanted workspace
        self._stamp: Hashable = None  # of its alias when it was last read
        self._wanted: _Wanted | None = None
        self._loaded: _Wanted | None = None
        self._again = False  # what could not be loaded is to be tried now
        self._closing = False
        self._failed: _Wanted | None = None  # what was tried last, in vain
        self._age = AgeFollower(changed)
        self._thread = threading.Thread(target=self._run, name="homespun-model", daemon=True)

    def want(self, options: CompletionOptions, workspace: Path | None = None) -> None:
        """Load the model of these settings, if it is not the one that is loaded.

        Until then one of another name does not answer in its place, nor take up memory, unless
        `outlasted` lets it; one with another adapter does. Adapters are those of `workspace`.
        """
        with self._wake:
            self._follows = options.adapter == CHAMPION
            self._stamp = _stamp(workspace)
            self._wanted = _Wanted(
                model=options.model,
                adapter=champion_of(workspace) if self._follows else options.adapter,
                workspace=workspace,
                threads=options.threads,
                context_tokens=context_length(options),
                cache_mb=options.cache_mb,
            )
            is_other = self._loaded is not None and self._loaded.model != options.model
            if is_other and not self._outlasted(options):
                self.generator = self._loaded = None
            if self._wanted != self._loaded:
                self._become(_loading(options.model))
            self._wake.notify_all()
            if not self._thread.is_alive() and not self._closing:
                self._thread.start()

    def retry(self) -> None:
        """Load now what could not be loaded; on any thread."""
        with self._wake:
            if self._wanted is not None and self._wanted != self._loaded:
                self._again = True
                self._become(_loading(self._wanted.model))
                self._wake.notify_all()

    def close(self) -> None:
        """Load nothing more; a load in progress cannot be stopped."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._age.close()

    def busy(self) -> bool:
        """Say whether a thread is still alive."""
        return self._thread.is_alive() or self._age.busy()

    def adapter_age(self) -> dict[str, object] | None:
        """Return how old the adapter at work is, as JSON; None where there is none, or not yet."""
        generator = self.generator
        return self._age.describe(generator.adapter) if generator is not None else None

    def _run(self) -> None:
        """Load what is wanted, until the end; whatever goes wrong is a status, never silence."""
        while not self._closing:
            try:
                wanted = self._next()
                if wanted is not None:
                    self._attempt(wanted)
            except BaseException as error:  # a panic of native code is no `Exception`
                logger.error("loading the model failed: %s", error, exc_info=error)
                self._problem(f"loading the model failed: {error!r}; see the log")
                self._rest()

    def _attempt(self, wanted: _Wanted) -> None:
        drawn = self._client.progress(f"homespun: loading {wanted.model}")
        progress = CountedProgress(drawn, self._tell)
        if wanted != self._failed:  # looking again for what was missing is nothing to draw
            progress.start("loading", 0, "")
        retry_seconds: float | None = None
        try:
            generator, refusal = self._load_wanted(wanted, progress)
        except ModelMissing as error:
            self._problem(str(error), model_fix(wanted.model, error))
            retry_seconds = _RETRY_SECONDS
        except (HomespunError, OSError) as error:
            self._problem(str(error), model_fix(wanted.model, error))
        except BaseException as error:
            logger.error("loading %r failed: %s", wanted.model, error, exc_info=error)
            self._problem(f"loading the model {wanted.model!r} failed: {error!r}; see the log")
        else:
            self._use(wanted, generator, refusal)
            return
        finally:
            progress.finish()
        self._failed = wanted
        self._wait_for_another(wanted, seconds=retry_seconds)

    def _load_wanted(self, wanted: _Wanted, progress: Progress) -> tuple[Generator, str]:
        """Load; where the adapter is refused, the model as shipped and the sentence why."""
        try:
            return self._call(wanted, progress), ""
        except AdapterError as error:
            if wanted.adapter == MODEL_AS_SHIPPED:  # a part of the model itself
                raise
            refusal = f"{error}; completing with the model as shipped"
            if isinstance(error.__cause__, FolderRefused):  # the index's status says the same
                self._client.say_problem(refusal)
                return self._call(replace(wanted, adapter=MODEL_AS_SHIPPED), progress), refusal
        except (HomespunError, OSError):
            raise  # of the model, whatever the adapter
        except Exception as error:
            if wanted.adapter == MODEL_AS_SHIPPED:
                raise
            logger.error("adapter %r failed: %s", wanted.adapter, error, exc_info=error)
            refusal = (
                f"adapter {wanted.adapter!r} cannot be loaded ({error!r}; see the log); completing "
                "with the model as shipped"
            )
        self._client.say_once(refusal, lsp.MessageType.Warning)
        return self._call(replace(wanted, adapter=MODEL_AS_SHIPPED), progress), refusal

    def _call(self, wanted: _Wanted, progress: Progress) -> Generator:
        return self._load(
            wanted.model,
            adapter=wanted.adapter,
            workspace=wanted.workspace,
            threads=wanted.threads,
            context_tokens=wanted.context_tokens,
            cache_mb=wanted.cache_mb,
            progress=progress,
        )

    def _next(self) -> _Wanted | None:
        """Wait until something is to be loaded; None at the end."""
        with self._wake:
            while not self._is_due():
                self._wake.wait(_LOOK_SECONDS if self._follows else None)
                self._look()
            if self._again and self._wanted is not None:
                self._again = False
                self._become(_loading(self._wanted.model))
            return None if self._closing else self._wanted

    def _is_due(self) -> bool:
        return self._closing or self._wanted != self._loaded

    def _look(self) -> None:
        """Want another adapter where another one was promoted; the lock is held."""
        if not self._follows or self._wanted is None:
            return
        stamp = _stamp(self._wanted.workspace)
        if stamp != self._stamp:
            self._stamp = stamp
            champion = champion_of(self._wanted.workspace)
            self._wanted = replace(self._wanted, adapter=champion)

    def _use(self, wanted: _Wanted, generator: Generator, refusal: str) -> None:
        with self._wake:
            if self._wanted is None or self._wanted.model != wanted.model:
                return  # the settings have changed meanwhile
            self._loaded = wanted
            self.generator = generator
            if self._wanted == wanted:
                self._become(Status("ready", refusal))
        self._client.log(f"model {wanted.model} with adapter {generator.adapter} is ready")
        self._tell_loaded()
        self._age.follow(wanted.workspace, generator.adapter)

    def _tell(self, stage: str, percent: int | None) -> None:
        """Show how far a conversion is, where nothing else answers meanwhile."""
        if self.generator is None and percent is not None and self._wanted is not None:
            self._become(Status("loading model", f"{self._wanted.model}: {stage}", percent))

    def _problem(self, sentence: str, fix: Fix | None = None) -> None:
        self._become(Status("problem", sentence, fix=fix))
        self._client.say_problem(sentence)

    def _become(self, status: Status) -> None:
        self.status = status
        self._changed()

    def _rest(self) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._again, _RETRY_SECONDS)

    def _wait_for_another(self, failed: _Wanted, *, seconds: float | None) -> None:
        """Wait for other settings or another champion, or for `seconds` to try again."""
        with self._wake:
            end = None if seconds is None else time.monotonic() + seconds
            while not self._closing and self._wanted == failed and not self._again:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return
                pauses = [left, _LOOK_SECONDS if self._follows else None]
                self._wake.wait(min((p for p in pauses if p is not None), default=None))
                self._look()


def _loading(model: str) -> Status:
    return Status("loading model", f"loading {model}")


def _stamp(workspace: Path | None) -> Hashable:
    return Registry(workspace).stamp() if workspace is not None else None


def champion_of(workspace: Path | None) -> str:
    """Return the identifier of what is promoted, "none" for nothing.

    Where it cannot be read, or may not serve, it is "champion", and loading that says why.
    """
    if workspace is None:
        return MODEL_AS_SHIPPED
    try:
        champion = Registry(workspace).champion()
    except AdapterError:
        return CHAMPION
    except Exception as error:
        logger.error("the adapters of %s: %s", workspace, error, exc_info=error)
        return CHAMPION
    return champion.id if champion is not None else MODEL_AS_SHIPPED
