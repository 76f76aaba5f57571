"""What LanceDB raises -> a sentence of ours: the disk is full, or the index is damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homespun.indexer.errors import IndexDamaged, StoreFull

_NO_SPACE = re.compile(
    r"no space left|os error (28|13|30|27|122|112)\b|permission denied|file too large"
    r"|read-only file system|quota",
    re.IGNORECASE,
)
_RUST_PLACE = re.compile(r",?\s*\S+\.rs:\d+(:\d+)?")  # where in Lance's own source
PANICS = ("PanicException", "RustPanic")


@contextmanager
def mapped_errors(folder: Path, *, doing: str) -> Iterator[None]:
    """Turn what LanceDB raises about the store in a folder into `IndexDamaged` or `StoreFull`.

    `doing` begins the sentence: "reading" the index failed.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, NotImplementedError) as error:
        raise _translated(folder, doing, error) from error
    except BaseException as error:
        # A panic inside Lance on bytes that make no sense arrives as one of these.
        if type(error).__name__ not in PANICS:
            raise
        raise _translated(folder, doing, error) from error


def first_line(error: BaseException) -> str:
    """Return what Lance says first, without the place in its own source."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return _RUST_PLACE.sub("", line)


def _translated(folder: Path, doing: str, error: BaseException) -> IndexDamaged | StoreFull:
    said = first_line(error)[:200]
    if isinstance(error, PermissionError) or _NO_SPACE.search(str(error)):
        return StoreFull(
            f"{doing} the index in {str(folder)!r} failed: {said}; free some space "
            "or check the folder's permissions, then run again: what was indexed before is kept"
        )
    root = folder.parent.parent
    return IndexDamaged(
        f"{doing} the index in {str(folder)!r} failed: {said}; "
        f"run `homespun index {root}`, which rebuilds it"
    )
