"""All packages -> one corpus of pairs on disk, as word numbers; packages in parallel."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer.config import IndexConfig
from homespun.indexer.languages import DATA, PROSE, language_of
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Skipped
from homespun.progress import Progress
from homespun.storage import make_private_folder, write_private
from homespun.training.shipped.packages import Package, unpacked
from homespun.training.shipped.sources import LicensedPackage, held_out_names
from homespun.training.shipped.static_encoder.pairs import Mined, SourceFile, fingerprints, mine
from homespun.training.sources.licence_heads import has_copyleft_head

_SEED = 20
_MAX_FILES = 250  # of a package, drawn by chance
_MAX_FILE_BYTES = 150_000
_MAX_PROSE_FILES = 60
_MAX_PAIRS = 4_000  # of a package, drawn by chance: no package may be the language
_SKIP_FOLDERS = frozenset(
    """node_modules vendor vendored _vendor third_party third-party thirdparty external extern deps
    dist min minified locale locales i18n fixtures testdata test-data snapshots generated gen
    __snapshots__ site-packages .git .github""".split()
)
_NOT_CODE = DATA | PROSE | {"html", "css"}

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts as word numbers and pairs of texts; text t is ids[offsets[t]:offsets[t + 1]]."""

    terms: list[str]
    ids: Ints  # (words of all texts,)
    offsets: Longs  # (texts + 1,)
    pairs: Ints  # (pairs, 6): kind, left text, right text, language, package, file
    languages: list[str]
    packages: list[str]  # "registry/name"


def files_of(folder: Path, seed: int) -> tuple[list[SourceFile], list[str]]:
    """Return a package's parsed code files, at most `_MAX_FILES`, and its prose."""
    code, prose = [], []
    for path in _paths(folder):
        language = language_of(path)
        if language in ("markdown", "rst"):
            prose.append(path)
        elif language not in _NOT_CODE:
            code.append(path)
    chance = random.Random(seed)
    if len(code) > _MAX_FILES:
        code = sorted(chance.sample(code, _MAX_FILES))
    prose = sorted(chance.sample(prose, min(_MAX_PROSE_FILES, len(prose))))
    files = [file for path in code if (file := _read(folder, path)) is not None]
    texts = [(folder / path).read_text(encoding="utf-8", errors="replace") for path in prose]
    return files, [text for text in texts if len(text) <= _MAX_FILE_BYTES]


def mined_package(package: Package, number: int, held: frozenset[str]) -> Corpus:
    """Return the pairs of one package, at most `_MAX_PAIRS`."""
    files, prose = files_of(unpacked(package), _SEED + number)
    mined = mine(files, prose, held, _SEED + number)
    if len(mined.pairs) > _MAX_PAIRS:
        mined.pairs = random.Random(_SEED + number).sample(mined.pairs, _MAX_PAIRS)
    return _packed(mined, f"{package.registry}/{package.name}")


def held_out_prints(packages: Iterable[Package]) -> frozenset[str]:
    """Return the fingerprints of every definition of the held-out packages."""
    found: set[str] = set()
    for package in packages:
        folder = unpacked(package)
        for path in _paths(folder):
            if language_of(path) not in _NOT_CODE:
                file = _read(folder, path)
                if file is not None:
                    found |= fingerprints(file)
    return frozenset(found)


def mined_sources(
    sources: Sequence[LicensedPackage], held: frozenset[str], *, processes: int, progress: Progress
) -> Corpus:
    """Return the pairs of all packages in the order of the list; texts that repeat count once."""
    progress.start("mining pairs", len(sources), "packages")
    parts = []
    jobs = [(source.package, number) for number, source in enumerate(sources)]
    with ProcessPoolExecutor(processes, initializer=_take_held, initargs=(held,)) as pool:
        for part in pool.map(_mined_job, jobs):
            parts.append(part)
            progress.advance(1)
    progress.finish()
    return _joined(parts)


def save(corpus: Corpus, folder: Path) -> None:
    """Write the corpus, names last."""
    make_private_folder(folder)
    for name in ("ids", "offsets", "pairs"):
        np.save(folder / f"{name}.npy", getattr(corpus, name))
    names = {"terms": corpus.terms, "languages": corpus.languages, "packages": corpus.packages}
    write_private(folder / "names.json", json.dumps(names))


def load(folder: Path) -> Corpus:
    """Read what `save` has written."""
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy") for name in ("ids", "offsets", "pairs")}
    return Corpus(**names, **arrays)


_held: frozenset[str] = frozenset()  # of a worker process: too much to send with each job


def _take_held(held: frozenset[str]) -> None:
    global _held
    _held = held


def _mined_job(job: tuple[Package, int]) -> Corpus:
    package, number = job
    return mined_package(package, number, _held)


def _paths(folder: Path) -> Iterator[str]:
    """Yield the paths of files that may be learned from, relative, sorted."""
    held = held_out_names()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name.casefold() not in _SKIP_FOLDERS and name.casefold() not in held
        )
        for name in sorted(names):
            path = Path(parent, name)
            stem = name.split(".", 1)[0].casefold()
            if ".min." in name or (stem in held and "vendor" in str(path)):
                continue
            yield path.relative_to(folder).as_posix()


def _read(folder: Path, path: str) -> SourceFile | None:
    full = folder / path
    if not full.is_file() or full.stat().st_size > _MAX_FILE_BYTES:
        return None
    source = full.read_bytes()
    parsed = parse_file(path, source, IndexConfig())
    if isinstance(parsed, Skipped) or parsed.language in _NOT_CODE:
        return None
    text = source.decode("utf-8", "replace")
    if has_copyleft_head(text):
        return None
    return SourceFile(parsed, text.splitlines())


def _packed(mined: Mined, package: str) -> Corpus:
    """Return the corpus of one package; texts without a pair are left out."""
    terms: dict[str, int] = {}
    languages: dict[str, int] = {}
    rows, ids, offsets = [], [], [0]
    for kind, left, right, language, file in mined.pairs:
        place = len(offsets) - 1
        for text in (mined.texts[left], mined.texts[right]):
            ids += [terms.setdefault(word, len(terms)) for word in text]
            offsets.append(len(ids))
        number = languages.setdefault(language, len(languages))
        rows.append((kind, place, place + 1, number, 0, file))
    return Corpus(
        terms=list(terms),
        ids=np.array(ids, np.int32),
        offsets=np.array(offsets, np.int64),
        pairs=np.array(rows, np.int32).reshape(-1, 6),
        languages=list(languages),
        packages=[package],
    )


def _joined(parts: Sequence[Corpus]) -> Corpus:
    """Return one corpus; a pair whose two texts were there already is dropped."""
    terms: dict[str, int] = {}
    languages: dict[str, int] = {}
    seen: set[bytes] = set()
    ids_of: list[Ints] = []
    lengths: list[int] = []
    rows: list[tuple[int, ...]] = []
    for package, part in enumerate(parts):
        word = np.array([terms.setdefault(t, len(terms)) for t in part.terms], np.int32)
        names = [languages.setdefault(name, len(languages)) for name in part.languages]
        for kind, left, right, language, _, file in part.pairs.tolist():
            two = [word[part.ids[part.offsets[t] : part.offsets[t + 1]]] for t in (left, right)]
            key = hashlib.blake2b(two[0].tobytes() + b"|" + two[1].tobytes(), digest_size=8)
            if key.digest() in seen:
                continue
            seen.add(key.digest())
            place = len(lengths)
            ids_of += two
            lengths += [len(text) for text in two]
            rows.append((kind, place, place + 1, names[language], package, file))
    return Corpus(
        terms=list(terms),
        ids=np.concatenate(ids_of) if ids_of else np.zeros(0, np.int32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        pairs=np.array(rows, np.int32).reshape(-1, 6),
        languages=list(languages),
        packages=[name for part in parts for name in part.packages],
    )
