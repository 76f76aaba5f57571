"""`Index`: the one public object of this room. The command line and the server call nothing else.

Writers go through `update` and `embed`; readers look at an in-memory mirror that is swapped as a
whole, so any thread may search while another one updates.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer import build, embed, imports, manifest, mirror, search
from homespun.indexer.config import IndexConfig
from homespun.indexer.errors import IndexDamaged, IndexMissing, NotADirectory, StoreFull
from homespun.indexer.languages import language_of
from homespun.indexer.lock import write_lock
from homespun.indexer.manifest import EncoderStamp, Manifest
from homespun.indexer.mirror import Mirror
from homespun.indexer.search import Mode
from homespun.indexer.store import Store, embedding_text
from homespun.indexer.types import Hit, Import, IndexReport, Region, Symbol
from homespun.models.types import Encoder, NoProgress, Progress

_RELOAD_ALL_ABOVE = 500  # changed files; from here on one big read is faster than many small ones
_ATTEMPTS = 3  # to read a state that a writer does not sweep away meanwhile

_TABLES = "lance"
_PROGRESS = NoProgress()


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds."""

    root: str
    files: int
    chunks: int
    symbols: int
    languages: dict[str, int]  # language -> files
    encoder: str  # "" before the first embedding
    vectors: int  # chunks that have one; counted only with the encoder at hand
    generation: int
    disk_bytes: int

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _State:
    manifest: Manifest
    mirror: Mirror


class Index:
    """A repository's index."""

    def __init__(self, root: Path, config: IndexConfig, encoder: Encoder | None) -> None:
        """Use `open`."""
        self.root = root
        self._config = config
        self._encoder = encoder
        self._folder = build.folder_of(root)
        self._refreshing = threading.Lock()
        self._store = Store(self._folder / _TABLES)
        self._state = _State(Manifest(), mirror.empty())
        self._seen: tuple[int, int, int] | None = None

    @classmethod
    def open(
        cls,
        root: Path | str,
        config: IndexConfig,
        *,
        encoder: Encoder | None = None,
        create: bool = False,
    ) -> Index:
        """Open the index of a folder.

        With `create` a missing index is begun (empty), and a damaged one may be opened: `update`
        rebuilds it. Without it, raises `IndexMissing` or `IndexDamaged`. Always `NotADirectory`.
        """
        root = Path(root).resolve()
        if not root.is_dir():
            raise NotADirectory(f"{str(root)!r} is no directory; give the folder of a repository")
        folder = build.folder_of(root)
        if create:
            _begin(folder)
        else:
            manifest.load(folder)
        index = cls(root, config, encoder)
        try:
            index.refresh()
        except IndexDamaged:
            if not create:
                raise
        return index

    # Writing

    def update(
        self,
        *,
        paths: Sequence[str] | None = None,
        progress: Progress = _PROGRESS,
        cancelled: Callable[[], bool] = _never,
    ) -> IndexReport:
        """Bring words and symbols up to date with the files (only with `paths`, where given).

        Raises `IndexLocked`, `StoreFull`, `NotADirectory`.
        """
        with self._lock():
            report = build.update(
                self.root,
                self._config,
                self._store,
                only=paths,
                progress=progress,
                cancelled=cancelled,
            )
        try:
            self.refresh()
        except IndexDamaged as damaged:
            # What was kept from earlier runs cannot be read; nothing less than all of it helps.
            report = self.rebuild(progress=progress, cancelled=cancelled)
            report.notes.insert(0, f"the index was rebuilt: {damaged}")
        return report

    def rebuild(
        self, *, progress: Progress = _PROGRESS, cancelled: Callable[[], bool] = _never
    ) -> IndexReport:
        """Throw everything away, cached vectors too, and index from nothing."""
        with self._lock():
            manifest.remove(self._folder)
            self._store.wipe()
            report = build.update(
                self.root,
                self._config,
                self._store,
                only=None,
                progress=progress,
                cancelled=cancelled,
            )
        self.refresh()
        return report

    def embed(
        self, *, progress: Progress = _PROGRESS, cancelled: Callable[[], bool] = _never
    ) -> int:
        """Compute the missing vectors; return how many. 0 without an encoder."""
        if self._encoder is None:
            return 0
        self.refresh()
        texts = {
            key: embedding_text(chunk)
            for shard in self._state.mirror.shards
            for key, chunk, alive in zip(
                shard.text_hashes, shard.chunks, shard.alive.tolist(), strict=True
            )
            if alive
        }
        done = 0
        for count in embed.embed(
            self._folder,
            self._store,
            self._encoder,
            embed.missing_texts(self._store, self._encoder, texts),
            lock=self._lock,
            progress=progress,
            cancelled=cancelled,
        ):
            done += count
        self.refresh()
        return done

    def use_encoder(self, encoder: Encoder | None) -> None:
        """Take another encoder, or none, from now on."""
        with self._refreshing:
            self._encoder = encoder
            self._seen = None
            kept = mirror.without_vectors(self._state.mirror)
            self._state = _State(self._state.manifest, kept)
        self.refresh()

    # Reading

    def refresh(self) -> bool:
        """Follow what this or another process has written; return whether there was anything.

        A look at the file's time when there was not. Raises `IndexDamaged`, `IndexMissing`.
        """
        with self._refreshing:
            for attempt in range(_ATTEMPTS):
                seen = manifest.identity(self._folder)
                if seen == self._seen and seen is not None:
                    return False
                current = manifest.load(self._folder)
                try:
                    self._state = self._followed(current)
                except IndexDamaged:
                    # A writer may have swept that state away between the two reads.
                    moved_on = manifest.identity(self._folder) != seen
                    if attempt + 1 < _ATTEMPTS and moved_on:
                        continue
                    raise
                self._seen = seen
                return True
        return False

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        language: str | None = None,
        glob: str | None = None,
        kind: str | None = None,
        exclude: Sequence[Region] = (),
    ) -> list[Hit]:
        """Return the best chunks for a question, a name, a path or a piece of code.

        Where vectors cannot be used (`why_not_dense` says why) words alone decide in every mode.
        """
        if limit < 1 or not query.strip():
            return []
        snapshot = self._state.mirror
        wanted = search.wanted_documents(
            snapshot, language=language, glob=glob, kind=kind, exclude=exclude
        )
        vector = self._vector_of(query, snapshot) if mode != "lexical" else None
        return search.search(snapshot, query, vector, wanted, limit=limit, mode=mode)

    def similar(
        self,
        text: str,
        *,
        limit: int,
        exclude: Sequence[Region] = (),
        language: str | None = None,
    ) -> list[Hit]:
        """Return the chunks most like a window of code, by words; scores between 0 and 1."""
        if limit < 1:
            return []
        snapshot = self._state.mirror
        wanted = search.wanted_documents(snapshot, language=language, exclude=exclude)
        return search.similar(snapshot, text, wanted, limit=limit)

    def definitions(self, name: str) -> list[Symbol]:
        """Return definitions of a name or dotted name; other spellings only if none is exact."""
        return self._state.mirror.definitions(name)

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, in order."""
        return list(self._state.mirror.symbols.get(path, ()))

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file, in order."""
        return list(self._state.mirror.imports.get(path, ()))

    def resolve_import(self, path: str, imported: Import) -> str | None:
        """Return the file of the repository that an import of the file `path` means, if any."""
        state = self._state
        stamp = state.manifest.files.get(path)
        # A file that is not saved yet, or not indexed, imports like its neighbours.
        language = stamp.language if stamp is not None else language_of(path)
        return imports.resolve_import(
            imported.module, path, language, state.mirror.imports.keys(), name=imported.name
        )

    def paths(self) -> list[str]:
        """Return the indexed files, sorted."""
        return sorted(self._state.manifest.indexed)

    def why_not_dense(self) -> str:
        """Return a sentence why vectors cannot be used, "" when they can."""
        state = self._state
        if self._encoder is None:
            return "no encoder is loaded, so search goes by words alone"
        stamp = state.manifest.encoder
        if stamp is not None and stamp.name != self._encoder.name:
            return (
                f"the index has vectors of {stamp.name!r}, not of {self._encoder.name!r}, so "
                f"search goes by words alone; run `homespun index {self.root}`"
            )
        if not mirror.vectors_present(state.mirror):
            return (
                "the index has no vectors yet, so search goes by words alone; "
                f"run `homespun index {self.root}` to compute them"
            )
        return ""

    @property
    def encoder_stamp(self) -> EncoderStamp | None:
        """Whose vectors the index holds."""
        return self._state.manifest.encoder

    def info(self) -> IndexInfo:
        """Return what the index holds."""
        state = self._state
        stamps = state.manifest.indexed.values()
        languages: dict[str, int] = {}
        for stamp in stamps:
            languages[stamp.language] = languages.get(stamp.language, 0) + 1
        return IndexInfo(
            root=str(self.root),
            files=len(stamps),
            chunks=sum(stamp.chunks for stamp in stamps),
            symbols=sum(stamp.symbols for stamp in stamps),
            languages=dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
            encoder=state.manifest.encoder.name if state.manifest.encoder else "",
            vectors=mirror.vectors_present(state.mirror),
            generation=state.manifest.generation,
            disk_bytes=self._store.disk_bytes(),
        )

    def _lock(self) -> AbstractContextManager[None]:
        return write_lock(self._folder, wait_seconds=self._config.lock_wait_seconds)

    def _followed(self, current: Manifest) -> _State:
        """Return the state that the manifest names, built from the one at hand where possible."""
        old = self._state.manifest.indexed
        new = current.indexed
        if not new:
            return _State(current, mirror.empty())
        changed = [p for p, stamp in new.items() if p not in old or old[p].hash != stamp.hash]
        gone = [path for path in old if path not in new]
        hashes = {path: stamp.hash for path, stamp in new.items()}
        known = self._state.mirror
        rechunked = self._state.manifest.chunk_chars != current.chunk_chars
        if not old or rechunked or len(changed) > max(_RELOAD_ALL_ABOVE, len(new) // 3):
            followed = mirror.load(self._store.read(current.tables, hashes))
            _check(followed, current)
        elif changed or gone:
            rows = self._store.read(current.tables, hashes, only=changed)
            followed = mirror.updated(known, rows, gone=[*changed, *gone])
        else:
            followed = known
        return _State(current, self._with_vectors(followed, current))

    def _with_vectors(self, followed: Mirror, current: Manifest) -> Mirror:
        if self._encoder is None or current.encoder is None:
            return followed
        if current.encoder.name != self._encoder.name:
            return mirror.without_vectors(followed)
        missing = mirror.missing_vectors(followed)
        if not missing:
            return followed
        few = sorted(missing) if len(missing) <= _RELOAD_ALL_ABOVE else None
        keys, vectors = self._store.vectors(self._encoder.name, few)
        return mirror.with_vectors(followed, keys, vectors)

    def _vector_of(self, query: str, snapshot: Mirror) -> npt.NDArray[np.float32] | None:
        """Return the query's `(dimensions,)` unit vector, None where there is nothing to meet."""
        if self._encoder is None or not mirror.vectors_present(snapshot):
            return None
        vector: npt.NDArray[np.float32] = self._encoder.encode([query])[0]
        return vector


def _begin(folder: Path) -> None:
    """Make the folder, which keeps itself out of git, and an empty manifest where there is none."""
    try:
        folder.mkdir(exist_ok=True)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        if (folder / _TABLES).is_file():
            (folder / _TABLES).unlink()  # nothing of ours, and in the way
    except OSError as error:
        raise StoreFull(
            f"cannot write the index to {str(folder)!r}: {error.strerror or error}; "
            "free some space or check the folder's permissions"
        ) from error
    try:
        manifest.load(folder)
    except IndexMissing:
        manifest.save(folder, Manifest())
    except IndexDamaged:
        return  # `update` rebuilds


def _check(loaded: Mirror, current: Manifest) -> None:
    """Compare what was read with what the manifest promises."""
    chunks = sum(stamp.chunks for stamp in current.indexed.values())
    found = sum(int(shard.alive.sum()) for shard in loaded.shards)
    if found != chunks:
        raise IndexDamaged(
            f"the index names {chunks} chunks but {found} can be read; run `homespun index`, "
            "which rebuilds it"
        )
