"""From pairs to rows: vocabulary, bags and batches by hand, and a training that learns."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from homespun.indexer.embedding.static_encoder import StaticEncoder
from homespun.progress import NoProgress
from homespun.training.shipped.sources import held_out_names, is_held_out, sources
from homespun.training.shipped.static_encoder import corpus as embedder_corpus
from homespun.training.shipped.static_encoder import job
from homespun.training.shipped.static_encoder.corpus import Corpus, held_out_prints
from homespun.training.shipped.static_encoder.data import bags, batches, vocabulary
from homespun.training.shipped.static_encoder.model import Settings, Trained, train, vectors
from homespun.training.shipped.static_encoder.start import start_rows

TEXTS = ["open file", "fopen path path", "close file", "fclose handle", "open door", "push knob"]
PAIRS = [(0, 0, 1, 0, 0, 0), (0, 2, 3, 0, 0, 0), (1, 4, 5, 1, 1, 0)]


def corpus(texts=TEXTS, pairs=PAIRS):
    terms = list(dict.fromkeys(" ".join(texts).split()))
    ids = [[terms.index(word) for word in text.split()] for text in texts]
    return Corpus(
        terms=terms,
        ids=np.array(sum(ids, []), np.int32),
        offsets=np.cumsum([0, *map(len, ids)]).astype(np.int64),
        pairs=np.array(pairs, np.int32),
        languages=["python", "c"],
        packages=["pypi/a", "pypi/b"],
    )


def test_words_of_more_packages_come_first_and_private_ones_stay_out():
    assert vocabulary(corpus(), 99) == ["open"]
    assert vocabulary(corpus(), 3, fewest_packages=1) == ["open", "file", "path"]


def test_a_bag_has_each_known_word_once_by_its_logarithm():
    found = bags(corpus(), ["path", "file", "open"])
    words, weights, starts = found.take(np.array([1, 0, 3]))
    assert words.tolist() == [0, 1, 2]
    assert weights == pytest.approx([1 + math.log(2), 1, 1])
    assert starts.tolist() == [0, 1, 3]


def test_a_batch_holds_runs_of_one_package_and_flatness_levels_languages():
    many = [(0, 0, 1, 0, 0, 0)] * 9000 + [(0, 2, 3, 1, 1, 0)] * 1000
    rows = np.arange(10_000)
    drawn = list(batches(corpus(pairs=many), rows, size=100, run=50, flatness=0.0, seed=1))
    owners = [corpus(pairs=many).pairs[batch, 4].reshape(2, 50) for batch in drawn]
    assert all((run == run[0]).all() for pair in owners for run in pair)
    assert np.mean([pair.mean() for pair in owners]) == pytest.approx(0.5, abs=0.05)
    plain = list(batches(corpus(pairs=many), rows, size=100, run=50, flatness=1.0, seed=1))
    assert sorted(np.concatenate(plain).tolist()) == list(range(10_000))


@pytest.fixture(scope="module")
def synonyms():
    """Pairs that say the same in two languages: word i of one is word i of the other."""
    chance = np.random.default_rng(0)
    texts, pairs = [], []
    for number in range(400):
        said = chance.choice(40, size=4, replace=False)
        texts += [" ".join(f"a{w}" for w in said), " ".join(f"b{w}" for w in said)]
        pairs.append((0, 2 * number, 2 * number + 1, 0, number % 2, 0))
    return corpus(texts, pairs)


SETTINGS = Settings(words=80, dimensions=32, epochs=8, batch=50, run=10, rate=0.05, threads=1)


def trained(synonyms):
    words = vocabulary(synonyms, 80, fewest_packages=1)
    texts = bags(synonyms, words)
    start = np.random.default_rng(3).normal(size=(80, 32)).astype(np.float32)
    rows = start_rows(start, texts)
    done = train(synonyms, texts, np.arange(400), rows, SETTINGS, progress=NoProgress())
    return words, texts, done


def test_training_brings_pairs_together(synonyms):
    words, texts, done = trained(synonyms)
    assert done.losses[0] > 3 and done.losses[-1] < 1
    row = dict(zip(words, done.table / np.linalg.norm(done.table, axis=1)[:, None], strict=True))
    nearest = [max(range(40), key=lambda o: float(row[f"a{w}"] @ row[f"b{o}"])) for w in range(40)]
    assert nearest == list(range(40))
    assert job.recall(synonyms, texts, done.table, np.arange(400))["python"]["first"] > 0.95


def test_the_same_seed_gives_the_same_table(synonyms):
    assert np.array_equal(trained(synonyms)[2].table, trained(synonyms)[2].table)


def test_the_runtime_gives_the_vectors_of_the_training(synonyms, tmp_path):
    words, texts, done = trained(synonyms)
    facts = {"settings": {"seed": 20}}
    manifest = job.write(tmp_path, words, done, facts)
    assert manifest["settings"] == {"seed": 20}
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    encoder = StaticEncoder.load(tmp_path)
    lines = [" ".join(synonyms.terms[i] for i in synonyms.ids[4 * t : 4 * t + 4]) for t in range(6)]
    wanted = vectors(done.table, texts, np.arange(6))
    assert encoder.encode_words([line.split() for line in lines]) == pytest.approx(wanted, abs=0.01)


def test_a_pair_without_a_known_word_trains_without_harm():
    known = bags(corpus(), ["nothing"])
    settings = replace(SETTINGS, batch=3, epochs=1, dimensions=4)
    start = np.ones((1, 4), np.float32)
    done = train(corpus(), known, np.arange(3), start, settings, progress=NoProgress())
    assert isinstance(done, Trained) and np.isfinite(done.table).all()


def test_the_corpus_comes_back_as_it_was_saved(tmp_path):
    embedder_corpus.save(corpus(), tmp_path)
    found = embedder_corpus.load(tmp_path)
    assert found.terms == corpus().terms and found.packages == corpus().packages
    assert np.array_equal(found.pairs, corpus().pairs)


def test_files_become_pairs_and_folders_of_copies_are_passed_by(tmp_path, monkeypatch):
    code = '"""Count what is in the till at night."""\n\ndef count(till, night):\n'
    code += "".join(f"    total_{i} = till.coins[{i}] + night.notes({i})\n" for i in range(12))
    for place in ("shop", "node_modules", "requests"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "till.py").write_text(code)
    (tmp_path / "shop" / "gpl.py").write_text("# GNU General Public License\n" + code)
    files, _ = embedder_corpus.files_of(tmp_path, 1)
    assert [file.parsed.path for file in files] == ["shop/till.py"]
    monkeypatch.setattr(embedder_corpus, "unpacked", lambda package: tmp_path)
    package = sources()[0].package
    mined = embedder_corpus.mined_package(package, 0, frozenset())
    assert len(mined.pairs) and mined.languages == ["python"]
    held = held_out_prints([package])
    assert len(embedder_corpus.mined_package(package, 0, held).pairs) == 0


@pytest.mark.parametrize(
    "name",
    ["requests", "ruby-rack", "golang-github-spf13-cobra", "libuv1", "@trpc/server", "Click"],
)
def test_held_out_packages_are_known_under_the_names_of_registries(name):
    assert is_held_out(name, held_out_names())


@pytest.mark.parametrize("name", ["werkzeug", "golang-github-spf13-viper", "rackup", "lodash"])
def test_other_packages_may_be_learned_from(name):
    assert not is_held_out(name, held_out_names())


def test_every_listed_package_has_a_licence_and_none_is_held_out():
    listed = sources()
    assert len(listed) > 500
    assert all(source.licence and len(source.package.sha256) == 64 for source in listed)
