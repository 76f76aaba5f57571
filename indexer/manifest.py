"""`.homespun/manifest.json`: what the index holds. Written last, by rename: its word counts.

A row of the store is part of the index only if the manifest names its file with the same content
hash, and readers look at the table versions that it names. So a writer may die at any moment.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field, fields
from operator import attrgetter
from pathlib import Path

from homespun.indexer.config import CHUNKER_VERSION, IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexMissing, StoreFull
from homespun.indexer.tokens import TOKENIZER_VERSION

FORMAT_VERSION = 1  # raise it when a table's columns or this file's fields change meaning

FOLDER = ".homespun"
_NAME = "manifest.json"
_RENAMES = 10
_RENAME_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What the index knows about one file, or why it holds nothing of it."""

    hash: str  # sha256 of the bytes, hex
    size: int  # bytes
    mtime_ns: int  # 0 = do not trust the time, look at the content again
    language: str = ""
    chunks: int = 0
    symbols: int = 0
    partial: bool = False
    skipped: str = ""  # the parser's reason; "" for an indexed file


_FIELDS = attrgetter(*(field.name for field in fields(FileStamp)))


@dataclass(frozen=True, slots=True)
class EncoderStamp:
    """Which vectors belong to the index."""

    name: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One consistent state of the index; never changed, only replaced by the next generation."""

    generation: int = 0
    format: int = FORMAT_VERSION
    chunker: int = CHUNKER_VERSION
    tokenizer: int = TOKENIZER_VERSION
    chunk_chars: int = 0
    encoder: EncoderStamp | None = None
    tables: dict[str, int] = field(default_factory=dict)  # table -> version to read
    optimized: int = 0  # version of `chunks` when the store was last compacted
    files: dict[str, FileStamp] = field(default_factory=dict)

    @property
    def indexed(self) -> dict[str, FileStamp]:
        """The files that have rows in the store."""
        return {path: stamp for path, stamp in self.files.items() if not stamp.skipped}


def load(folder: Path) -> Manifest:
    """Read the manifest of an index folder.

    Raises `IndexMissing` if there is none, `IndexDamaged` if it is unreadable or of other versions.
    """
    root = str(folder.parent)
    try:
        body = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        versions = {key: body[key] for key in ("format", "chunker", "tokenizer")}
    except FileNotFoundError as error:
        raise IndexMissing(f"no index in {root!r}: run `homespun index {root}` first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"cannot be read ({type(error).__name__}: {error})") from error
    ours = {"format": FORMAT_VERSION, "chunker": CHUNKER_VERSION, "tokenizer": TOKENIZER_VERSION}
    if versions != ours:
        raise _damaged(folder, f"is of another version ({_listed(versions)}; now {_listed(ours)})")
    try:
        return _from_json(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, f"is not what was written ({error!r})") from error


def save(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place in one step. Raises `StoreFull`; the old one then stays.

    No fsync: a manifest torn by a power cut is detected when it is read, and rebuilt.
    """
    draft = folder / f"{_NAME}.{os.getpid()}.tmp"
    try:
        draft.write_text(json.dumps(_to_json(manifest), separators=(",", ":")), encoding="utf-8")
        _put_in_place(draft, folder / _NAME)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StoreFull(
            f"cannot write {str(folder / _NAME)!r}: {error.strerror or error}; free some space or "
            "check the folder's permissions, then run again: what was indexed before is kept"
        ) from error


def _put_in_place(draft: Path, target: Path) -> None:
    for _ in range(_RENAMES):
        try:
            os.replace(draft, target)
        except PermissionError:  # on Windows, for as long as a reader has the old one open
            time.sleep(_RENAME_PAUSE_SECONDS)
        else:
            return
    os.replace(draft, target)


def sweep(folder: Path) -> None:
    """Remove drafts that a dead writer left; the caller holds the write lock."""
    for draft in folder.glob(f"{_NAME}.*.tmp"):
        draft.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Forget the index: from now on there is none."""
    (folder / _NAME).unlink(missing_ok=True)


def identity(folder: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever `save` has run (cheap); None when there is no manifest."""
    try:
        stat = (folder / _NAME).stat()
    except FileNotFoundError:
        return None
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def stale(manifest: Manifest, config: IndexConfig) -> str:
    """Return why the rows do not fit the settings any more, "" when they do."""
    if manifest.chunk_chars in (0, config.chunk_chars):
        return ""
    return f"chunk_chars was {manifest.chunk_chars}, is {config.chunk_chars}"


def _to_json(manifest: Manifest) -> dict[str, object]:
    """Return the object to write; a stamp becomes a plain list, for there are many of them."""
    encoder = manifest.encoder
    return {
        "generation": manifest.generation,
        "format": manifest.format,
        "chunker": manifest.chunker,
        "tokenizer": manifest.tokenizer,
        "chunk_chars": manifest.chunk_chars,
        "encoder": None if encoder is None else asdict(encoder),
        "tables": manifest.tables,
        "optimized": manifest.optimized,
        "files": {path: _FIELDS(stamp) for path, stamp in manifest.files.items()},
    }


def _from_json(body: dict[str, object]) -> Manifest:
    files, encoder, tables = body["files"], body["encoder"], body["tables"]
    if not isinstance(files, dict) or not isinstance(tables, dict):
        raise TypeError("`files` and `tables` must be objects")
    return Manifest(
        generation=int(str(body["generation"])),
        chunk_chars=int(str(body["chunk_chars"])),
        encoder=EncoderStamp(**encoder) if isinstance(encoder, dict) else None,
        tables={str(name): int(version) for name, version in tables.items()},
        optimized=int(str(body["optimized"])),
        files={path: FileStamp(*stamp) for path, stamp in files.items()},
    )


def _listed(versions: dict[str, object] | dict[str, int]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _damaged(folder: Path, what: str) -> IndexDamaged:
    root = str(folder.parent)
    return IndexDamaged(
        f"the index in {str(folder)!r} {what}: run `homespun index {root}`, which rebuilds it"
    )
