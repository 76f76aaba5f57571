"""The folder that an agent works in: its index is built once, and looked after at each question.

A first index may take longer than a client waits for an answer, so it is built beside the
questions; who asks meanwhile is told how far it is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import encoder_at_hand
from homespun.indexer.errors import IndexerError, IndexLocked
from homespun.indexer.index import Index
from homespun.indexer.search.reranking import open_reranking
from homespun.models.types import AskedEncoder
from homespun.progress import CountedProgress, NoProgress
from homespun.server.agents.knowledge import Knowledge
from homespun.server.errors import NotReadyYet
from homespun.server.lsp.workspaces import Root
from homespun.settings import settings_of

logger = logging.getLogger(__name__)

WAIT_SECONDS = 20.0  # for the first index; clients give a tool a minute or more
_LOCK_SECONDS = 2.0  # for another writer, at each question


class AgentFolder:
    """One folder's index, opened when it is first asked for; safe on any thread."""

    def __init__(self, root: Path, *, say: Callable[[str], None] = logger.warning) -> None:
        """`say` gets what there is to tell about settings and encoders."""
        self.root = root
        self._say = say
        self._lock = threading.Lock()
        self._updating = threading.Lock()
        self._opened: Future[Index] | None = None
        self._stage = ""
        self._asks_a_server = False  # for vectors: then they are not waited for

    def begin(self) -> None:
        """Start to open the index, unless that was done; nothing is waited for."""
        self._opening()

    def knowledge(self, *, wait_seconds: float = WAIT_SECONDS) -> tuple[Knowledge, str]:
        """Return what can be asked, brought up to date, and a sentence on what it may lack.

        Raises `NotReadyYet`, and `HomespunError` where the index cannot be opened: the next
        question tries again.
        """
        try:
            index = self._opening().result(timeout=wait_seconds)
        except TimeoutError:
            raise NotReadyYet(
                f"the index of {str(self.root)!r} is being built ({self._stage or 'begun'}); ask "
                "again in some seconds"
            ) from None
        return Knowledge(self.root, index), self._update(index)

    def _opening(self) -> Future[Index]:
        with self._lock:
            opened = self._opened
            if opened is None or (opened.done() and opened.exception() is not None):
                opened = self._opened = Future()
                threading.Thread(target=self._open, args=(opened,), daemon=True).start()
            return opened

    def _open(self, opened: Future[Index]) -> None:
        try:
            index = self._built()
        except Exception as error:  # whoever asks is told
            opened.set_exception(error)
            return
        opened.set_result(index)
        if not self._asks_a_server:
            return
        try:
            index.embed(say=self._say)
        except Exception as error:  # words answer meanwhile
            logger.warning("vectors have to wait: %s", error)

    def _built(self) -> Index:
        refusal = Root(self.root).refusal()
        if refusal:
            raise NotReadyYet(refusal)
        flags = {"lock_wait_seconds": _LOCK_SECONDS}
        config = settings_of(IndexConfig, "index", workspace=self.root, flags=flags, say=self._say)
        index = Index.open(self.root, config, create=True)
        progress = CountedProgress(NoProgress(), self._tell)
        index.update(progress=progress)
        index.fallbacks.say = self._say
        encoder = encoder_at_hand(config.encoder, workspace=self.root, say=self._say)
        self._asks_a_server = isinstance(encoder, AskedEncoder)
        index.use_encoder(encoder)
        index.use_reranking(open_reranking(workspace=self.root, say=self._say))
        if not self._asks_a_server:  # milliseconds for a thousand lines
            index.embed(progress=progress, say=self._say)
        return index

    def _update(self, index: Index) -> str:
        """Look at the files; another process that writes the index does it for us."""
        with self._updating:
            try:
                report = index.update()
                if report.added + report.changed and not self._asks_a_server:
                    index.embed(say=self._say)
            except IndexLocked:
                index.refresh()
                return "another process is writing the index; this is its last whole state"
            except IndexerError as error:
                logger.warning("the index was not brought up to date: %s", error)
                return f"the index could not be brought up to date: {error}"
        return ""

    def _tell(self, stage: str, percent: int | None) -> None:
        self._stage = stage if percent is None else f"{stage} {percent} %"
