"""The static code embedder, from pinned packages to the files of the wheel.

    python -m homespun.training.shipped.static_encoder.job             # all of it
    python -m homespun.training.shipped.static_encoder.job --corpus    # only mine, and keep

Needs the `train` extra and `homespun models fetch all-minilm-l6-v2` (the rows' first values).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from homespun.indexer.embedding import static_encoder
from homespun.indexer.embedding.static_encoder import quantised
from homespun.indexer.words.tokens import TOKENIZER_VERSION
from homespun.models.load import load_encoder
from homespun.paths import home
from homespun.progress import Progress
from homespun.storage import make_private_folder, write_private
from homespun.training.shipped.sources import LicensedPackage, held_out_packages, sources
from homespun.training.shipped.static_encoder import corpus as embedder_corpus
from homespun.training.shipped.static_encoder import start as embedder_start
from homespun.training.shipped.static_encoder.corpus import Corpus, held_out_prints, mined_sources
from homespun.training.shipped.static_encoder.data import Bags, bags, vocabulary
from homespun.training.shipped.static_encoder.model import Settings, Table, Trained, train, vectors
from homespun.training.shipped.static_encoder.pairs import KINDS

_HELD_SHARE = 0.05  # of the packages: not trained on, to measure with
_CANDIDATES = 1_000
_FEWEST_QUESTIONS = 100


def make(target: Path, settings: Settings, *, progress: Progress) -> dict[str, object]:
    """Mine, train, measure and write the encoder's files; return the manifest."""
    corpus = mined(progress)
    learned, held = parted(corpus)
    words = vocabulary(corpus, settings.words)
    texts = bags(corpus, words)
    encoder = load_encoder(embedder_start.ENCODER)
    known = embedder_start.word_vectors(encoder, words, settings.dimensions, progress=progress)
    start = embedder_start.start_rows(known, texts)
    trained = train(corpus, texts, learned, start, settings, progress=progress)
    facts = facts_of(corpus, texts, trained, learned, held, settings)
    return write(target, words, trained, facts)


def facts_of(
    corpus: Corpus,
    texts: Bags,
    trained: Trained,
    learned: npt.NDArray[np.int64],
    held: npt.NDArray[np.int64],
    settings: Settings,
) -> dict[str, object]:
    """Return what the manifest says of a training: from what, how, and how good it is."""
    used = set(corpus.packages)
    return {
        "settings": asdict(settings),
        "start": embedder_start.ENCODER,
        "pairs": counts(corpus, learned),
        "held_out_pairs": len(held),
        "recall_of_held_out_packages": recall(corpus, texts, trained.table, held),
        "loss": [round(float(np.mean(part)), 3) for part in np.array_split(trained.losses, 8)],
        "temperature": round(trained.temperature, 4),
        "seconds": round(trained.seconds),
        "packages": [_row(source) for source in sources() if source.key in used],
    }


def mined(progress: Progress) -> Corpus:
    """Return the corpus, mined unless it is at hand for the same list of packages."""
    listed = sources()
    key = hashlib.sha256(repr([source.package for source in listed]).encode()).hexdigest()[:12]
    folder = home() / "embedder" / key
    if not (folder / "names.json").is_file():
        held = held_out_prints(held_out_packages())
        embedder_corpus.save(mined_sources(listed, held, processes=2, progress=progress), folder)
    return embedder_corpus.load(folder)


def parted(corpus: Corpus) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the pairs to learn from and those of packages that are only measured with."""
    chance = np.random.default_rng(7)
    is_held = chance.random(len(corpus.packages)) < _HELD_SHARE
    owner = is_held[corpus.pairs[:, 4]]
    return np.flatnonzero(~owner), np.flatnonzero(owner)


def counts(corpus: Corpus, rows: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Return how many pairs there are of each kind and of each language."""
    pairs = corpus.pairs[rows]
    kinds = np.bincount(pairs[:, 0], minlength=len(KINDS))
    languages = np.bincount(pairs[:, 3], minlength=len(corpus.languages))
    by_language = sorted(
        zip(corpus.languages, languages.tolist(), strict=True), key=lambda r: -r[1]
    )
    return {
        "kinds": dict(zip(KINDS, kinds.tolist(), strict=True)),
        "languages": {name: count for name, count in by_language if count},
    }


def recall(
    corpus: Corpus, texts: Bags, table: Table, held: npt.NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Return how often a documentation line finds its code among `_CANDIDATES`, by language."""
    found = {}
    rows = held[corpus.pairs[held, 0] == KINDS.index("doc")]
    for number, language in enumerate(corpus.languages):
        asked = rows[corpus.pairs[rows, 3] == number]
        if len(asked) < _FEWEST_QUESTIONS:
            continue
        asked = np.random.default_rng(1).permutation(asked)[:_CANDIDATES]
        left, right = (
            vectors(table, texts, corpus.pairs[asked, side].astype(np.int64)) for side in (1, 2)
        )
        nearness = left @ right.T
        better = (nearness > np.diag(nearness)[:, None]).sum(axis=1)
        found[language] = {
            "questions": len(asked),
            "first": round(float((better < 1).mean()), 3),
            "among_ten": round(float((better < 10).mean()), 3),
        }
    return found


def write(
    target: Path, words: list[str], trained: Trained, facts: Mapping[str, object]
) -> dict[str, object]:
    """Write the table in 8 bits, its words and the manifest, the manifest last."""
    make_private_folder(target)
    rows, scales = quantised(trained.table)
    np.save(target / "rows.npy", rows)
    np.save(target / "scales.npy", scales)
    write_private(target / "words.txt", "\n".join(words))
    hashes = {
        name: hashlib.sha256((target / name).read_bytes()).hexdigest()
        for name in static_encoder.FILES
    }
    manifest: dict[str, object] = {
        "name": static_encoder.NAME,
        "dimensions": int(rows.shape[1]),
        "tokenizer_version": TOKENIZER_VERSION,
        "sha256": hashes,
        **facts,
    }
    text = json.dumps(manifest, indent=1)
    write_private(target / "manifest.json", text + "\n")
    return manifest


def _row(source: LicensedPackage) -> str:
    package = source.package
    return f"{package.registry} {package.name} {package.version} ({source.licence})"


def main() -> None:
    """Make the encoder's files with a progress bar."""
    from homespun.cli.progress import RichProgress

    parser = argparse.ArgumentParser(prog="python -m homespun.training.shipped.static_encoder.job")
    parser.add_argument("--corpus", action="store_true", help="mine only")
    parser.add_argument("--target", type=Path, default=static_encoder.FOLDER, metavar="DIR")
    args = parser.parse_args()
    with RichProgress() as progress:
        if args.corpus:
            mined(progress)
        else:
            make(args.target, Settings(), progress=progress)


if __name__ == "__main__":
    main()
