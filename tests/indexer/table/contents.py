"""What a reader sees of a table, and what lies there."""

from __future__ import annotations

from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import counted
from homespun.indexer.table.schema import CHUNKS, REPOS

FACTS = (
    *("repository", "path", "ordinal", "hash", "language", "start_line", "end_line", "symbol"),
    *("kind", "header", "text", "words", "names", "defines", "vector"),
)


def seen(uri):
    """Every fact of every row that counts, sorted; the names of builds aside."""
    place = TablePlace(uri)
    named = {row.build for row in counted(place, place.table(REPOS)).values()}
    rows = place.table(CHUNKS).search().to_arrow().to_pylist()
    facts = [
        tuple(map(str, (row[name] for name in FACTS))) for row in rows if row["build"] in named
    ]
    return sorted(facts)


def lying(uri):
    """How many rows lie there, whoever wrote them."""
    return TablePlace(uri).table(CHUNKS).count_rows()


def rows_of(uri):
    """repository -> its row of `repos`."""
    place = TablePlace(uri)
    return counted(place, place.table(REPOS))
