"""A cross-encoder in a folder of the user's: run by ONNX Runtime, and what it was when chosen."""

from __future__ import annotations

import json

import pytest

from homespun import paths
from homespun.models.errors import (
    ModelDamaged,
    ModelMissing,
    RerankerSlow,
    UnsupportedModel,
    WrongHash,
)
from homespun.models.rerank.cross_encoder import OnnxCrossEncoder
from homespun.models.rerank.open import open_reranker
from homespun.models.rerank.options import RerankerOptions
from homespun.models.rerank.pinned import files_of
from tests.support import tiny_cross_encoder

QUERY = "bake bread in the oven"
TEXTS = ["send a parcel", "def bake_bread(oven): oven", "light the oven", ""]
SHARED = [0, 4, 1, 0]  # oven stands twice in the second


@pytest.fixture
def folder(tmp_path):
    return tiny_cross_encoder.save(tmp_path / "reranker")


def opened(folder, said=None, **settings):
    options = RerankerOptions(reranker=str(folder), **settings)
    said = [] if said is None else said
    return open_reranker(options, mask=lambda text: text, say=said.append)


def test_it_judges_pairs_of_any_number_and_length(folder):
    reranker = opened(folder)
    assert reranker.relevance(QUERY, TEXTS).tolist() == SHARED
    many = [f"{'room ' * n}bread" for n in range(30)]
    assert reranker.relevance("bread", many).tolist() == [1] * 30
    assert reranker.relevance("bread", ["water " * 5000]).tolist() == [0]
    assert reranker.name == str(folder)


def test_of_two_classes_the_last_one_counts(tmp_path):
    folder = tiny_cross_encoder.save(tmp_path / "two", outputs=2)
    assert opened(folder).relevance(QUERY, TEXTS).tolist() == [2 * each for each in SHARED]


def test_a_graph_without_segments_runs_too(tmp_path):
    inputs = ("input_ids", "attention_mask")
    folder = tiny_cross_encoder.save(tmp_path / "plain", inputs=inputs)
    assert opened(folder).relevance("bread", ["bread", "room"]).shape == (2,)


def test_a_graph_in_the_folder_onnx_is_found(folder):
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
    assert opened(folder).relevance(QUERY, TEXTS).tolist() == SHARED


def test_it_stops_when_the_time_is_up(folder):
    ticks = iter(range(100))
    files = files_of(folder)
    slow = OnnxCrossEncoder(
        files.graph, files.tokenizer, timeout_ms=2000, clock=lambda: next(ticks)
    )
    with pytest.raises(RerankerSlow, match="16 of 40 hits in 2000 ms"):
        slow.relevance("bread", ["bread"] * 40)


def test_the_first_use_is_written_down_and_anything_else_is_refused(folder):
    said = []
    opened(folder, said)
    opened(folder, said)
    (sentence,) = said
    assert files_of(folder).sha256 in sentence
    tiny_cross_encoder.save(folder, outputs=2)
    with pytest.raises(WrongHash, match="not the one of its first use"):
        opened(folder)
    assert opened(folder, reranker_sha256=files_of(folder).sha256.upper())


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.onnx_data", "other.bin"])
def test_whatever_a_graph_may_read_belongs_to_the_hash(name, folder):
    opened(folder)
    with (folder / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(WrongHash):
        opened(folder)


def test_a_hash_of_the_settings_counts_alone(folder):
    with pytest.raises(WrongHash, match="search.reranker_sha256 is '00'"):
        opened(folder, reranker_sha256="00")
    assert not (paths.state_home() / "rerankers.json").exists()


def test_a_list_that_somebody_else_wrote_is_not_believed(folder):
    opened(folder)
    path = paths.state_home() / "rerankers.json"
    body = json.loads(path.read_text())
    tiny_cross_encoder.save(folder, outputs=2)
    body["folders"][str(folder)] = files_of(folder).sha256
    path.write_text(json.dumps(body))
    with pytest.raises(ModelDamaged, match="cannot be believed"):
        opened(folder)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_folder_without_one_of_the_files_is_said(name, folder):
    (folder / name).unlink()
    with pytest.raises(ModelMissing, match=r"lacks model.onnx or tokenizer.json"):
        opened(folder)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_none_is_said(name, folder):
    (folder / name).write_bytes(b"nothing of the kind")
    with pytest.raises(ModelDamaged, match="cannot be loaded"):
        opened(folder)


def test_another_kind_of_graph_is_refused(tmp_path):
    folder = tiny_cross_encoder.save(tmp_path / "odd", outputs=1)
    import onnx

    model = onnx.load(folder / "model.onnx")
    model.graph.input[1].name = "mask"
    for node in model.graph.node:
        node.input[:] = ["mask" if name == "attention_mask" else name for name in node.input]
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(UnsupportedModel, match="wants the inputs input_ids, mask"):
        opened(folder)


def test_a_folder_of_everything_is_refused(folder):
    for number in range(101):
        (folder / f"file{number}").write_text("x")
    with pytest.raises(ModelDamaged, match="a folder of its own"):
        opened(folder)
