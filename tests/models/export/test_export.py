"""What is exported is the model as shipped, in the forms that other servers read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from homespun.cli.main import main
from homespun.models.errors import UnsupportedModel
from homespun.models.export.export import export
from homespun.models.export.folder import bfloat16
from homespun.models.load import load_generator
from homespun.models.serve import float_weights
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.safetensors import SafetensorsSource
from tests.support.tiny import CONTROL, save_roomy_qwen2, save_tiny_gguf, save_tiny_qwen2


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_roomy_qwen2(tmp_path_factory.mktemp("tiny") / "tiny")


def test_a_folder_holds_every_tensor_rounded_to_bfloat16(tiny, tmp_path):
    written = export(str(tiny), tmp_path / "there", form="safetensors")
    source, again = float_weights(str(tiny)), SafetensorsSource(written)
    assert again.config == source.config
    for name in ("embedding", "norm", "0.q", "2.down", "1.v_bias", "2.ffn_norm"):
        expected = source.tensor(name)
        assert np.abs(again.tensor(name) - expected).max() <= np.abs(expected).max() / 256
        assert np.array_equal(bfloat16(again.tensor(name)), bfloat16(expected))


def test_bfloat16_is_rounded_as_torch_rounds():
    import torch

    values = np.random.default_rng(3).normal(size=4096).astype(np.float32)
    values[:4] = (1.00390625, 1.01171875, -0.0, 3e38)  # two ties
    expected = torch.from_numpy(values).bfloat16().view(torch.int16).numpy().astype(np.uint16)
    assert np.array_equal(bfloat16(values), expected)


def test_transformers_read_the_folder_and_find_the_same_tokens_likely(tiny, tmp_path):
    import torch
    from tokenizers import Tokenizer
    from transformers import Qwen2ForCausalLM

    written = export(str(tiny), tmp_path / "there", form="safetensors")
    before = Qwen2ForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    after = Qwen2ForCausalLM.from_pretrained(written, dtype=torch.float32)
    ids = torch.tensor([[5, 9, 17, 30]])
    with torch.no_grad():
        assert torch.allclose(before(ids).logits, after(ids).logits, atol=0.02)
    tokenizer = Tokenizer.from_file(str(written / "tokenizer.json"))
    text = "def total(items):\n    return é\n"
    local = load_generator(str(tiny)).tokenizer
    assert tokenizer.encode(text).ids == local.encode(text)
    assert tokenizer.encode(CONTROL[1]).ids == [local.control(CONTROL[1])]


def test_the_folder_says_whose_form_it_has_so_that_its_tokenizer_is_left_alone(tiny, tmp_path):
    written = export(str(tiny), tmp_path / "there", form="safetensors")
    config = json.loads((written / "config.json").read_text(encoding="utf-8"))
    # transformers before it say of a tokenizer without a version that it wants `fix_mistral_regex`.
    assert config["transformers_version"] == "5.0.0"


def test_a_gguf_file_holds_every_tensor_in_eight_bits_and_the_tokenizer(tiny, tmp_path):
    first, second = tmp_path / "first.gguf", tmp_path / "there"
    save_tiny_gguf(tiny, first)  # which is read with Qwen's way to cut text
    written = export(str(first), second, form="gguf")
    source, again = GgufSource(first), GgufSource(written)
    for name in ("embedding", "norm", "0.q", "2.gate", "1.v_bias"):
        expected = source.tensor(name)
        assert np.abs(again.tensor(name) - expected).max() <= np.abs(expected).max() / 100
    ours, theirs = source.tokenizer_json(), again.tokenizer_json()
    assert (theirs.json, dict(theirs.control)) == (ours.json, dict(ours.control))


def test_a_tokenizer_that_llama_cpp_would_take_for_another_is_not_written(tiny, tmp_path):
    with pytest.raises(UnsupportedModel, match="cuts text in another way"):
        export(str(tiny), tmp_path, form="gguf")
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_an_output_layer_of_its_own_keeps_it(tmp_path):
    save_tiny_qwen2(tmp_path / "untied", tie=False)
    written = export(str(tmp_path / "untied"), tmp_path / "there", form="safetensors")
    assert json.loads((written / "config.json").read_text())["tie_word_embeddings"] is False
    assert SafetensorsSource(written).has("head")


def test_nothing_is_written_over(tiny, tmp_path):
    export(str(tiny), tmp_path, form="safetensors")
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(UnsupportedModel, match="is there already"):
        export(str(tiny), tmp_path, form="safetensors")
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_the_command_says_where_it_wrote(tiny, tmp_path, capsys):
    assert main(["models", "export", str(tiny), str(tmp_path / "there"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"name": str(tiny), "form": "safetensors", "written": str(tmp_path / "there")}
