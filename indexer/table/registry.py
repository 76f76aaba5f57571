"""Which build of each repository counts: the table `repos`, one row a repository, written last."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import pyarrow as pa

from homespun.indexer.errors import TableRefused
from homespun.indexer.packs.names import is_repo
from homespun.indexer.storage.conditions import VALUES_A_CONDITION, is_one_of
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.schema import REPO_SCHEMA

_TRIES = 8  # of a write that others were in the way of
_PAUSE_SECONDS = 0.05
_MAX_REPOS = 200_000
_CONFLICTS = ("conflict", "concurrent", "retryable", "preempted")

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Counted:
    """The row of a repository."""

    repository: str
    build: str
    format: str
    revision: str
    content: str
    files: int
    chunks: int
    built: int


def new_build(now: float) -> str:
    """Return the name of a new attempt; of two, the one that began later is the greater."""
    return f"{int(now * 1000):013d}-{secrets.token_hex(6)}"


def began(build: str) -> float:
    """Return when an attempt began, in seconds since 1970; 0 where its name does not tell."""
    head = build.partition("-")[0]
    return int(head) / 1000 if head.isdecimal() and len(head) <= 15 else 0.0


def counted(place: TablePlace, table: Any) -> dict[str, Counted]:  # noqa: ANN401 - untyped library
    """Return the row of each repository, read anew; where two writers met, that of the later build.

    Raises `TableRefused`.
    """
    with place.asked():
        table.checkout_latest()
        if table.count_rows() > _MAX_REPOS:
            raise TableRefused(f"the table at {place.where} names more than {_MAX_REPOS} builds")
        rows = table.search().to_arrow().to_pylist()
    found: dict[str, Counted] = {}
    for row in rows:
        values = [row[name] for name in Counted.__dataclass_fields__]
        if any(value is None for value in values) or not is_repo(row["repository"]):
            continue  # none that we write
        one = Counted(*values)
        if one.repository not in found or found[one.repository].build < one.build:
            found[one.repository] = one
    return found


def name_build(place: TablePlace, table: Any, row: Counted) -> None:  # noqa: ANN401
    """Have a build count, unless one that began later does. Raises `TableRefused`."""
    data = pa.Table.from_pylist([asdict(row)], schema=REPO_SCHEMA)

    def merge() -> None:
        table.checkout_latest()
        merging = table.merge_insert("repository")
        merging = merging.when_matched_update_all(where="target.build < source.build")
        merging.when_not_matched_insert_all().execute(data)

    retried(place, merge)


def drop_surplus(place: TablePlace, table: Any) -> None:  # noqa: ANN401
    """Delete the rows of `repos` that do not count: two writers of a new repository have met.

    A later build then took the place of both, so two rows may be the same: a row is told by its
    number, and by its build, since somebody else may be compacting. Raises `TableRefused`.
    """
    kept = {name: row.build for name, row in counted(place, table).items()}

    def drop() -> None:
        table.checkout_latest()
        rows = table.search().select(["repository", "build"]).with_row_id(True).to_arrow()
        numbers, builds = [], set()
        seen: set[str] = set()
        for row in rows.to_pylist():
            name, build = row["repository"], row["build"]
            if kept.get(name) == build and name not in seen:
                seen.add(name)
            elif build is not None and kept.get(name, "") >= build:
                numbers.append(str(row["_rowid"]))
                builds.add(build)
        if numbers:
            named = is_one_of("build", sorted(builds))
            table.delete(f"_rowid IN ({', '.join(numbers)}) AND {named}")

    retried(place, drop)


def forget(place: TablePlace, table: Any, column: str, values: list[str]) -> None:  # noqa: ANN401
    """Delete the rows whose `column` is one of these. Raises `TableRefused`."""
    for start in range(0, len(values), VALUES_A_CONDITION):
        condition = is_one_of(column, values[start : start + VALUES_A_CONDITION])
        retried(place, lambda condition=condition: table.delete(condition))  # type: ignore[misc]


def retried(place: TablePlace, write: Callable[[], _Result]) -> _Result:
    """Write, and again while another writer was in the way. Raises `TableRefused`."""
    for number in range(_TRIES):
        try:
            with place.asked():
                return write()
        except TableRefused as refused:
            said = str(refused.__cause__ or refused).lower()
            if number + 1 == _TRIES or not any(word in said for word in _CONFLICTS):
                raise
            time.sleep(_PAUSE_SECONDS * 2**number * (0.5 + random.random()))
    raise AssertionError("not reached")
