"""`.homespun/manifest.json`: what the index holds. Written last, by rename: its word counts.

A row of the store is part of the index only if the manifest names its file with the same content
hash, and readers look at the table versions that it names. So a writer may die at any moment.

A save must not cost what the repository holds: most stamps stand in a second file, `files.*.json`,
which is written rarely, under a new name, and never changed; the manifest names it and holds what
differs since.

The manifest is sealed with this machine's key (homespun/trust.py), and what it names has names that
nobody can guess: the stamps, by their hash too, and the folder of the tables. An index that came
with the folder, of a clone or an archive, is therefore never believed; the writer makes its own.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from homespun.errors import FolderRefused, StorageFull, in_words
from homespun.indexer.config import CHUNKER_VERSION, IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexMissing, StoreFull
from homespun.indexer.storage.overlay import Layered
from homespun.indexer.words.tokens import WORDS_VERSION
from homespun.locks import NOTE
from homespun.parsing import parse_json
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import check_plain, read_bounded, remove_whatever, write_private
from homespun.trust import has_seal, with_seal

FORMAT_VERSION = 3  # raise it when a table's columns or this file's fields change meaning

FOLDER = WORKSPACE_FOLDER
_NAME = "manifest.json"
_STAMPS = "files"
_PURPOSE = "index"
_READS = 5  # a writer may put the next manifest and the next stamps in place between two reads
# A file's stamp takes some 150 bytes; at most an eighth of them stand in the manifest itself.
_MAX_BYTES = 64_000_000
_MAX_STAMPS_BYTES = 1_000_000_000


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
class Totals:
    """Sums over the indexed files, so that nobody has to go through them."""

    files: int = 0
    chunks: int = 0
    symbols: int = 0
    partial: int = 0

    def plus(self, stamp: FileStamp | None, sign: int) -> Totals:
        """Return the sums with a file's stamp more (`sign` 1) or less (-1)."""
        if stamp is None or stamp.skipped:
            return self
        return Totals(
            self.files + sign,
            self.chunks + sign * stamp.chunks,
            self.symbols + sign * stamp.symbols,
            self.partial + sign * stamp.partial,
        )


Files = Layered[str, FileStamp]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One consistent state of the index; never changed, only replaced by the next generation."""

    generation: int = 0
    format: int = FORMAT_VERSION
    chunker: int = CHUNKER_VERSION
    tokenizer: int = WORDS_VERSION
    chunk_chars: int = 0
    encoder: EncoderStamp | None = None
    store: str = ""  # name of the folder of the tables; "" = there is none yet
    tables: dict[str, int] = field(default_factory=dict)  # table -> version to read
    optimized: int = 0  # version of `chunks` when the store was last compacted
    files: Files = field(default_factory=lambda: Layered[str, FileStamp]())
    totals: Totals = Totals()
    stamps: str = ""  # name of the file with the base of `files`; "" = it is empty
    stamps_sha256: str = ""  # of that file, hex

    @property
    def indexed(self) -> dict[str, FileStamp]:
        """The files that have rows in the store; goes through all of them."""
        return {path: stamp for path, stamp in self.files.items() if not stamp.skipped}

    def changed(self, stamps: Mapping[str, FileStamp], gone: Iterable[str] = ()) -> Manifest:
        """Return the next generation: these stamps are new, these paths are out."""
        gone = [path for path in gone if path in self.files]
        totals = self.totals
        for path in gone:
            totals = totals.plus(self.files[path], -1)
        files = self.files.changed({}, gone)
        for path, stamp in stamps.items():
            totals = totals.plus(files.get(path), -1).plus(stamp, 1)
        return replace(
            self,
            generation=self.generation + 1,
            files=files.changed(stamps),
            totals=totals,
        )


def load(folder: Path, known: Manifest | None = None) -> Manifest:
    """Read the manifest of an index folder; what `known` has of it already is not read again.

    Raises `IndexMissing` if there is none, `IndexDamaged` if it is unreadable, of other versions or
    not of this machine, `FolderRefused` where the folder is a link, and `StoreFull` without a key.
    """
    for attempt in range(_READS):
        seen = identity(folder)
        try:
            return _loaded(folder, known)
        except IndexDamaged:
            # A writer may have taken the stamps away after the manifest that named them was read.
            if attempt + 1 == _READS or identity(folder) == seen:
                raise
    raise AssertionError("unreachable")


def _loaded(folder: Path, known: Manifest | None) -> Manifest:
    root = str(folder.parent)
    try:
        body = _sealed_body(folder)
        versions = {key: body[key] for key in ("format", "chunker", "tokenizer")} if body else {}
    except FileNotFoundError as error:
        raise IndexMissing(f"no index in {root!r}: run `homespun index {root}` first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"cannot be read ({in_words(error)})") from error
    except StorageFull as error:
        raise StoreFull(str(error)) from error
    if body is None:
        raise _damaged(
            folder,
            "was not made on this machine and in this place by this homespun, so it is not read",
        )
    ours = {"format": FORMAT_VERSION, "chunker": CHUNKER_VERSION, "tokenizer": WORDS_VERSION}
    if versions != ours:
        raise _damaged(folder, f"is of another version ({_listed(versions)}; now {_listed(ours)})")
    try:
        return _from_json(folder, body, known)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, f"is not what was written ({error!r})") from error


def is_ours(folder: Path) -> bool:
    """Tell whether the manifest of an index folder was made on this machine and in this place."""
    try:
        return _sealed_body(folder) is not None
    except (OSError, ValueError, FolderRefused):
        return False


def _sealed_body(folder: Path) -> dict[str, Any] | None:
    """Return the manifest's object, None where it does not carry our seal.

    Raises `OSError`, `ValueError` and `FolderRefused`.
    """
    check_plain(folder)
    body = parse_json(read_bounded(folder / _NAME, max_bytes=_MAX_BYTES))
    if not isinstance(body, dict) or not has_seal(body, purpose=_PURPOSE, folder=folder.parent):
        return None
    return body


def save(folder: Path, manifest: Manifest) -> Manifest:
    """Put the manifest in place in one step; return it as it was written.

    Raises `StoreFull`; the old one then stays. No fsync: a manifest torn by a power cut is detected
    when it is read, and rebuilt.
    """
    before = manifest.stamps
    try:
        if manifest.files.wants_folding:
            manifest = _with_new_stamps(folder, manifest)
        body = with_seal(_to_json(manifest), purpose=_PURPOSE, folder=folder.parent)
        write_private(folder / _NAME, json.dumps(body, separators=(",", ":")))
        if manifest.stamps != before:
            _sweep_stamps(folder, {manifest.stamps, before})
    except StorageFull as error:
        raise StoreFull(str(error)) from error
    except OSError as error:
        raise StoreFull(
            f"cannot write {str(folder / _NAME)!r}: {error.strerror or error}; free some space or "
            "check the folder's permissions, then run again: what was indexed before is kept"
        ) from error
    return manifest


def _with_new_stamps(folder: Path, manifest: Manifest) -> Manifest:
    """Write all stamps to a file of their own. Nobody reads it before the manifest names it."""
    files = manifest.files.folded()
    name = f"{_STAMPS}.{manifest.generation}.{secrets.token_hex(8)}.json"
    body = {path: _FIELDS(stamp) for path, stamp in files.base.items()}
    data = json.dumps(body, separators=(",", ":")).encode("utf-8")
    write_private(folder / name, data)
    digest = hashlib.sha256(data).hexdigest()
    return replace(manifest, files=files, stamps=name, stamps_sha256=digest)


def _sweep_stamps(folder: Path, wanted: set[str]) -> None:
    for path in folder.glob(f"{_STAMPS}.*.json"):
        if path.name not in wanted:
            with suppress(PermissionError):  # on Windows, while a reader has it open: next time
                path.unlink(missing_ok=True)


def sweep(folder: Path, current: Manifest) -> None:
    """Remove what a dead writer left; the caller holds the write lock."""
    for name in (_NAME, f"{_STAMPS}.", NOTE):  # all that is written under the lock
        for draft in folder.glob(f".{name}*.tmp"):
            draft.unlink(missing_ok=True)
    _sweep_stamps(folder, {current.stamps})


def remove(folder: Path) -> None:
    """Forget the index: from now on there is none. Raises `StoreFull`."""
    try:
        remove_whatever(folder / _NAME)
    except OSError as error:
        raise StoreFull(
            f"cannot remove {str(folder / _NAME)!r}: {error.strerror or error}; "
            "check the folder's permissions, then run again"
        ) from error


def identity(folder: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever `save` has run (cheap); None when there is no manifest."""
    try:
        stat = (folder / _NAME).lstat()
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
        "store": manifest.store,
        "tables": manifest.tables,
        "optimized": manifest.optimized,
        "totals": [getattr(manifest.totals, name) for name in Totals.__dataclass_fields__],
        "stamps": manifest.stamps,
        "stamps_sha256": manifest.stamps_sha256,
        "files": {
            path: None if stamp is None else _FIELDS(stamp)
            for path, stamp in manifest.files.over.items()
        },
    }


def _from_json(folder: Path, body: dict[str, object], known: Manifest | None) -> Manifest:
    changes, encoder, tables = body["files"], body["encoder"], body["tables"]
    totals, stamps, digest = body["totals"], str(body["stamps"]), str(body["stamps_sha256"])
    if not isinstance(changes, dict) or not isinstance(tables, dict):
        raise TypeError("`files` and `tables` must be objects")
    if not isinstance(totals, list):
        raise TypeError("`totals` must be a list")
    over = {path: None if s is None else FileStamp(*s) for path, s in changes.items()}
    return Manifest(
        generation=int(str(body["generation"])),
        chunk_chars=int(str(body["chunk_chars"])),
        encoder=EncoderStamp(**encoder) if isinstance(encoder, dict) else None,
        store=str(body["store"]),
        tables={str(name): int(version) for name, version in tables.items()},
        optimized=int(str(body["optimized"])),
        files=Layered(_stamps(folder, stamps, digest, known), over),
        totals=Totals(*map(int, totals)),
        stamps=stamps,
        stamps_sha256=digest,
    )


def _stamps(folder: Path, name: str, digest: str, known: Manifest | None) -> dict[str, FileStamp]:
    if not name:
        return {}
    if known is not None and known.stamps == name:
        return known.files.base
    data = read_bounded(folder / name, max_bytes=_MAX_STAMPS_BYTES)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name!r} was changed")
    body = parse_json(data)
    return {path: FileStamp(*stamp) for path, stamp in body.items()}


def _listed(versions: dict[str, object] | dict[str, int]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _damaged(folder: Path, what: str) -> IndexDamaged:
    root = str(folder.parent)
    return IndexDamaged(
        f"the index in {str(folder)!r} {what}: run `homespun index {root}`, which rebuilds it"
    )
