"""Conversion: exact where it can be, atomic, repeated when anything that matters changed."""

from __future__ import annotations

import json
import shutil
import struct

import numpy as np
import pytest

from homespun.models.convert import served_form
from homespun.models.convert.quantize import int8_products_are_exact, quantize_rows
from homespun.models.errors import ModelDamaged, ModelMissing, UnsupportedModel
from homespun.models.load import load_encoder, load_generator
from homespun.models.serve import ensure_served
from homespun.models.weights.safetensors_file import SafetensorsFile


@pytest.mark.parametrize(("bits", "limit"), [(8, 127), (7, 63)])
def test_quantised_rows_are_within_half_a_step_of_the_weight(bits, limit):
    weight = np.random.default_rng(0).standard_normal((20, 50)).astype(np.float32)
    weight[3] = 0
    values, scale = quantize_rows(weight, bits=bits)
    assert np.abs(values).max() == limit
    error = np.abs(values * scale[:, None] - weight)
    assert np.all(error <= scale[:, None] * 0.5001)


def test_the_probe_for_saturating_products_answers():
    assert int8_products_are_exact() in (True, False)


def test_a_second_call_does_not_convert_again(tiny_qwen2):
    first = ensure_served(str(tiny_qwen2[0]))
    stamp = (first / "decoder.onnx").stat().st_mtime_ns
    assert ensure_served(str(tiny_qwen2[0])) == first
    assert (first / "decoder.onnx").stat().st_mtime_ns == stamp


def test_a_changed_converter_converts_again(tiny_qwen2, monkeypatch):
    directory = ensure_served(str(tiny_qwen2[0]))
    manifest = directory / "manifest.json"
    body = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(body | {"converter_version": -1}))
    ensure_served(str(tiny_qwen2[0]))
    assert json.loads(manifest.read_text())["converter_version"] == served_form.CONVERTER_VERSION


def test_a_cut_weights_file_is_converted_again(tiny_qwen2):
    directory = ensure_served(str(tiny_qwen2[0]))
    weights = directory / "decoder.weights"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    ensure_served(str(tiny_qwen2[0]))
    assert weights.read_bytes() == whole


def test_a_flipped_byte_is_found_by_the_full_check(tiny_qwen2):
    directory = ensure_served(str(tiny_qwen2[0]))
    path = directory / "embedding.int8"
    data = bytearray(path.read_bytes())
    data[10] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelDamaged, match=r"embedding\.int8.*damaged"):
        served_form.check_files(directory)


def test_an_interrupted_conversion_leaves_nothing_that_counts(tiny_qwen2, monkeypatch):
    import homespun.models.convert.convert as convert

    def fail(*args, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(convert, "write_decoder", fail)
    with pytest.raises(OSError, match="no space left"):
        ensure_served(str(tiny_qwen2[0]))
    monkeypatch.undo()


def test_pickled_weights_are_refused(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelMissing, match="pickled weights are never loaded"):
        ensure_served(str(tmp_path / "model"))
    (tmp_path / "weights.bin").write_bytes(b"\x80\x04")
    with pytest.raises(UnsupportedModel, match="pickled weights"):
        ensure_served(str(tmp_path / "weights.bin"))


def test_a_gguf_that_is_none_is_named(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"not a model" * 100)
    with pytest.raises(ModelDamaged, match=r"broken\.gguf"):
        ensure_served(str(path))


def test_another_architecture_is_named(tiny_qwen2, tmp_path):
    shutil.copytree(tiny_qwen2[0], tmp_path / "other")
    config = tmp_path / "other" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "mamba"}))
    with pytest.raises(UnsupportedModel, match="'mamba'"):
        ensure_served(str(tmp_path / "other"))


def test_a_catalogue_model_that_is_not_here_names_the_command():
    with pytest.raises(ModelMissing, match="homespun models fetch qwen2.5-coder-0.5b"):
        load_generator("qwen2.5-coder-0.5b")


def test_bfloat16_is_read_without_torch(tmp_path):
    values = np.array([1.0, -2.5, 3.140625], np.float32)
    raw = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + raw)
    assert SafetensorsFile(path).tensor("x").tolist() == values.tolist()


def test_a_cut_safetensors_file_is_named(tmp_path, tiny_qwen2):
    whole = (tiny_qwen2[0] / "model.safetensors").read_bytes()
    path = tmp_path / "cut.safetensors"
    path.write_bytes(whole[:-50])
    with pytest.raises(ModelDamaged, match="cut short"):
        SafetensorsFile(path)


@pytest.mark.model
def test_the_served_encoder_agrees_with_transformers():
    import torch
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    from homespun import paths

    directory = paths.source_dir("all-minilm-l6-v2")
    texts = ["def read(path): return open(path).read()", "parse the header of a file", "x", ""]
    weights = SafetensorsFile(directory / "model.safetensors")
    model = BertModel(
        BertConfig(
            hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
        ),
        add_pooling_layer=False,
    ).eval()
    state = {name: torch.from_numpy(weights.tensor(name)) for name in model.state_dict()}
    model.load_state_dict(state)
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    ours = load_encoder("all-minilm-l6-v2").encode(texts)
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, ours, strict=True):
        with torch.no_grad():
            hidden = model(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        mean = hidden.mean(0).numpy()
        assert float(vector @ mean / np.linalg.norm(mean)) > 0.98, text


@pytest.mark.model
def test_a_text_gets_the_same_vector_in_any_batch():
    encoder = load_encoder("all-minilm-l6-v2")
    texts = ["a", "def f(x):\n    return x\n" * 40, "import os", "class A: pass"]
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        assert float(encoder.encode([text])[0] @ vector) > 0.999
