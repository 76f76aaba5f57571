"""The encoder that comes with the package: exact sums by hand, the shipped files, bad files."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest

from homespun.indexer.embedding import static_encoder
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.embedding.static_encoder import StaticEncoder, quantised
from homespun.indexer.words.bm25 import TokenBlock
from homespun.models.errors import ModelDamaged, UnknownModel

ROWS = np.array([[127, 0], [0, 127], [-64, 64]], np.int8)
SCALES = np.array([2 / 127, 1 / 127, 0.5], np.float32)
WORDS = ["open", "file", "close"]


@pytest.fixture
def encoder():
    return StaticEncoder(WORDS, ROWS, SCALES)


def test_a_vector_is_the_sum_of_its_words_at_unit_length(encoder):
    (vector,) = encoder.encode(["open the file"])
    assert vector == pytest.approx([2 / math.sqrt(5), 1 / math.sqrt(5)])
    assert encoder.encode(["close"])[0] == pytest.approx([-math.sqrt(0.5), math.sqrt(0.5)])


def test_a_repeated_word_counts_by_its_logarithm(encoder):
    (vector,) = encoder.encode(["file file file open"])
    weight = 1 + math.log(3)
    assert vector == pytest.approx(np.array([2, weight]) / math.hypot(2, weight))


def test_parts_of_a_name_count_and_unknown_words_do_not(encoder):
    assert encoder.encode(["OpenFile"]) == pytest.approx(encoder.encode(["open, file!"]))


def test_texts_without_a_known_word_are_zeros_and_no_texts_are_no_rows(encoder):
    assert encoder.encode(["", "nothing known"]).tolist() == [[0, 0], [0, 0]]
    assert encoder.encode([]).shape == (0, 2)


def test_the_words_of_an_index_give_the_same_vectors_as_the_texts(encoder):
    block = TokenBlock(
        terms=["unheard", "file", "open"],
        ids=np.array([2, 1, 1, 0, 0], np.int32),
        offsets=np.array([0, 3, 3, 4, 5], np.int64),
    )
    assert encoder.encode_block(block) == pytest.approx(
        encoder.encode(["open file file", "", "unheard", "unheard"])
    )
    nothing = TokenBlock([], np.zeros(0, np.int32), np.zeros(2, np.int64))
    assert encoder.encode_block(nothing).tolist() == [[0, 0]]


def test_eight_bits_keep_a_row_to_half_a_step():
    table = np.random.default_rng(1).normal(size=(50, 16)).astype(np.float32)
    table[7] = 0
    rows, scales = quantised(table)
    assert rows.dtype == np.int8 and scales.dtype == np.float32
    assert np.all(np.abs(rows * scales[:, None] - table) <= scales[:, None] / 2 + 1e-6)
    assert np.abs(rows).max(axis=1).tolist() == [127] * 7 + [0] + [127] * 42


def test_the_shipped_encoder_knows_what_code_is_about():
    encoder = open_encoder("homespun-static-1")
    assert (encoder.name, encoder.dimensions) == ("homespun-static-1", 256)
    texts = ["delete a temporary directory", "shutil.rmtree(tmp_dir)", "parse_json(response.body)"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_the_shipped_table_is_mapped_and_not_read():
    encoder = open_encoder("homespun-static-1")
    assert isinstance(encoder._rows, np.memmap)


def test_none_is_no_encoder_and_other_names_are_those_of_the_catalogue():
    assert open_encoder("none") is None
    with pytest.raises(UnknownModel, match="nonsense"):
        open_encoder("nonsense")


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "static"
    shutil.copytree(static_encoder.FOLDER, copy)
    return copy


def test_a_changed_byte_is_found_by_its_hash(folder):
    path = folder / "scales.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"scales\.npy has sha256 .* install homespun again"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize("name", ["manifest.json", "rows.npy", "words.txt"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelDamaged, match=name):
        StaticEncoder.load(folder)


def test_words_that_were_split_in_another_way_are_refused(folder):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"tokenizer_version": 0}))
    with pytest.raises(ModelDamaged, match="trained for split 0"):
        StaticEncoder.load(folder)
