"""A question -> the rows of a table that are worth ranking: by words, by nearness, by name.

LanceDB finds, it does not rank: its own order of these rows answers two of five questions where
ours answers three (bench/README.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.query import MatchQuery

from homespun.indexer.search.query import Question
from homespun.indexer.storage.conditions import is_one_of
from homespun.indexer.table.believed import COLUMNS, Row, good_rows
from homespun.indexer.table.place import TablePlace

OF_WORDS, OF_VECTORS = 100, 100  # rows that each side gives
OF_NAMES = 60  # definitions of names that are asked for
_MAX_WORDS = 64
_MAX_NAMES = 16
_SPARE = 1.5  # times as many are asked for: some may be of builds that count no longer
# Of IVF-PQ: partitions looked into, times as many compared exactly. `bench.scale.probes` says what
# more and fewer find and cost, to a million rows.
PROBES, REFINED = 120, 20
_JOINT = re.compile(r"\.|::|#")


def candidates(
    place: TablePlace,
    chunks: Any,  # noqa: ANN401 - lancedb publishes no types
    question: Question,
    vector: npt.NDArray[np.float32],
    builds: dict[str, str],
    *,
    only: bool = False,
    of_words: int = OF_WORDS,
    of_vectors: int = OF_VECTORS,
    of_names: int = OF_NAMES,
) -> list[Row]:
    """Return the rows that a question might mean, each once. `vector` is its own, `(256,)`.

    `builds` (build -> repository) are those that count. With `only` LanceDB is told so, which is
    worth it where they are few of many. Raises `TableRefused`.
    """
    parts = []
    with place.asked():
        for find, most in (
            (_by_words(chunks, question), of_words),
            (_by_vector(chunks, vector), of_vectors),
            (_by_names(chunks, question), of_names),
        ):
            if find is not None and most:
                parts.append(_enough(find, builds, most, only=only))
    return good_rows(pa.concat_tables(parts), builds) if parts else []


def _enough(
    find: Callable[[int, str], Any], builds: dict[str, str], most: int, *, only: bool
) -> Any:  # noqa: ANN401 - an Arrow table
    """Return the best rows of builds that count: at first without saying so, which is cheaper."""
    if not only:
        asked = int(most * _SPARE)
        found = find(asked, "")
        counting = found.filter(_is_of(found["build"], builds))
        if len(counting) >= most or len(found) < asked:
            return counting.slice(0, most)
    return find(most, is_one_of("build", sorted(builds)))


def _is_of(column: Any, builds: dict[str, str]) -> Any:  # noqa: ANN401
    return pc.is_in(column, value_set=pa.array(sorted(builds), pa.string()))


def _by_words(chunks: Any, question: Question) -> Callable[[int, str], Any] | None:  # noqa: ANN401
    words = question.words[:_MAX_WORDS]
    if not words:
        return None

    def find(most: int, where: str) -> Any:  # noqa: ANN401
        query = chunks.search(MatchQuery(" ".join(words), "words"), query_type="fts")
        return _taken(query, most, where, "_score")

    return find


def _by_vector(
    chunks: Any,  # noqa: ANN401
    vector: npt.NDArray[np.float32],
) -> Callable[[int, str], Any] | None:
    if not vector.any():
        return None

    def find(most: int, where: str) -> Any:  # noqa: ANN401
        query = chunks.search(vector, vector_column_name="vector").distance_type("dot")
        query = query.nprobes(PROBES).refine_factor(REFINED)
        return _taken(query, most, where, "_distance")

    return find


def _by_names(chunks: Any, question: Question) -> Callable[[int, str], Any] | None:  # noqa: ANN401
    names = asked_names(question)
    if not names:
        return None

    def find(most: int, where: str) -> Any:  # noqa: ANN401
        quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        condition = f"array_has_any(names, [{quoted}])"
        query = chunks.search().where(f"{condition} AND {where}" if where else condition)
        return query.select(list(COLUMNS)).limit(most).to_arrow()

    return find


def asked_names(question: Question) -> list[str]:
    """Return the names whose definitions a question may mean, in lower case."""
    if question.kind == "symbol":
        last = [part for part in _JOINT.split(question.symbol) if part][-1:]
        return [name.casefold() for name in last]
    if question.kind == "path":
        return []
    return [name.casefold() for name in question.names[:_MAX_NAMES]]


def _taken(query: Any, most: int, where: str, score: str) -> Any:  # noqa: ANN401
    if where:
        query = query.where(where, prefilter=True)
    found = query.select([*COLUMNS, score]).limit(most).to_arrow()
    return found.select(COLUMNS)
