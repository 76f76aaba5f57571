"""Keeps one folder's index fresh: a thread that opens or builds it and follows every save.

Order of work: saved files first, then the whole folder where asked for, then vectors, which give
way to saves and to completions. What another process writes is followed by `refresh`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types as lsp

from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexerError, IndexLocked
from homespun.models.errors import ModelsError
from homespun.models.types import Encoder, Progress
from homespun.server.options import ServerOptions
from homespun.server.vectors import LateEncoder, LoadsEncoder, PoliteProgress

if TYPE_CHECKING:
    from homespun.indexer.index import Index

logger = logging.getLogger(__name__)

# Files whose change means that other files are to be indexed, or indexed otherwise.
_RULES = frozenset({".gitignore", ".homespunignore", "homespun.toml", "pyproject.toml"})
_OWN_FOLDERS = frozenset({".homespun", ".git", ".hg", ".svn"})
_LOCK_WAIT_SECONDS = 0.2  # a reader first: the other process's writes are followed meanwhile
_LOCK_RETRY_SECONDS = 2.0
_LONGEST_DEBOUNCE_SECONDS = 0.5  # so that a steady stream of saves is indexed within a second
_MANY_PATHS = 500  # above it, looking at every file is cheaper than at each one


class OpensIndex(Protocol):
    """`Index.open`, or a stand-in."""

    def __call__(
        self, root: Path, config: IndexConfig, *, encoder: Encoder | None, create: bool
    ) -> Index:
        """Open the index of a folder; with `create`, make an empty one where there is none."""


class Reports(Protocol):
    """What the work needs of the editor; `homespun.server.client.Client` has it."""

    def say_once(self, sentence: str, kind: lsp.MessageType) -> None:
        """Show a sentence, once."""

    def log(self, sentence: str, kind: lsp.MessageType = ...) -> None:
        """Log a sentence."""

    def progress(self, title: str) -> Progress:
        """Return where work reports how far it is."""


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """How the index of a folder is."""

    state: str  # "starting", "indexing", "ready", "problem", "off"
    message: str = ""


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
    ) -> None:
        """`completing` says whether a completion is under way; vectors wait for it."""
        self.root = root
        self.index: Index | None = None
        self.status = FolderStatus("starting")
        self._config = replace(config, lock_wait_seconds=_LOCK_WAIT_SECONDS)
        self._options = options
        self._open_index = open_index
        self._load_encoder = load_encoder
        self._client = client
        self._completing = completing
        self._wake = threading.Condition()  # guards what is to be done
        self._paths: set[str] = set()
        self._first_path_at = 0.0
        self._due_at = 0.0
        self._whole_folder = options.index_on_start
        self._closing = False
        self._vectors_due = False
        self._vectors_wanted = config.encoder != "none"
        self._thread = threading.Thread(target=self._run, name="homespun-index", daemon=True)

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def changed(self, paths: Iterable[str]) -> None:
        """Note that files were saved, made or removed; paths relative to the folder, with "/"."""
        wanted = {path for path in paths if not _is_own(path)}
        if not wanted:
            return
        with self._wake:
            now = time.monotonic()
            if not self._paths:
                self._first_path_at = now
            self._paths |= wanted
            last = self._first_path_at + _LONGEST_DEBOUNCE_SECONDS
            self._due_at = min(now + self._options.save_debounce_ms / 1000, last)
            if any(path.rsplit("/", 1)[-1] in _RULES for path in wanted):
                self._whole_folder = True
            if len(self._paths) > _MANY_PATHS:
                self._whole_folder = True
            self._wake.notify_all()

    def reindex(self) -> None:
        """Look at every file again, soon."""
        with self._wake:
            self._whole_folder = True
            self._wake.notify_all()

    def close(self) -> None:
        """Ask the thread to end; it does within one file or one batch."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()

    def busy(self) -> bool:
        """Say whether the thread is still alive."""
        return self._thread.is_alive()

    def join(self, timeout_seconds: float) -> None:
        """Wait for the thread to end, not for ever."""
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            except IndexLocked as error:
                self.status = FolderStatus("ready", f"{error}; following its changes")
                self._client.log(str(error))
                self._pause(_LOCK_RETRY_SECONDS)
            except (IndexerError, ModelsError, OSError) as error:
                self._problem(str(error))
            except Exception as error:
                logger.error("the index of %s failed: %s", self.root, error, exc_info=error)
                self._problem(f"the index of {str(self.root)!r} failed: {error!r}; see the log")

    def _next_job(self) -> Callable[[], None] | None:
        """Wait for the next thing to do; None at the end."""
        refresh_at = time.monotonic() + max(self._options.refresh_seconds, 0.1)
        with self._wake:
            while not self._closing:
                now = time.monotonic()
                if self.index is None:
                    return self._open
                if self._whole_folder:
                    return self._update_folder
                if self._paths and now >= self._due_at:
                    return self._update_paths
                if self._vectors_due and not self._paths:
                    return self._add_vectors
                if now >= refresh_at:
                    return self._refresh
                self._wake.wait(min(refresh_at, self._due_at if self._paths else refresh_at) - now)
        return None

    def _open(self) -> None:
        encoder = LateEncoder(self._config.encoder, self._load_encoder)
        self.index = self._open_index(
            self.root, self._config, encoder=encoder if self._vectors_wanted else None, create=True
        )
        if not self._whole_folder:
            self.status = FolderStatus("ready")

    def _update_folder(self) -> None:
        index = self._opened()
        self.status = FolderStatus("indexing")
        with self._wake:
            self._whole_folder = False
            pending, self._paths = self._paths, set()
        progress = self._client.progress(f"homespun: indexing {self.root.name}")
        try:
            report = index.update(progress=progress, cancelled=self._is_closing)
        except BaseException:
            with self._wake:
                self._whole_folder = True
                self._paths |= pending
            raise
        finally:
            progress.finish()
        for note in report.notes:
            self._client.log(note)
        self.status = FolderStatus("ready")
        self._vectors_due = self._vectors_wanted

    def _update_paths(self) -> None:
        index = self._opened()
        with self._wake:
            paths, self._paths = self._paths, set()
        try:
            index.update(paths=sorted(paths), cancelled=self._is_closing)
        except BaseException:
            with self._wake:
                self._paths |= paths
            raise
        if self.status.state != "ready" or self.status.message:
            self.status = FolderStatus("ready")
        self._vectors_due = self._vectors_wanted

    def _add_vectors(self) -> None:
        """Compute missing vectors until a save comes; what is done stays done."""
        self._vectors_due = False
        progress = PoliteProgress(
            self._client.progress(f"homespun: vectors of {self.root.name}"),
            completing=self._completing,
        )
        try:
            self._opened().embed(progress=progress, cancelled=self._has_better_to_do)
        except ModelsError as error:
            self._vectors_wanted = False
            self._client.log(f"searching {str(self.root)!r} by words alone: {error}")
            return
        finally:
            progress.finish()
        self._vectors_due = self._has_better_to_do()

    def _refresh(self) -> None:
        self._opened().refresh()

    def _opened(self) -> Index:
        assert self.index is not None  # `_next_job` opens it first
        return self.index

    def _problem(self, sentence: str) -> None:
        """Say it once, then rest a while: the cause may go away, the work stays noted."""
        self.status = FolderStatus("problem", sentence)
        self._client.say_once(sentence, lsp.MessageType.Warning)
        self._pause(self._options.refresh_seconds)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._wake:
            while not self._closing and (left := end - time.monotonic()) > 0:
                self._wake.wait(left)

    def _has_better_to_do(self) -> bool:
        return self._closing or self._whole_folder or bool(self._paths)

    def _is_closing(self) -> bool:
        return self._closing


def _is_own(path: str) -> bool:
    """Say whether a path lies in a folder that is never indexed: ours, or git's."""
    return path.split("/", 1)[0] in _OWN_FOLDERS
