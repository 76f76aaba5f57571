"""`homespun serve --openai`: model, index and HTTP put together, until the process is told to end.

The folder's index is followed as the language server does it, only that there is no editor to say
what was saved: the file system is watched.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.errors import FolderRefused
from homespun.indexer.config import IndexConfig
from homespun.progress import NoProgress, Progress
from homespun.server.background.factories import load_encoder
from homespun.server.background.index_worker import FolderIndex
from homespun.server.completion.completer import Completer
from homespun.server.lsp.workspaces import Root
from homespun.server.openai.answerer import Answerer
from homespun.server.openai.door import OpenDoor
from homespun.server.openai.endpoints import Endpoints, Served
from homespun.server.openai.find_file import FileFinder, Similar
from homespun.server.openai.guard import Guard
from homespun.server.options import ServerOptions
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.index import Index

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
OpensCompleter = Callable[["Index | None"], Completer]


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen, and what a client has to name."""

    host: str
    port: int  # 0 = any
    token: str


def serve(
    folder: Path,
    address: ListenAddress,
    *,
    open_completer: OpensCompleter,
    retrieval: bool,
    say: Say,
) -> None:
    """Serve a folder until SIGTERM or SIGINT; `open_completer` is given the folder's index.

    Raises `NotADirectory`, what a completer's opening raises, and `OSError` for the address.
    """
    index = open_index(folder, say) if retrieval else None
    completer = open_completer(index)
    asyncio.run(_serve(folder, address, completer, index, say))


def open_index(folder: Path, say: Say) -> Index | None:
    """Open the folder's index as it stands, begun where there is none; None where it is refused."""
    from homespun.indexer.index import Index

    refusal = Root(folder).refusal() if folder.is_dir() else ""
    if refusal:
        say(refusal)
        return None
    config = settings_of(IndexConfig, "index", workspace=folder, say=say)
    try:
        return Index.open(folder, config, create=True)
    except FolderRefused as error:
        say(f"{error}; completing without retrieval")
        return None


async def _serve(
    folder: Path, address: ListenAddress, completer: Completer, index: Index | None, say: Say
) -> None:
    root = folder.resolve()
    finder = FileFinder(root, _similar(index))
    answerer = Answerer(completer, finder, max_tokens=completer.options.max_block_tokens)
    generator = completer.generator
    served = Served(
        generator.name, generator.adapter, generator.context_tokens, began=int(time.time())
    )
    door = OpenDoor(
        refuses=Guard(address.token, address.host).refusal,
        answers=Endpoints(answerer, served).reply,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        _on_signal(loop, number, ended.set)
    following = _Following(root, index, answerer, say) if index is not None else None
    try:
        listener = await door.listen(
            address.host,
            address.port,
            listening=lambda port: say(f"listening on http://{address.host}:{port}"),
        )
        async with listener:
            await ended.wait()
    finally:
        door.close()
        answerer.close()
        if following is not None:
            following.close()


def _similar(index: Index | None) -> Similar | None:
    if index is None:
        return None
    return lambda text, limit: index.similar(text, limit=limit)


def _on_signal(
    loop: asyncio.AbstractEventLoop, number: signal.Signals, act: Callable[[], None]
) -> None:
    try:
        loop.add_signal_handler(number, act)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
        logger.debug("no signal handlers here")


class _Following:
    """Keeps an open index as the folder is."""

    def __init__(self, root: Path, index: Index, answerer: Answerer, say: Say) -> None:
        config = settings_of(IndexConfig, "index", workspace=root, say=logger.debug)
        self._answerer = answerer
        self._say = say
        self._sent_to = ""  # what was said of it last
        self._stop = threading.Event()
        self._index = FolderIndex(
            root,
            config,
            options=settings_of(ServerOptions, "server", workspace=root, say=say),
            open_index=lambda *_, **__: index,
            load_encoder=load_encoder,
            client=_Log(say),
            completing=answerer.busy,
            status_changed=self._changed,
        )
        self._index.start()
        threading.Thread(target=self._watch, args=(root,), daemon=True).start()

    def close(self) -> None:
        """Stop; nothing is waited for."""
        self._stop.set()
        self._index.close()

    def _changed(self) -> None:
        self._answerer.forget()
        where = self._index.sent_to()
        if where and where != self._sent_to:
            self._sent_to = where
            self._say(f"code of the folder goes, secrets masked, to {where} for its vectors")

    def _watch(self, root: Path) -> None:
        from watchfiles import watch

        try:
            for changes in watch(root, stop_event=self._stop, raise_interrupt=False):
                self._index.changed(Path(path).relative_to(root).as_posix() for _, path in changes)
        except Exception as error:  # the limit of watches, a folder that is gone
            logger.error("changes of files are not seen any more: %s", error, exc_info=error)


class _Log:
    """What the index has to tell, without an editor."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def say_problem(self, sentence: str) -> None:
        """Show a problem."""
        self._say(sentence)

    def log(self, sentence: str) -> None:
        """Log a sentence."""
        logger.info("%s", sentence)

    def progress(self, title: str) -> Progress:
        """Return where nothing is drawn: the command stays quiet while it serves."""
        logger.info("%s", title)
        return NoProgress()
