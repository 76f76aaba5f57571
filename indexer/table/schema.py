"""What one table of many repositories holds, and what a place must have to be read as one.

Two tables. `chunks`: a row a chunk, with the repository and the *build* (one attempt at one
repository) that wrote it. `repos`: a row a repository that names the build which counts, written
last. What no row of `repos` names was written by somebody who died or was replaced: nobody sees it.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from homespun.indexer.config import CHUNKER_VERSION
from homespun.indexer.embedding.static_encoder import NAME
from homespun.indexer.words.tokens import WORDS_VERSION

CHUNKS, REPOS = "chunks", "repos"
DIMENSIONS = 256  # of the static encoder
FORMAT = f"1.{CHUNKER_VERSION}.{WORDS_VERSION}.{NAME}"  # of the rows; others are built anew

CHUNK_SCHEMA = pa.schema(
    [
        ("repository", pa.string()),
        ("build", pa.string()),
        ("path", pa.string()),  # in its repository
        ("hash", pa.string()),  # sha256 of the file
        ("language", pa.string()),
        ("ordinal", pa.int32()),  # place in the file
        ("start_line", pa.int32()),
        ("end_line", pa.int32()),
        ("symbol", pa.string()),
        ("kind", pa.string()),
        ("header", pa.string()),
        ("text", pa.string()),
        ("words", pa.string()),  # those of tokens.searched_words, joined by spaces
        ("names", pa.list_(pa.string())),  # what is defined here, in lower case
        ("defines", pa.string()),  # JSON [[name, qualified, kind, line], …]
        ("vector", pa.list_(pa.float32(), DIMENSIONS)),
    ]
)
REPO_SCHEMA = pa.schema(
    [
        ("repository", pa.string()),
        ("build", pa.string()),  # the attempt whose rows count
        ("format", pa.string()),
        ("revision", pa.string()),  # the commit, "" outside of git
        ("content", pa.string()),  # one hash of all that shapes the rows
        ("files", pa.int64()),
        ("chunks", pa.int64()),
        ("built", pa.int64()),  # seconds since 1970
    ]
)
SCHEMAS = {CHUNKS: CHUNK_SCHEMA, REPOS: REPO_SCHEMA}


def why_foreign(name: str, schema: Any) -> str:  # noqa: ANN401 - pyarrow publishes no types
    """Return why a table of this name is none of ours, "" where it is one."""
    for field in SCHEMAS[name]:
        number = schema.get_field_index(field.name)
        if number < 0:
            return f"its table {name!r} has no column {field.name!r}"
        found = schema.field(number).type
        if not _is_like(found, field.type):
            return f"column {field.name!r} of its table {name!r} holds {str(found)[:40]}"
    return ""


def _is_like(found: Any, wanted: Any) -> bool:  # noqa: ANN401
    """Compare two types; what the fields inside of lists are called says nothing."""
    if pa.types.is_fixed_size_list(wanted):
        is_list = pa.types.is_fixed_size_list(found) and found.list_size == wanted.list_size
        return is_list and bool(found.value_type.equals(wanted.value_type))
    if pa.types.is_list(wanted):
        return pa.types.is_list(found) and bool(found.value_type.equals(wanted.value_type))
    return bool(found.equals(wanted))
