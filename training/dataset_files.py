"""Where a dataset is written: a draft beside the folder, renamed when it is whole; one writer.

OUT          the finished dataset
OUT.draft    what a run is writing or has left; `key.json` says for which input
OUT.old      the one before, for the moment of the exchange
OUT.lock     held by the writer; the system frees it when the process dies
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from homespun.indexer.errors import StoreFull
from homespun.models.paths import WORKSPACE_FOLDER
from homespun.training.data_card import sha256_of
from homespun.training.errors import DatasetUnwritable

CARD = "data_card.json"
TRAIN = "train.jsonl"
VALIDATION = "validation.jsonl"
LEAKS = "leak_report.json"
PAGE = "data_card.md"
_KEY = "key.json"
# Windows knows no quota error.
_FULL_OR_CLOSED = {
    errno.ENOSPC,
    getattr(errno, "EDQUOT", errno.ENOSPC),
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
}


class Place:
    """A dataset's folder and its draft."""

    def __init__(self, out: Path) -> None:
        """Bring back what a killed exchange has put aside."""
        self.out = out
        self.draft = out.with_name(f"{out.name}.draft")
        self._old = out.with_name(f"{out.name}.old")
        if self._old.exists():
            if out.exists():
                shutil.rmtree(self._old)
            else:
                self._old.rename(out)

    def finished(self, key: str) -> Mapping[str, Any] | None:
        """Return the card of a finished dataset of this input; None where it is to be made."""
        try:
            card = json.loads((self.out / CARD).read_text(encoding="utf-8"))
            if card["key"] != key:
                return None
            damaged = [n for n, sha in card["sha256"].items() if sha256_of(self.out / n) != sha]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return None if damaged else dict(card)

    def begin(self, key: str) -> None:
        """Open the draft: that of a killed run of the same input is kept."""
        kept = self.draft / _KEY
        if not kept.is_file() or kept.read_text(encoding="utf-8") != key:
            shutil.rmtree(self.draft, ignore_errors=True)
            self.draft.mkdir(parents=True)
            kept.write_text(key, encoding="utf-8")

    def finish(self, *parts: str) -> None:
        """Put the draft in the place of the dataset; all in it but `parts` is thrown away."""
        for path in self.draft.iterdir():
            if path.name not in parts:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.out.exists():
            self.out.rename(self._old)
        self.draft.rename(self.out)
        shutil.rmtree(self._old, ignore_errors=True)


@contextmanager
def claimed(out: Path) -> Iterator[Place]:
    """Give the place of a dataset to one writer.

    Raises `DatasetUnwritable` where another one writes, or the disk is full or closed to us.
    """
    out = out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _ignore_in_git(out.parent)
        if out.exists() and not _is_replaceable(out):
            raise DatasetUnwritable(
                f"{str(out)!r} is there and no dataset: give another folder, or remove it"
            )
        lock = FileLock(out.with_name(f"{out.name}.lock"))
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DatasetUnwritable(
            f"another process is writing the dataset {str(out)!r}: wait for it to end, or give "
            "another folder"
        ) from error
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield Place(out)
    except OSError as error:
        if error.errno not in _FULL_OR_CLOSED:
            raise
        raise _unwritable(out, error) from error
    except StoreFull as error:
        raise DatasetUnwritable(f"the dataset {str(out)!r} cannot be written: {error}") from error
    finally:
        lock.release()


def write_text(path: Path, text: str) -> None:
    """Write a file and see that it is on the disk."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _ignore_in_git(folder: Path) -> None:
    path = folder / ".gitignore"
    if folder.name == WORKSPACE_FOLDER and not path.exists():
        path.write_text("*\n", encoding="utf-8")


def _is_replaceable(out: Path) -> bool:
    return out.is_dir() and ((out / CARD).is_file() or not any(out.iterdir()))


def _unwritable(out: Path, error: OSError) -> DatasetUnwritable:
    return DatasetUnwritable(
        f"the dataset {str(out)!r} cannot be written: {error.strerror or error}; free some space "
        "or check the folder's permissions and run again: it goes on where it was"
    )
