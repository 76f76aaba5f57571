"""Keeps one folder's index fresh: a thread that opens or builds it and follows every save.

What another process writes is followed by `refresh`; while it holds the lock, our own writes wait.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from homespun.errors import FolderRefused, HomespunError
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexerError, IndexLocked, IndexMissing
from homespun.indexer.packs.siblings import Siblings
from homespun.indexer.scan.skip import TOOL_FOLDERS
from homespun.progress import CountedProgress, NoProgress, Progress
from homespun.server.background.embedding_worker import EmbeddingWorker, LoadsEncoder
from homespun.server.background.status import REBUILD, Status
from homespun.server.freshness.siblings import SiblingFollower
from homespun.server.options import ServerOptions

if TYPE_CHECKING:
    from homespun.indexer.index import Index

logger = logging.getLogger(__name__)

# Files whose change means that other files are to be indexed, or indexed otherwise.
_RULES = frozenset({".gitignore", ".homespunignore", "homespun.toml", "pyproject.toml"})
_LOCK_WAIT_SECONDS = 1.0  # our own commits of vectors are shorter; a process's run may be long
_LOCK_RETRY_SECONDS = 1.0
_LONGEST_DEBOUNCE_SECONDS = 0.5  # so that a steady stream of saves is indexed within a second
_CARE_AFTER_SECONDS = 3.0  # without a save: compacting takes seconds, and a save has to wait for it
_LONGEST_WAIT_SECONDS = 3600.0  # the system's clock takes no number of any size
_MANY_PATHS = 500  # above it, looking at every file is cheaper than at each one


class OpensIndex(Protocol):
    """`Index.open`, or a stand-in."""

    def __call__(self, root: Path, config: IndexConfig, *, create: bool) -> Index:
        """Open the index of a folder; with `create`, make an empty one where there is none."""


class Reports(Protocol):
    """What the work needs of the editor; `homespun.server.lsp.client.Client` has it."""

    def say_problem(self, sentence: str) -> None:
        """Show a problem that is the status, once."""

    def log(self, sentence: str) -> None:
        """Log a sentence."""

    def progress(self, title: str) -> Progress:
        """Return where work reports how far it is."""


class FolderIndex:
    """The index of one folder and the thread that keeps it fresh."""

    def __init__(
        self,
        root: Path,
        config: IndexConfig,
        *,
        options: ServerOptions,
        open_index: OpensIndex,
        load_encoder: LoadsEncoder,
        client: Reports,
        completing: Callable[[], bool],
        status_changed: Callable[[], None] = lambda: None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        """`completing` says whether a completion is under way; vectors wait for it.

        `may_send` says whether text may go to an encoder at an address of the user's.
        `status_changed` is called on the thread that keeps the index.
        """
        self.root = root
        self.index: Index | None = None
        self.status = Status("starting")
        self._status_changed = status_changed
        self._config = replace(config, lock_wait_seconds=_LOCK_WAIT_SECONDS)
        self._options = options
        self._open_index = open_index
        self._client = client
        self._vectors = EmbeddingWorker(
            config.encoder,
            load_encoder=load_encoder,
            progress=lambda: client.progress(f"homespun: vectors of {root.name}"),
            completing=completing,
            updating=self._has_work,
            log=client.log,
            may_send=may_send,
            changed=status_changed,
        )
        self._siblings = SiblingFollower(
            config, completing=completing, taken=self._take_siblings, log=client.log
        )
        self._wake = threading.Condition()  # guards the fields below
        self._paths: set[str] = set()  # changed, not indexed yet
        self._first_path_at = 0.0
        self._due_at = 0.0
        self._care_at = math.inf
        self._every_file = True
        self._drawn = True  # the next look at every file is long, and the editor shows it
        self._from_nothing = False  # the user has asked for a new index
        self._hurries = False  # somebody wants it now: a pause after a failure ends
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="homespun-index", daemon=True)

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()
        self._siblings.start()

    def changed(self, paths: Iterable[str]) -> None:
        """Note that files were saved, made or removed; paths relative to the folder, with "/"."""
        wanted = {path for path in paths if TOOL_FOLDERS.isdisjoint(path.split("/"))}
        if not wanted:
            return
        with self._wake:
            now = time.monotonic()
            if not self._paths:
                self._first_path_at = now
            self._paths |= wanted
            last = self._first_path_at + _LONGEST_DEBOUNCE_SECONDS
            self._due_at = min(now + self._options.save_debounce_ms / 1000, last)
            self._wake.notify_all()

    def rebuild(self) -> None:
        """Throw the index away, vectors too, and make it from nothing, now."""
        with self._wake:
            self._every_file = self._drawn = self._hurries = self._from_nothing = True
            self._wake.notify_all()

    def stay_here(self) -> None:
        """Send nothing of the folder anywhere until the next start."""
        self._vectors.stay_here(self.index)

    def sent_to(self) -> str:
        """Return the server that the folder's text goes to for its vectors, "" where none does."""
        return self._vectors.where

    def describe_vectors(self) -> dict[str, object]:
        """Return what of the folder is sent where as JSON; nothing where all stays here."""
        if not (where := self.sent_to()):
            return {}
        return {"vectors": {"address": where, "trouble": self._vectors.trouble}}

    def describe_siblings(self) -> dict[str, object]:
        """Return the packs of other repositories and their age as JSON; nothing where none is."""
        return self._siblings.describe()

    def close(self) -> None:
        """Ask the threads to end; they do within one file or a few texts."""
        self._vectors.close()
        self._siblings.close()
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def busy(self) -> bool:
        """Say whether a thread is still alive."""
        workers = (self._vectors, self._siblings)
        return self._thread.is_alive() or any(worker.busy() for worker in workers)

    def _run(self) -> None:
        """Work until the end; whatever goes wrong is a status, and the thread goes on."""
        while not self._closing:
            try:
                job = self._next_job()
                if job is not None:
                    self._do(job)
            except BaseException as error:  # a panic of native code is no `Exception`
                logger.error("the index of %s failed: %s", self.root, error, exc_info=error)
                self._problem(f"the index of {str(self.root)!r} failed: {error!r}; see the log")

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        except IndexLocked as locked:
            self._follow_the_other(str(locked))
        except (IndexMissing, IndexDamaged) as error:
            self._begin_anew(str(error))
        except (HomespunError, OSError) as error:
            self._problem(str(error))

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for the next thing to do; None at the end."""
        refresh_at = time.monotonic() + self._options.refresh_seconds
        with self._wake:
            while not self._closing:
                now = time.monotonic()
                if self.index is None:
                    return self._open
                if self._every_file or (self._paths and now >= self._due_at):
                    return self._update
                if now >= self._care_at and not self._paths:
                    return self._care
                if now >= refresh_at:
                    return self._refresh
                next_at = min(refresh_at, self._due_at if self._paths else self._care_at)
                self._wake.wait(min(next_at - now, _LONGEST_WAIT_SECONDS))
        return None

    def _open(self) -> None:
        self.index = self._open_index(self.root, self._config, create=True)
        self.index.siblings = self._siblings.siblings

    def _take_siblings(self, siblings: Siblings) -> None:
        """Have completions look into other packs from now on; on the follower's thread."""
        if self.index is not None:
            self.index.siblings = siblings
        self._status_changed()

    def _refresh(self) -> None:
        self._opened().refresh()
        if self.status.state == "ready" and self.status.message:
            self._become(Status("ready"))  # the other process is done

    def _update(self) -> None:
        """Index what is noted; it stays noted where that fails."""
        index = self._opened()
        with self._wake:
            every_file, drawn, paths = self._every_file, self._drawn, self._paths
            from_nothing = self._from_nothing
            self._every_file, self._drawn, self._paths = False, False, set()
            self._hurries = self._from_nothing = False
        try:
            if every_file or not (single := self._single_files(paths)):
                self._update_every_file(index, drawn=drawn, from_nothing=from_nothing)
            else:
                index.update(paths=single, cancelled=self._is_closing, care=False)
                self._care_at = time.monotonic() + _CARE_AFTER_SECONDS
        except BaseException:
            with self._wake:
                self._every_file |= every_file
                self._drawn |= drawn
                self._from_nothing |= from_nothing
                self._paths |= paths
            raise
        self._become(Status("ready"))
        self._vectors.due(index)

    def _care(self) -> None:
        self._care_at = math.inf
        self._opened().care()

    def _update_every_file(self, index: Index, *, drawn: bool, from_nothing: bool) -> None:
        progress: Progress = NoProgress()
        if drawn:
            self._become(Status("indexing"))
            bar = self._client.progress(f"homespun: indexing {self.root.name}")
            progress = CountedProgress(bar, self._indexed)
        work = index.rebuild if from_nothing else index.update
        try:
            report = work(progress=progress, cancelled=self._is_closing)
        finally:
            progress.finish()
        for note in report.notes:
            self._client.log(note)

    def _indexed(self, stage: str, percent: int | None) -> None:
        self._become(Status("indexing", percent=percent))

    def _become(self, status: Status) -> None:
        self.status = status
        self._status_changed()

    def _single_files(self, paths: set[str]) -> Sequence[str]:
        """Return the files to look at; none where single files do not tell the whole story."""
        if len(paths) > _MANY_PATHS:
            return ()
        for path in paths:
            # A folder that came or went brings or takes files that have no event of their own.
            if path.rsplit("/", 1)[-1] in _RULES or not (self.root / path).is_file():
                return ()
        return sorted(paths)

    def _opened(self) -> Index:
        assert self.index is not None  # `_next_job` opens it first
        return self.index

    def _has_work(self) -> bool:
        return self._closing or self._every_file or bool(self._paths)

    def _is_closing(self) -> bool:
        return self._closing

    # What may go wrong

    def _follow_the_other(self, sentence: str) -> None:
        """Read what the process that holds the lock writes; our own work stays noted."""
        self._become(Status("ready", sentence))
        logger.info("%s", sentence)
        try:
            self._opened().refresh()
        except (IndexerError, FolderRefused) as error:
            logger.info("its writes cannot be read yet: %s", error)
        self._pause(_LOCK_RETRY_SECONDS)

    def _begin_anew(self, sentence: str) -> None:
        """Open again and look at every file: the index was removed or is damaged."""
        self._client.log(sentence)
        self._become(Status("indexing", sentence))
        self.index = None
        with self._wake:
            self._every_file = self._drawn = True
        self._pause(_LOCK_RETRY_SECONDS)

    def _problem(self, sentence: str) -> None:
        """Say it once, then rest a while: the cause may go away, the work stays noted."""
        self._become(Status("problem", sentence, fix=REBUILD))
        self._client.say_problem(sentence)
        self._pause(self._options.refresh_seconds)

    def _pause(self, seconds: float) -> None:
        with self._wake:
            rest = min(seconds, _LONGEST_WAIT_SECONDS)
            self._wake.wait_for(lambda: self._closing or self._hurries, rest)
            self._hurries = False
