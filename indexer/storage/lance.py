"""EDGE: opens the LanceDB of one index; its errors end here (lance_errors.py).

Three tables hold rows of files (rows.py), every row with its file's content hash; one table for
each encoder holds vectors by the hash of the chunk's text (vector_table.py). The store does what it
is told and decides nothing: which rows count is the manifest's word (manifest.py).

The tables lie in a folder whose name is drawn (`drawn_folder`) and stands in the manifest alone,
under its seal. What a repository brings along cannot know the name, so nothing of it is ever opened
here, and no later commit can put a table, a version or a row in the place of ours.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from lancedb.index import BTree

from homespun.indexer.errors import StoreFull
from homespun.indexer.storage import rows, vector_table
from homespun.indexer.storage.conditions import VALUES_A_CONDITION, is_one_of
from homespun.indexer.storage.lance_errors import mapped_errors
from homespun.indexer.storage.rows import FILE_TABLES, Rows
from homespun.indexer.types import ParsedFile
from homespun.storage import make_private_folder, remove_whatever
from homespun.traces.traced import traced

_KEEP_VERSIONS = timedelta(minutes=10)  # a reader may still be loading the one before
# A file's rows are dropped and read by its path; words and languages are asked of the memory alone.
_INDEXED = "path"
_PREFIX = "lance"


def drawn_folder(home: Path) -> Path:
    """Return where a new store below `home` lies; nobody else can tell the name beforehand."""
    return home / f"{_PREFIX}.{secrets.token_hex(8)}"


class Store:
    """The tables under one folder."""

    def __init__(self, folder: Path) -> None:
        """Look at the tables in a folder; it is made when the first is."""
        self._folder = folder
        self._connect()

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self._folder.name

    def follow(self, name: str) -> None:
        """Look at the tables in the folder of this name, beside the one so far."""
        if name != self.name:
            self._folder = self._folder.with_name(name)
            self._connect()

    def catch_up(self, *, fully: bool = True) -> None:
        """See what another process has written; a writer calls it once it holds the lock.

        Not `fully` where the tables are those of our last look, though they may have new versions.
        """
        with self._mapped("opening"):
            if not fully:
                for table in self._writable.values():
                    table.checkout_latest()
                return
        self._connect()

    def wipe(self) -> None:
        """Drop everything, readable or not, and begin in another folder."""
        self.sweep(keep="")
        self.follow(drawn_folder(self._folder.parent).name)

    def sweep(self, *, keep: str) -> None:
        """Remove all stores below the same home but the one of this name."""
        for path in self._folder.parent.glob(f"{_PREFIX}*"):
            try:
                if path.name != keep:
                    remove_whatever(path)
            except OSError as error:
                raise StoreFull(
                    f"cannot remove the old index in {str(path)!r}: {error}; close what uses "
                    "it or check the folder's permissions, then run again"
                ) from error

    def _connect(self) -> None:
        self._db: Any = None
        self._names: set[str] = set()
        self._writable: dict[str, Any] = {}  # open tables at their latest version
        if self._folder.is_dir():
            self._look()

    def _look(self) -> None:
        with self._mapped("opening"):
            self._db = self._db or lancedb.connect(self._folder)
            self._names = set(self._db.list_tables(limit=1000).tables)

    def forget_files(self) -> None:
        """Drop the tables of files; vectors stay, many texts will be the same again."""
        with self._mapped("writing to"):
            for name in self._names & set(FILE_TABLES):
                self._database().drop_table(name)
            self._names -= set(FILE_TABLES)
            self._writable.clear()

    # Files

    @traced("index.write")
    def replace(self, outdated: Sequence[str], files: Sequence[ParsedFile]) -> Rows:
        """Drop all rows of the paths `outdated`, then add the rows of `files` and return them.

        Not atomic, and needs not be: readers look at the versions that the manifest names.
        """
        files = sorted(files, key=lambda file: file.path)
        tables = rows.tables_of(files)
        with self._mapped("writing to"):
            # Each takes milliseconds of waiting: all tables at once.
            with ThreadPoolExecutor(len(tables)) as workers:
                jobs = [
                    workers.submit(self._replace_in, name, outdated, tables[name])
                    for name in tables
                ]
            for job in jobs:
                job.result()
        return rows.rows_of(files, tables)

    def _replace_in(self, name: str, outdated: Sequence[str], added: rows.Table) -> None:
        table = self._table(name)
        for start in range(0, len(outdated), VALUES_A_CONDITION):
            table.delete(is_one_of("path", outdated[start : start + VALUES_A_CONDITION]))
        if len(added):
            table.add(added)

    def versions(self) -> dict[str, int]:
        """Return the current version of each table of files."""
        with self._mapped("reading"):
            return {name: int(self._table(name).version) for name in FILE_TABLES}

    def census(self) -> dict[str, Counter[tuple[str, str]]]:
        """Return for each table of files how many rows each (path, hash) has."""
        counted = {}
        with self._mapped("reading"):
            for name in FILE_TABLES:
                columns = self._table(name).search().select(["path", "hash"]).to_arrow()
                pairs = zip(*(columns[key].to_pylist() for key in ("path", "hash")), strict=True)
                counted[name] = Counter(pairs)
        return counted

    def read(
        self,
        versions: Mapping[str, int],
        hashes: Mapping[str, str],
        *,
        only: Sequence[str] | None = None,
    ) -> Rows:
        """Return the rows whose (path, hash) is in `hashes`, of the paths in `only` if given."""
        with self._mapped("reading"):
            tables = {name: self._rows(name, versions, hashes, only) for name in FILE_TABLES}
            found = rows.read_rows(tables)
        if only is None:
            del tables
            pa.default_memory_pool().release_unused()  # a third of the process, after a big read
        return found

    # Vectors

    def vector_keys(self, encoder: str) -> set[str]:
        """Return the text hashes that have a vector of this encoder."""
        name = vector_table.name_of(encoder)
        if not self._has(name):
            return set()
        with self._mapped("reading"):
            return set(vector_table.keys_of(self._database().open_table(name)))

    def vector_dimensions(self, encoder: str) -> int:
        """Return how long the vectors of an encoder are, 0 where there are none."""
        name = vector_table.name_of(encoder)
        if not self._has(name):
            return 0
        with self._mapped("reading"):
            return vector_table.dimensions_of(self._database().open_table(name))

    def add_vectors(
        self, encoder: str, keys: Sequence[str], vectors: npt.NDArray[np.float32]
    ) -> None:
        """Keep `(len(keys), dimensions)` float32 vectors."""
        added = vector_table.arrow_of(keys, vectors)
        name = vector_table.name_of(encoder)
        with self._mapped("writing to"):
            if self._has(name):
                self._database().open_table(name).add(added)
            else:
                self._made().create_table(name, added)
                self._names.add(name)

    def vectors(
        self, encoder: str, keys: Collection[str] | None = None
    ) -> Iterator[tuple[list[str], npt.NDArray[np.float32]]]:
        """Yield keys and `(len, dimensions)` float32 vectors, some thousands at a time.

        All, or those of `keys`; then keys alone are searched, and no other vector is read.
        """
        name = vector_table.name_of(encoder)
        if not self._has(name):
            return
        with self._mapped("reading"):
            yield from vector_table.read(self._database().open_table(name), keys)

    def forget_vectors(self, encoder: str) -> None:
        """Drop the table of an encoder, readable or not."""
        name = vector_table.name_of(encoder)
        if self._has(name):
            with self._mapped("writing to"):
                self._database().drop_table(name)
            self._names.discard(name)

    def trim_vectors(self, encoder: str, wanted: Container[str]) -> int:
        """Drop the oldest vectors of texts that are not `wanted` if there are too many of them.

        Returns how many.
        """
        name = vector_table.name_of(encoder)
        if name not in self._names:
            return 0
        with self._mapped("writing to"):
            return vector_table.trim(self._database().open_table(name), wanted)

    # Care

    def ensure_indexes(self) -> None:
        """Create the missing indexes of tables that have rows (on an empty one they cover none).

        Those of words and languages, which earlier versions made and nobody asks, are dropped.
        """
        with self._mapped("writing to"):
            for name in FILE_TABLES:
                table = self._table(name)
                present = {index.columns[0]: index.name for index in table.list_indices()}
                for column in present.keys() - {_INDEXED}:
                    table.drop_index(present[column])
                if _INDEXED not in present and table.count_rows():
                    table.create_index(_INDEXED, config=BTree())

    def indexes(self) -> dict[str, dict[str, tuple[str, int]]]:
        """Return table -> column -> (kind of index, rows that it does not cover yet)."""
        with self._mapped("reading"):
            return {
                name: {
                    index.columns[0]: (index.index_type, index.num_unindexed_rows or 0)
                    for index in self._table(name).list_indices()
                }
                for name in FILE_TABLES
            }

    def optimize(self) -> None:
        """Compact, bring the indexes up to date, drop versions that no reader can be loading.

        The caller holds the write lock, so a file that no version names is a dead writer's.
        """
        with self._mapped("writing to"):
            for name in sorted(self._names):
                table = self._table(name)
                table.checkout_latest()  # vectors were added and dropped through other handles
                table.optimize(cleanup_older_than=_KEEP_VERSIONS, delete_unverified=True)

    def disk_bytes(self) -> int:
        """Return the size of all files of the store, without what a writer takes away meanwhile."""
        total = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(FileNotFoundError):
                    total += Path(folder, name).stat().st_size
        return total

    def _table(self, name: str) -> Any:  # noqa: ANN401 - lancedb publishes no types
        if name not in self._writable:
            self._writable[name] = (
                self._database().open_table(name)
                if name in self._names
                else self._made().create_table(name, schema=rows.SCHEMAS[name], exist_ok=True)
            )
            self._names.add(name)
        return self._writable[name]

    def _has(self, name: str) -> bool:
        """Tell whether there is a table; another process may have made it since we looked."""
        if name not in self._names and self._folder.is_dir():
            self._look()
        return name in self._names

    def _database(self) -> Any:  # noqa: ANN401 - lancedb publishes no types
        database = self._db
        if database is None:  # nothing was written yet, or another thread begins anew
            raise FileNotFoundError(f"there is no folder {str(self._folder)!r}")
        return database

    def _made(self) -> Any:  # noqa: ANN401 - lancedb publishes no types
        """Return the database, its folder made where it is missing."""
        make_private_folder(self._folder)
        self._db = self._db or lancedb.connect(self._folder)
        return self._db

    def _rows(
        self,
        name: str,
        versions: Mapping[str, int],
        hashes: Mapping[str, str],
        only: Sequence[str] | None,
    ) -> Any:  # noqa: ANN401 - an Arrow table
        table = self._database().open_table(name)
        if name in versions:
            table.checkout(versions[name])
        if only is None:
            found = table.to_arrow()
        elif not only:
            found = rows.SCHEMAS[name].empty_table()
        else:
            found = table.search().where(is_one_of("path", only)).to_arrow()
        return rows.only_current(found, hashes)

    def _mapped(self, doing: str) -> AbstractContextManager[None]:
        return mapped_errors(self._folder, doing=doing)
