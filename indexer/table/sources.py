"""One repository of a list -> its files: which they are, whether they changed, and parsed.

The walk, the settings and the parser are those of a repository's own index; secrets are masked
where a file is parsed, before there are rows.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan import walk
from homespun.indexer.scan.clone import local_commit
from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.schema import FORMAT
from homespun.indexer.types import ParsedFile, Skipped
from homespun.settings import settings_of

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Source:
    """A repository that is there."""

    root: Path
    config: IndexConfig
    revision: str  # the commit, "" outside of git
    paths: list[str]
    digests: dict[str, str] = field(default_factory=dict)  # path -> sha256 of what was parsed

    @property
    def content(self) -> str:
        """One hash of all that shapes the rows, of what was read last."""
        return _content(self.config, self.digests)

    def content_now(self) -> str:
        """Read all files; return what `content` would be."""
        return _content(
            self.config, {path: hashlib.sha256(data).hexdigest() for path, data in self._read()}
        )

    def parsed(self, parser: ParserProcess) -> Iterator[ParsedFile]:
        """Parse one file after the other; what cannot be read or parsed is left out."""
        self.digests = {}
        for path, data in self._read():
            self.digests[path] = hashlib.sha256(data).hexdigest()
            try:
                found = parser.parse(path, data, self.config)
            except Exception as error:  # whatever a parser of foreign text raises costs that file
                logger.warning("%r cannot be parsed and is skipped: %s", path, error)
                continue
            if not isinstance(found, Skipped):
                yield found

    def _read(self) -> Iterator[tuple[str, bytes]]:
        for path in self.paths:
            data = walk.read(self.root, path, self.config)
            if not isinstance(data, Skipped):
                yield path, data


def opened(listed: NamedRepository) -> Source:
    """Look at a repository. Raises `NotADirectory`, `GitFailed` where it is at another commit."""
    root = listed.path.absolute()
    config = settings_of(IndexConfig, "index", workspace=root, say=logger.warning)
    scan = walk.walk(root, config)
    return Source(
        root, config, local_commit(root, listed.revision), [file.path for file in scan.files]
    )


def _content(config: IndexConfig, digests: dict[str, str]) -> str:
    digest = hashlib.sha256(f"{FORMAT}\0{config.chunk_chars}\n".encode())
    for path, value in sorted(digests.items()):
        digest.update(f"{path}\0{value}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
