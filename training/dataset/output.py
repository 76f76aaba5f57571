"""Where a dataset is written: a draft beside the folder, renamed when it is whole; one writer.

OUT          the finished dataset
OUT.draft    what a run is writing or has left; `key.json` says for which input
OUT.old      the one before, for the moment of the exchange
OUT.lock     held by the writer; the system frees it when the process dies

The card and the key are sealed with this machine's key: what came with the folder, of a clone or an
archive, is neither kept nor gone on with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import Timeout

from homespun.indexer.errors import StoreFull
from homespun.locks import lock_file
from homespun.parsing import read_json
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import (
    check_workspace_folder,
    is_full_or_closed,
    make_private_folder,
    remove_whatever,
    workspace_folder,
    write_private,
)
from homespun.training.dataset.card import sha256_of
from homespun.training.errors import DatasetUnwritable
from homespun.trust import has_seal, with_seal

CARD = "data_card.json"
TRAIN = "train.jsonl"
VALIDATION = "validation.jsonl"
LEAKS = "leak_report.json"
PAGE = "data_card.md"
SEAL = "seal.json"  # of the card
_KEY = "key.json"
_MAX_BYTES = 100_000_000  # of a card: it names the files that were left out
_KEY_BYTES = 10_000
_PURPOSE = "dataset"


class DatasetFolder:
    """A dataset's folder and its draft."""

    def __init__(self, out: Path) -> None:
        """Bring back what a killed exchange has put aside."""
        self.out = out
        self.draft = out.with_name(f"{out.name}.draft")
        self._old = out.with_name(f"{out.name}.old")
        if self._old.exists():
            if out.exists():
                remove_whatever(self._old)
            else:
                self._old.rename(out)

    def finished(self, key: str) -> Mapping[str, Any] | None:
        """Return the card of a finished dataset of this input; None where it is to be made."""
        try:
            card = read_json(self.out / CARD, max_bytes=_MAX_BYTES)
            if card["key"] != key or not self._is_ours(self.out / SEAL, sha256_of(self.out / CARD)):
                return None
            damaged = [n for n, sha in card["sha256"].items() if sha256_of(self.out / n) != sha]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return None if damaged else dict(card)

    def begin(self, key: str) -> None:
        """Open the draft: that of a killed run of the same input is kept."""
        kept = self.draft / _KEY
        if not self._is_ours(kept, key):
            remove_whatever(self.draft)
            make_private_folder(self.draft)
            self._seal(kept, key)

    def finish(self, *parts: str) -> None:
        """Put the draft in the place of the dataset; all in it but `parts` is thrown away."""
        for path in self.draft.iterdir():
            if path.name not in parts:
                remove_whatever(path)
        self._seal(self.draft / SEAL, sha256_of(self.draft / CARD))
        if self.out.exists():
            self.out.rename(self._old)
        self.draft.rename(self.out)
        shutil.rmtree(self._old, ignore_errors=True)

    def _seal(self, path: Path, what: str) -> None:
        body = with_seal({"of": what}, purpose=_PURPOSE, folder=self.out)
        write_private(path, json.dumps(body) + "\n", durable=True)

    def _is_ours(self, path: Path, what: str) -> bool:
        try:
            body = read_json(path, max_bytes=_KEY_BYTES)
        except (OSError, ValueError):
            return False
        is_ours = isinstance(body, dict) and has_seal(body, purpose=_PURPOSE, folder=self.out)
        return is_ours and body["of"] == what


@contextmanager
def claimed(out: Path) -> Iterator[DatasetFolder]:
    """Give the place of a dataset to one writer.

    Raises `DatasetUnwritable` where another one writes, or the disk is full or closed to us, and
    `FolderRefused` where it lies in a `.homespun` that is a link, holds one or is another user's.
    """
    _check_around(out.absolute())
    out = out.resolve()
    try:
        make_private_folder(out.parent)
        if out.exists() and not _is_replaceable(out):
            raise DatasetUnwritable(
                f"{str(out)!r} is there and no dataset: give another folder, or remove it"
            )
        lock = lock_file(out.with_name(f"{out.name}.lock"))
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DatasetUnwritable(
            f"another process is writing the dataset {str(out)!r}: wait for it to end, or give "
            "another folder"
        ) from error
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield DatasetFolder(out)
    except OSError as error:
        if not is_full_or_closed(error):
            raise
        raise _unwritable(out, error) from error
    except StoreFull as error:
        raise DatasetUnwritable(f"the dataset {str(out)!r} cannot be written: {error}") from error
    finally:
        lock.release()


def _check_around(out: Path) -> None:
    """Look at the `.homespun` that the place lies in, and make it where it is missing."""
    for folder in out.parents:
        if folder.name == WORKSPACE_FOLDER:
            check_workspace_folder(folder.parent)
            try:
                workspace_folder(folder.parent)
            except OSError as error:
                raise _unwritable(out, error) from error


def _is_replaceable(out: Path) -> bool:
    return out.is_dir() and ((out / CARD).is_file() or not any(out.iterdir()))


def _unwritable(out: Path, error: OSError) -> DatasetUnwritable:
    return DatasetUnwritable(
        f"the dataset {str(out)!r} cannot be written: {error.strerror or error}; free some space "
        "or check the folder's permissions and run again: it goes on where it was"
    )
