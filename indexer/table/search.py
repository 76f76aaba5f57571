"""Search over many repositories: LanceDB finds some hundred rows, our rules rank them in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from homespun.indexer.errors import TableRefused
from homespun.indexer.search import retrieve
from homespun.indexer.search.query import Question
from homespun.indexer.search.weights import WEIGHTS, Weights
from homespun.indexer.secrets.mask import mask
from homespun.indexer.table.believed import Mirror, Row, mirror_of
from homespun.indexer.table.candidates import candidates
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import Counted, counted
from homespun.indexer.table.schema import CHUNKS, FORMAT, REPOS
from homespun.indexer.types import Hit
from homespun.models.types import Encoder

_LOOKS = 3  # at which builds count, while somebody writes
_MAX_QUERY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class TableHit:
    """A ranked chunk of one of the repositories; its hit's path is one within the repository."""

    repository: str
    revision: str
    hit: Hit

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun search --table --json`."""
        return {"repository": self.repository, "revision": self.revision, **self.hit.to_json()}


class RepositoryTable:
    """A table that is open for searching, as it was when it was opened."""

    def __init__(self, uri: str, encoder: Encoder, *, only: Collection[str] = ()) -> None:
        """Open it; of the repositories `only`, where given. Raises `TableRefused`."""
        self._place = TablePlace(uri)
        self._encoder = encoder
        self._chunks, rows = _opened(self._place)
        self.stale = sorted(name for name, row in rows.items() if row.format != FORMAT)
        usable = {name: row for name, row in rows.items() if row.format == FORMAT}
        if rows and not usable:
            raise TableRefused(
                f"the table at {self._place.where} was built by another version of homespun; "
                "`homespun fleet table` brings it up to date"
            )
        missing = sorted(set(only) - usable.keys())
        if missing:
            raise TableRefused(
                f"the table at {self._place.where} has no repository {missing[0][:200]!r}; it has "
                f"{len(usable)}, such as {', '.join(sorted(usable)[:3])}"
            )
        self.rows = {name: usable[name] for name in (only or usable)}
        self._is_part = len(self.rows) < len(usable)

    def search(self, query: str, *, limit: int = 10, weights: Weights = WEIGHTS) -> list[TableHit]:
        """Return the best chunks of all repositories. Raises `TableRefused`."""
        query = query[:_MAX_QUERY_CHARS]
        if limit < 1 or not query.strip() or not self.rows:
            return []
        vector = self._encoder.encode([query])[0]
        found = self._found(query, vector)
        if not found:
            return []
        mirror = mirror_of(found)
        wanted = retrieve.wanted_documents(mirror.snapshot)
        hits = retrieve.search(
            *(mirror.snapshot, query, vector, wanted), limit=limit, mode="hybrid", weights=weights
        )
        return [self._of(mirror, hit) for hit in hits]

    def candidates(self, query: str) -> list[Row]:
        """Return the rows that are ranked, in LanceDB's order: those of words first."""
        return self._found(query, self._encoder.encode([query])[0])

    def _found(self, query: str, vector: npt.NDArray[np.float32]) -> list[Row]:
        builds = {row.build: name for name, row in self.rows.items()}
        only = self._is_part
        return candidates(self._place, self._chunks, Question(query), vector, builds, only=only)

    def _of(self, mirror: Mirror, hit: Hit) -> TableHit:
        repository, path = mirror.places[hit.path]
        plain = Hit(
            path=path,
            start_line=hit.start_line,
            end_line=hit.end_line,
            symbol=hit.symbol,
            kind=hit.kind,
            language=hit.language,
            score=hit.score,
            why=hit.why,
            text=mask(hit.text, hit.language),  # who built the table may have had another mask
        )
        return TableHit(repository, self.rows[repository].revision, plain)


def _opened(place: TablePlace) -> tuple[Any, dict[str, Counted]]:
    """Return `chunks` and the rows of `repos` that were true at one moment.

    A build that is named later may have rows that this view of `chunks` lacks.
    """
    repos = place.table(REPOS)
    before = counted(place, repos)
    for _ in range(_LOOKS):
        chunks = place.table(CHUNKS)
        after = counted(place, repos)
        if after == before:
            break
        before = after
    return chunks, before
