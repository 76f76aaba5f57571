"""The index that a retriever may ask for an item: of the tree before the item's commit."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.scan.walk import walk
from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.storage import copy_private, make_private_folder
from homespun.training.history.checkout import Checkout
from homespun.training.history.repository import Repository

# Completions are retrieved by words and symbols; vectors would only cost time.
_CONFIG = IndexConfig(encoder="none")


class Trees(Protocol):
    """Gives the index of a revision."""

    def at(self, revision: str) -> Index:
        """Return the index of a revision's tree; it may move when the next one is asked for."""


class _Scratch:
    """A folder outside of any repository, removed at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="homespun-", ignore_cleanup_errors=True)
        self.root = Path(self._folder.name) / "tree"
        make_private_folder(self.root)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()


class HistoryTrees(_Scratch):
    """Follows a history: only what differs from the last revision is written and indexed anew."""

    def __init__(self, repository: Repository) -> None:
        """Begin with an empty folder."""
        super().__init__()
        self._checkout = Checkout(repository, self.root)
        self._index: Index | None = None
        self._parser = ParserProcess()

    def close(self) -> None:
        """Remove the folder, and end what the moves have started."""
        self._parser.close()
        super().close()

    def at(self, revision: str) -> Index:
        """Return the index of a revision; "" stands for the empty tree before the first commit."""
        if self._index is None:
            self._index = Index.open(self.root, _CONFIG, create=True)
            if revision:
                self._checkout.move(revision)
                self._index.update(parser=self._parser)
            return self._index
        if revision and revision != self._checkout.revision:
            changed = self._checkout.move(revision)
            self._index.update(paths=changed, care=False, parser=self._parser)
        return self._index


class FolderTree(_Scratch):
    """One tree for all: a folder's files but those held out."""

    def __init__(self, root: Path, held_out: Collection[str]) -> None:
        """Copy the files that the indexer would take."""
        super().__init__()
        for found in walk(root, _CONFIG).files:
            if found.path not in held_out:
                place = self.root / found.path
                make_private_folder(place.parent)
                copy_private(root / found.path, place)
        self._index: Index | None = None

    def at(self, revision: str) -> Index:
        """Return the index; `revision` does not matter."""
        if self._index is None:
            self._index = Index.open(self.root, _CONFIG, create=True)
            self._index.update()
        return self._index
