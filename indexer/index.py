"""`Index`: the one public object of this room. The command line and the server call nothing else.

Writers go through `update` and `embed`; readers look at a snapshot in memory that is swapped as a
whole, so any thread may search while another one updates.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer import build
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import encoder_at_hand
from homespun.indexer.embedding.question import asked_vector, why_not_dense
from homespun.indexer.embedding.update import embed_texts, expect_kept, missing_texts
from homespun.indexer.errors import IndexDamaged, IndexMissing, NotADirectory
from homespun.indexer.imports import statements
from homespun.indexer.languages import language_of
from homespun.indexer.memory.current import CurrentState
from homespun.indexer.memory.refresh import IndexState
from homespun.indexer.memory.snapshot import Snapshot, vectors_present
from homespun.indexer.packs.siblings import NO_SIBLINGS, Siblings
from homespun.indexer.search import retrieve
from homespun.indexer.search.fallbacks import Fallbacks
from homespun.indexer.search.reranking import Reranking, open_reranking
from homespun.indexer.search.retrieve import Mode
from homespun.indexer.search.weights import WEIGHTS, Weights
from homespun.indexer.storage.manifest import EncoderStamp
from homespun.indexer.storage.write_lock import read_beside_writers, write_lock
from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.indexer.types import Call, Hit, Import, IndexInfo, IndexReport, Region, Symbol
from homespun.models.errors import RemoteError
from homespun.models.types import AskedEncoder, Encoder
from homespun.progress import NoProgress, Progress, never
from homespun.settings import settings_of
from homespun.storage import check_workspace_folder
from homespun.traces.traced import traced

logger = logging.getLogger(__name__)

_PROGRESS = NoProgress()


def _at_once(encoder: Encoder) -> Encoder:
    return encoder


class Index:
    """A repository's index."""

    def __init__(self, root: Path, config: IndexConfig, encoder: Encoder | None) -> None:
        """Use `open`."""
        self.root = root
        self._config = config
        self._folder = build.folder_of(root)
        self._current = CurrentState(self._folder, encoder)
        self._reranking: Reranking | None = None
        self.fallbacks = Fallbacks()  # what searches had to do without
        self.siblings: Siblings = NO_SIBLINGS  # what is known of other repositories

    @classmethod
    def open(
        cls,
        root: Path | str = ".",
        config: IndexConfig | None = None,
        *,
        encoder: Encoder | None = None,
        create: bool = False,
    ) -> Index:
        """Open the index of a folder.

        Without `config` as `homespun index` does it: by the folder's settings, built or brought up
        to date, with vectors; what else there is to tell is logged. Raises as `update` does.

        With `config` as it stands. Then a missing index is begun (empty) with `create`, and a
        damaged one may be opened: `update` rebuilds it; else it raises as `refresh` does. Always
        raises `NotADirectory`, and `FolderRefused` where `.homespun` is a
        link, holds one or is another user's.
        """
        if config is None:
            return cls._up_to_date(Path(root), encoder)
        root = Path(root).resolve()
        if not root.is_dir():
            raise NotADirectory(f"{str(root)!r} is no directory; give the folder of a repository")
        check_workspace_folder(root)
        if create:
            build.begin(root)
        index = cls(root, config, encoder)
        if not create:
            index.refresh()
            return index
        with suppress(IndexDamaged, IndexMissing):  # `update` looks again, under the lock
            index._current.refresh()
        return index

    @classmethod
    def _up_to_date(cls, root: Path, encoder: Encoder | None) -> Index:
        config = settings_of(IndexConfig, "index", workspace=root, say=logger.warning)
        index = cls.open(root, config, create=True)
        for note in index.update().notes:
            logger.warning(note)
        say = logger.warning
        index.use_encoder(encoder or encoder_at_hand(config.encoder, workspace=root, say=say))
        index.use_reranking(open_reranking(workspace=root, say=say))
        index.embed(say=say)
        return index

    # Writing

    @traced("index.update")
    def update(
        self,
        *,
        paths: Sequence[str] | None = None,
        progress: Progress = _PROGRESS,
        cancelled: Callable[[], bool] = never,
        care: bool = True,
        parser: ParserProcess | None = None,
    ) -> IndexReport:
        """Bring words and symbols up to date with the files (only with `paths`, where given).

        What is found counts for this index's searches before the store is cared for; without
        `care` that is left to a call of `care`, for a while. A `parser` that is given parses all
        files and is left running: for many updates in a row.

        Raises `IndexLocked`, `StoreFull`, `NotADirectory`.
        """
        with self._lock():
            try:
                report = self._build(paths, progress, cancelled, parser)
                self._care_if_due(care=care)
            except IndexDamaged as damaged:
                # What was kept from earlier runs cannot be read; nothing less than all of it helps.
                report = self._rebuild(progress, cancelled)
                report.notes.insert(0, f"the index was rebuilt: {damaged}")
                self._care_if_due(care=care)
        return report

    def rebuild(
        self, *, progress: Progress = _PROGRESS, cancelled: Callable[[], bool] = never
    ) -> IndexReport:
        """Throw everything away, cached vectors too, and index from nothing."""
        with self._lock():
            report = self._rebuild(progress, cancelled)
            self._care()
        return report

    def care(self) -> None:
        """Compact the store where that is due; what was found before is found all the while."""
        if build.wants_care(self._current.state.manifest):
            with self._lock():
                self._current.refresh()
                self._care()

    def embed(
        self,
        *,
        pace: Callable[[Encoder], Encoder] = _at_once,
        progress: Progress = _PROGRESS,
        cancelled: Callable[[], bool] = never,
        say: Callable[[str], None] | None = None,
    ) -> int:
        """Compute the missing vectors; return how many. 0 without an encoder.

        `pace` wraps the encoder for this work alone: a search never waits for its turn. A server
        that computes them and does not answer ends the work, with what it answered kept: `say` gets
        a sentence on it, without `say` it raises `RemoteError`.
        """
        encoder = self._current.encoder
        if encoder is None:
            return 0
        self.refresh()
        state = self._current.state
        missing = missing_texts(state.snapshot)
        done = 0
        try:
            for keys, vectors in embed_texts(
                self._folder,
                self._current.store,
                pace(encoder),
                missing,
                seen=state,
                lock=self._lock,
                progress=progress,
                cancelled=cancelled,
                portions=expect_kept(encoder, self._current.store, state.manifest),
            ):
                self._current.take_vectors(keys, vectors)
                done += len(keys)
        except RemoteError as error:
            if say is None:
                raise
            say(
                f"{len(missing) - done} of {len(missing)} vectors have to wait: {error}; search "
                "goes by words where there is none, and the next `homespun index` goes on from here"
            )
        self.refresh()
        return done

    def use_encoder(self, encoder: Encoder | None) -> None:
        """Take another encoder, or none, from now on. Raises as `refresh` does."""
        if self._current.use_encoder(encoder):
            self.refresh()

    def use_reranking(self, reranking: Reranking | None) -> None:
        """Have searches look at their best hits once more, or not, from now on."""
        self._reranking = reranking

    # Reading

    def refresh(self) -> bool:
        """Follow what this or another process has written; return whether there was anything.

        A look at the file's time when there was not. What seems damaged or missing beside a writer
        is read again. Raises `IndexDamaged`, `IndexMissing`, `IndexLocked`.
        """
        wait_seconds = self._config.lock_wait_seconds
        return read_beside_writers(self._folder, self._current.refresh, wait_seconds=wait_seconds)

    @traced("search")
    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        mode: Mode = "hybrid",
        language: str | None = None,
        glob: str | None = None,
        kind: str | None = None,
        symbol: str | None = None,
        exclude: Sequence[Region] = (),
        weights: Weights = WEIGHTS,
    ) -> list[Hit]:
        """Return the best chunks for a question, a name, a path or a piece of code.

        The filters come before the limit: a language, a path glob, a kind of chunk, what belongs to
        definitions of one name; `exclude` leaves out chunks that overlap a region. Where vectors
        cannot be used (`why_not_dense` says why) words alone decide in every mode; what a server
        did not answer in time `fallbacks` notes.
        """
        if limit < 1 or not query.strip():
            return []
        snapshot = self._current.state.snapshot
        wanted = retrieve.wanted_documents(
            snapshot, language=language, glob=glob, kind=kind, symbol=symbol, exclude=exclude
        )
        vector = self._vector_of(query, snapshot) if mode != "lexical" else None
        reranking = self._reranking
        reach = reranking.reach(limit) if reranking else limit
        hits = retrieve.search(
            snapshot, query, vector, wanted, limit=reach, mode=mode, weights=weights
        )
        if reranking is not None:
            hits = reranking.reranked(query, hits, fallbacks=self.fallbacks)
        return hits[:limit]

    def similar(
        self,
        text: str,
        *,
        limit: int,
        exclude: Sequence[Region] = (),
        language: str | None = None,
        focus: int | None = None,
    ) -> list[Hit]:
        """Return the chunks most like a window of code, by words; scores between 0 and 1.

        `focus` is the line of the window (from 0) around which words weigh more.
        """
        if limit < 1:
            return []
        snapshot = self._current.state.snapshot
        wanted = retrieve.wanted_documents(snapshot, language=language, exclude=exclude)
        return retrieve.similar(snapshot, text, wanted, limit=limit, focus=focus)

    def definitions(self, name: str) -> list[Symbol]:
        """Return definitions of a name or dotted name; other spellings only if none is exact."""
        return self._current.state.snapshot.definitions(name)

    def symbols_in(self, path: str) -> list[Symbol]:
        """Return the definitions in a file, in order."""
        return list(self._current.state.snapshot.symbols.get(path, ()))

    def imports(self, path: str) -> list[Import]:
        """Return the imports of a file, in order."""
        return list(self._current.state.snapshot.imports.get(path, ()))

    def calls_in(self, path: str) -> list[Call]:
        """Return the calls in a file, in order."""
        return self._current.state.snapshot.calls_in(path)

    def calls_of(self, name: str) -> list[tuple[str, int]]:
        """Return (path, 1-based line) of each call of a name, sorted; looks through all files."""
        return self._current.state.snapshot.calls_of(name)

    def resolve_import(self, path: str, imported: Import) -> str | None:
        """Return the file of the repository that an import of the file `path` means, if any."""
        state = self._current.state
        asked = (path, imported.module, imported.name)
        if asked not in state.resolved:
            stamp = state.manifest.files.get(path)
            # A file that is not saved yet, or not indexed, imports like its neighbours.
            language = stamp.language if stamp is not None else language_of(path)
            state.resolved[asked] = statements.resolve_import(
                imported.module, path, language, state.snapshot.imports.keys(), name=imported.name
            )
        return state.resolved[asked]

    def paths(self) -> list[str]:
        """Return the indexed files, sorted."""
        return sorted(self._current.state.manifest.indexed)

    def why_not_dense(self) -> str:
        """Return a sentence why vectors cannot be used, "" when they can."""
        return why_not_dense(self.root, self._current.state, self._current.encoder)

    @property
    def state(self) -> IndexState:
        """What searches read now; never changed, but replaced as a whole."""
        return self._current.state

    @property
    def encoder_stamp(self) -> EncoderStamp | None:
        """Whose vectors the index holds."""
        return self._current.state.manifest.encoder

    def info(self) -> IndexInfo:
        """Return what the index holds."""
        state = self._current.state
        languages = Counter(stamp.language for stamp in state.manifest.indexed.values())
        totals = state.manifest.totals
        return IndexInfo(
            root=str(self.root),
            files=totals.files,
            chunks=totals.chunks,
            symbols=totals.symbols,
            languages=dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
            encoder=state.manifest.encoder.name if state.manifest.encoder else "",
            vectors=vectors_present(state.snapshot),
            generation=state.manifest.generation,
            disk_bytes=self._current.store.disk_bytes(),
        )

    def _lock(self) -> AbstractContextManager[None]:
        return write_lock(self._folder, wait_seconds=self._config.lock_wait_seconds)

    def _build(
        self,
        paths: Sequence[str] | None,
        progress: Progress,
        cancelled: Callable[[], bool],
        parser: ParserProcess | None = None,
    ) -> IndexReport:
        """Update under the lock; the rows go into memory as they went into the store."""
        done = build.update(
            self.root,
            self._config,
            self._current.store,
            known=self._current.manifest_on_disk(),
            only=paths,
            progress=progress,
            cancelled=cancelled,
            parser=parser,
        )
        self._current.take_built(done.manifest, done.rows)
        return done.report

    def _rebuild(self, progress: Progress, cancelled: Callable[[], bool]) -> IndexReport:
        self._current.wipe()
        return self._build(None, progress, cancelled)

    def _care_if_due(self, *, care: bool) -> None:
        if care or build.is_care_overdue(self._current.state.manifest):
            self._care()

    def _care(self) -> None:
        """Care for the store, under the lock and with the state as it stands on the disk."""
        state, store = self._current.state, self._current.store
        if build.wants_care(state.manifest) and state.manifest.encoder is not None:
            wanted = {key for shard in state.snapshot.shards for key in shard.text_hashes}
            store.trim_vectors(state.manifest.encoder.name, wanted)
        self._current.take_manifest(build.care(self.root, store, state.manifest))

    def _vector_of(self, query: str, snapshot: Snapshot) -> npt.NDArray[np.float32] | None:
        """Return the query's `(dimensions,)` unit vector, None where there is nothing to meet."""
        encoder = self._current.encoder
        if encoder is None or not vectors_present(snapshot):
            return None
        if isinstance(encoder, AskedEncoder):
            return asked_vector(encoder, query, self.encoder_stamp, note=self.fallbacks.note)
        vector: npt.NDArray[np.float32] = encoder.encode([query])[0]
        return vector
