"""EDGE pyarrow: rows of definitions <-> the bytes of a pack (Parquet, zstd).

Equal rows give equal bytes, so a pack can be called by its hash. Whatever is read was written by
others: its columns, its size, and what each text may be are looked at before a row is believed.
Columns stay encoded by their different values until then, so that a few bytes cannot become many.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from homespun.indexer.errors import PackRefused
from homespun.indexer.packs.definition import (
    FILE,
    IMPORT,
    KINDS,
    LEADS,
    MAX_CHARS,
    MAX_LINE,
    MAX_PACK_BYTES,
    MAX_PACK_TEXT,
    MAX_ROWS,
    PackRow,
)
from homespun.indexer.packs.modules import is_offered
from homespun.indexer.secrets.mask import mask
from homespun.showable import showable_line
from homespun.storage import megabytes

PACK_FORMAT = 1  # raise it when the columns or their meaning change; others are refused
TEXTS = tuple(MAX_CHARS)
NUMBERS = ("start_line", "end_line")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in TEXTS] + [(name, pa.int32()) for name in NUMBERS]
)
_CONTROL = re.compile(r"<(?=[|｜])|(?<=[|｜])>")  # of `<|fim_middle|>` and its like
_PATH = re.compile(r"[^\x00-\x1f\x7f\\:]+")
_NAME = re.compile(r"[^\W\d]\w*|\*|")
_DOTTED = re.compile(r"\.*(?:[^\W\d]\w*)?(?:\.[^\W\d]\w*)*|\*")
_THRIFT_BYTES = 4_000_000  # of the file's own description
# All that pyarrow was seen to raise for a file that is damaged, or made to be.
_WRONG = (
    pa.ArrowException,
    ValueError,
    OSError,
    MemoryError,
    OverflowError,
    LookupError,
    TypeError,
)

Table = Any  # an Arrow table; pyarrow publishes no types


def packed(rows: Iterable[PackRow]) -> bytes:
    """Return the bytes of a pack. Raises `PackRefused` for more than one may hold."""
    listed = list(rows)
    if len(listed) > MAX_ROWS:
        raise PackRefused(
            f"the repository has {len(listed):,} public definitions, imports and files; a pack "
            f"holds {MAX_ROWS:,}: publish its parts under names of their own"
        )
    columns = {name: [getattr(row, name) for row in listed] for name in (*TEXTS, *NUMBERS)}
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(columns, schema=SCHEMA), sink, compression="zstd", compression_level=9,
        row_group_size=MAX_ROWS, write_statistics=False, store_schema=False,
    )  # fmt: skip
    data: bytes = sink.getvalue().to_pybytes()
    if len(data) > MAX_PACK_BYTES:
        raise PackRefused(
            f"the pack would have {megabytes(len(data))}, more than {megabytes(MAX_PACK_BYTES)}; "
            "publish the repository's parts under names of their own"
        )
    return data


def unpacked_columns(data: bytes, *, what: str) -> dict[str, Any]:
    """Return the columns of a pack, texts made safe and encoded by their different values.

    A text column is `(values, codes)`: a list of texts and an Arrow array of numbers into it; a
    column of lines is an Arrow array. `what` names the pack in sentences. Raises `PackRefused`.
    """
    try:
        table = _read(data)
        columns: dict[str, Any] = {name: _lines(table[name]) for name in NUMBERS}
        for name in TEXTS:
            columns[name] = _encoded(table[name])
        _check_size(columns)
        for name in TEXTS:
            columns[name] = (_safe(name, columns[name][0]), columns[name][1])
        _check_rows(columns)
    except _WRONG as error:
        said = showable_line(str(error).partition("\n")[0][:200])
        raise PackRefused(f"{what} is no pack that can be believed: {said}") from error
    return columns


def _read(data: bytes) -> Table:
    if len(data) > MAX_PACK_BYTES:
        raise ValueError(f"it is larger than {megabytes(MAX_PACK_BYTES)}")
    _check_description(_opened(data, []).metadata)
    table = _opened(data, list(TEXTS)).read()
    if len(table) > MAX_ROWS or any(column.null_count for column in table.columns):
        raise ValueError("a value in it is missing")
    return table


def give_back() -> None:
    """Give the memory that reading took back to the system; what is read stays."""
    pa.default_memory_pool().release_unused()


def _opened(data: bytes, encoded: list[str]) -> Any:  # noqa: ANN401 - a Parquet file
    return pq.ParquetFile(
        pa.BufferReader(data),
        read_dictionary=encoded,
        thrift_string_size_limit=_THRIFT_BYTES,
        thrift_container_size_limit=_THRIFT_BYTES,
    )


def _check_description(about: Any) -> None:  # noqa: ANN401 - of a Parquet file
    """Raise ValueError where a file says that it is no pack, or too large for one."""
    wanted = [(name, "BYTE_ARRAY") for name in TEXTS] + [(name, "INT32") for name in NUMBERS]
    columns = [about.schema.column(n) for n in range(min(about.num_columns, len(wanted) + 1))]
    if [(column.path, column.physical_type) for column in columns] != wanted:
        raise ValueError("its columns are others")
    if about.num_rows > MAX_ROWS or about.num_row_groups > 1:
        raise ValueError(f"it has more than {MAX_ROWS:,} rows")
    groups = [about.row_group(n) for n in range(about.num_row_groups)]
    sizes = [
        group.column(n).total_uncompressed_size for group in groups for n in range(len(wanted))
    ]
    if any(size < 0 for size in sizes) or sum(sizes) > MAX_PACK_TEXT:
        raise ValueError(f"it would have {megabytes(sum(sizes))}")


def _encoded(column: Table) -> tuple[Any, Any]:
    column = column.combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], pa.string())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.type.value_type not in (pa.string(), pa.binary()):
        raise ValueError("a column in it is no text")
    column.validate(full=True)  # codes that point outside, texts that are no UTF-8
    return column.dictionary.cast(pa.string()), column.indices.cast(pa.int32())


def _lines(column: Table) -> Any:  # noqa: ANN401 - an Arrow array
    numbers = column.combine_chunks()
    if isinstance(numbers, pa.ChunkedArray):
        numbers = numbers.chunk(0) if numbers.num_chunks else pa.array([], pa.int32())
    if len(numbers):
        bounds = pc.min_max(numbers).as_py()
        if bounds["min"] < 1 or bounds["max"] > MAX_LINE:
            raise ValueError("a line in it is no line of a file")
    return numbers


def _check_size(columns: dict[str, Any]) -> None:
    """Raise ValueError where one text is too long, or all of them together as rows."""
    whole = 0
    for name, most in MAX_CHARS.items():
        values, codes = columns[name]
        lengths = pc.utf8_length(values)
        if len(values) and pc.max(lengths).as_py() > most:
            raise ValueError(f"a {name} in it has more than {most} characters")
        whole += pc.sum(pc.take(lengths, codes)).as_py() or 0
    if whole > MAX_PACK_TEXT:
        raise ValueError(f"it would have {megabytes(whole)} of text")


def _safe(name: str, values: Any) -> list[str]:  # noqa: ANN401 - an Arrow array
    """Return the different texts of a column as they may be used. Raises ValueError."""
    texts: list[str] = values.to_pylist()
    if name in ("signature", "doc", "body"):
        return _masked([_broken_up(text, is_one_line=name != "body") for text in texts])
    if name == "kind":
        odd = [text for text in texts if text not in KINDS or texts.count(text) > 1]
    elif name == "lead":
        odd = [text for text in texts if not set(text.split()) <= set(LEADS)]
    elif name == "path":
        odd = [text for text in texts if not is_path(text)]
    else:
        odd = [text for text in texts if not _DOTTED.fullmatch(text)]
    if odd:
        raise ValueError(f"{odd[0][:80]!r} in it is no {name}")
    return texts


def is_path(text: str) -> bool:
    """Tell whether a text is a plain path within a repository, as all of ours are."""
    parts = text.split("/")
    return bool(_PATH.fullmatch(text)) and not any(part in ("", ".", "..") for part in parts)


def _broken_up(text: str, *, is_one_line: bool) -> str:
    """Return a text whose characters only say something: no control token, no escape sequence."""
    if is_one_line and "\n" in text:
        raise ValueError("a text in it has several lines")
    return _CONTROL.sub(lambda match: "< " if match[0] == "<" else " >", _shown(text))


def _shown(text: str) -> str:
    if "\n" not in text:
        return text if text.isascii() and text.isprintable() else showable_line(text)
    return "\n".join(_shown(line.replace("\t", "    ")) for line in text.split("\n"))


def _masked(texts: Sequence[str]) -> list[str]:
    """Return texts without what looks like a secret: masked as one, for that is quick."""
    whole = "\n".join(texts)
    safe = mask(whole, "python")
    if len(safe) != len(whole):
        return [mask(text, "python") for text in texts]
    found, start = [], 0
    for text in texts:
        found.append(safe[start : start + len(text)])
        start += len(text) + 1
    return found


def _check_rows(columns: dict[str, Any]) -> None:
    """Raise ValueError where a row is none: a module that nobody may offer, a name of two parts."""
    kinds, kind_codes = columns["kind"]
    names, name_codes = columns["name"]
    if FILE in kinds:
        is_file = pc.equal(kind_codes, kinds.index(FILE))
        for code in pc.unique(name_codes.filter(is_file)).to_pylist():
            if not is_offered(names[code]):
                raise ValueError(f"{names[code][:80]!r} in it is no module that others import")
    free = [kinds.index(kind) for kind in (FILE, IMPORT) if kind in kinds]
    is_free = pc.is_in(kind_codes, value_set=pa.array(free, pa.int32()))
    for code in pc.unique(name_codes.filter(pc.invert(is_free))).to_pylist():
        if not _NAME.fullmatch(names[code]) or not names[code]:
            raise ValueError(f"{names[code][:80]!r} in it is no name")
