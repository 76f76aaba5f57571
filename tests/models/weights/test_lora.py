"""Merged weights are peft's own; what is not plain LoRA, or not whole, is refused in a sentence."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from homespun.models.convert.smoothquant import SmoothedSource
from homespun.models.errors import AdapterDamaged, AdapterUnfit
from homespun.models.weights.lora import LoraWeights, MergedSource
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.transformers_model import as_transformers
from tests.support.tiny import save_tiny_adapter

IDS = np.random.default_rng(0).integers(0, 300, 48).tolist()


def logits(model, ids=IDS):
    import torch

    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].numpy()


@pytest.fixture
def adapter(tiny_qwen2, tmp_path):
    """A folder with a plain adapter, to be spoilt."""
    save_tiny_adapter(tiny_qwen2[1], tmp_path / "adapter")
    return tmp_path / "adapter"


def edit(adapter, **settings):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def write(adapter, tensors):
    from safetensors.numpy import save_file

    save_file(tensors, str(adapter / "adapter_model.safetensors"))


def read(adapter):
    from safetensors.numpy import load_file

    return load_file(str(adapter / "adapter_model.safetensors"))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="plain"),
        pytest.param({"half": True}, id="float16"),
        pytest.param({"use_rslora": True, "r": 9}, id="rank-stabilised"),
        pytest.param({"alpha_pattern": {"q_proj": 3, "mlp.down_proj": 40}}, id="alpha-pattern"),
        pytest.param({"rank_pattern": {r"layers\.1\.mlp\.up_proj": 2}}, id="rank-pattern"),
        pytest.param(
            {"rank_pattern": {"o_proj": 7}, "alpha_pattern": {"o_proj": 5}, "use_rslora": True},
            id="patterns-rank-stabilised",
        ),
        pytest.param({"target_modules": ["v_proj"], "layers_to_transform": [2]}, id="one-layer"),
    ],
)
def test_merged_logits_are_those_of_peft(tiny_qwen2, tmp_path, settings):
    directory, model = tiny_qwen2
    tuned = save_tiny_adapter(model, tmp_path, **settings)
    merged = MergedSource(SafetensorsSource(directory), [LoraWeights.open(tmp_path)])
    expected = logits(tuned)
    assert np.abs(logits(model) - expected).max() > 0.01  # the adapter does something
    np.testing.assert_allclose(logits(as_transformers(merged)), expected, atol=1e-4)


def test_a_second_adapter_is_added_to_the_first(tiny_qwen2, tmp_path):
    import copy

    directory, model = tiny_qwen2
    first = save_tiny_adapter(model, tmp_path / "first", seed=1)
    base = copy.deepcopy(first).merge_and_unload()
    second = save_tiny_adapter(base, tmp_path / "second", seed=2)
    adapters = [LoraWeights.open(tmp_path / name) for name in ("first", "second")]
    merged = MergedSource(SafetensorsSource(directory), adapters)
    np.testing.assert_allclose(logits(as_transformers(merged)), logits(second), atol=1e-4)


def test_the_calibration_text_runs_through_the_merged_weights(tiny_qwen2, tmp_path):
    """Smoothing must see the peaks of the weights that are served."""
    directory, model = tiny_qwen2
    tuned = save_tiny_adapter(model, tmp_path)
    merged = MergedSource(SafetensorsSource(directory), [LoraWeights.open(tmp_path)])
    smoothed = SmoothedSource(merged, merged.tensor("embedding")[IDS])
    for layer in range(merged.config.layers):
        smoothed.tensor(f"{layer}.q")
    head = merged.tensor("embedding")
    np.testing.assert_allclose(smoothed.final() @ head.T, logits(tuned), rtol=1e-3, atol=1e-3)


def test_tensors_that_no_adapter_names_are_the_originals(tiny_qwen2, tmp_path):
    directory, model = tiny_qwen2
    save_tiny_adapter(model, tmp_path, target_modules=["up_proj"], layers_to_transform=[1])
    weights = LoraWeights.open(tmp_path)
    source = SafetensorsSource(directory)
    merged = MergedSource(source, [weights])
    assert weights.names() == ("1.up",)
    assert weights.shape("1.up") == (160, 64)
    assert weights.delta("0.up") is None
    for name in ("embedding", "norm", "0.up", "1.q_bias"):
        assert np.array_equal(merged.tensor(name), source.tensor(name))
    assert not np.array_equal(merged.tensor("1.up"), source.tensor("1.up"))
    assert (merged.has("1.q_bias"), merged.has("head")) == (True, False)
    assert merged.tokenizer_json() == source.tokenizer_json()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "lora_only"}, "biases .bias = 'lora_only'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"init_lora_weights": "pissa_niter_4"}, "changed base weights .*pissa_niter_4"),
        ({"peft_type": "IA3"}, "type 'IA3'; only LORA"),
    ],
)
def test_what_is_not_plain_lora_is_refused_by_name(adapter, settings, sentence):
    edit(adapter, **settings)
    with pytest.raises(AdapterUnfit, match=sentence):
        LoraWeights.open(adapter)


def test_a_tensor_of_another_kind_is_refused_by_name(adapter):
    name = "base_model.model.lm_head.lora_A.weight"
    write(adapter, read(adapter) | {name: np.zeros((4, 64), np.float32)})
    with pytest.raises(AdapterUnfit, match=r"lm_head\.lora_A.* no LoRA factor of a linear layer"):
        LoraWeights.open(adapter)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(adapter, value):
    tensors = read(adapter)
    name = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"
    tensors[name][3, 1] = value
    write(adapter, tensors)
    with pytest.raises(AdapterDamaged, match=r"layers\.1\.mlp\.up_proj.*no numbers"):
        LoraWeights.open(adapter)


def test_a_lost_factor_is_named(adapter):
    tensors = read(adapter)
    del tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"]
    write(adapter, tensors)
    with pytest.raises(AdapterDamaged, match=r"only one factor of 'model\.layers\.0\.self_attn\.q"):
        LoraWeights.open(adapter)


def test_a_configuration_of_another_adapter_is_noticed(adapter):
    edit(adapter, r=8)
    with pytest.raises(AdapterDamaged, match=r"rank 4 and 4 where adapter_config\.json says 8"):
        LoraWeights.open(adapter)


@pytest.mark.parametrize(
    "settings", [{"r": None}, {"lora_alpha": float("nan")}, {"alpha_pattern": {"q_proj": None}}]
)
def test_an_unusable_rank_or_alpha_is_named(adapter, settings):
    edit(adapter, **settings)
    with pytest.raises(AdapterDamaged, match="no usable rank and alpha"):
        LoraWeights.open(adapter)


@pytest.mark.parametrize("key", ["rank_pattern", "alpha_pattern"])
@pytest.mark.parametrize(
    "pattern", [r"(((((\w*)*)*)*)*)*x", r"layers\.1\..*", "q_proj|v_proj", "(", "q+", ""]
)
def test_a_regular_expression_of_an_adapter_is_never_run(adapter, key, pattern):
    edit(adapter, **{key: {pattern: 4}})
    with pytest.raises(AdapterUnfit, match=r"no module's name.*write the modules out"):
        LoraWeights.open(adapter)


def test_names_without_end_or_no_table_of_names_are_refused(adapter):
    edit(adapter, rank_pattern={f"name{number}": 4 for number in range(5_000)})
    with pytest.raises(AdapterUnfit, match="5000 names, more than 4096"):
        LoraWeights.open(adapter)
    edit(adapter, rank_pattern=["q_proj"])
    with pytest.raises(AdapterDamaged, match=r"\['q_proj'\], not a table"):
        LoraWeights.open(adapter)


def test_pickled_weights_are_never_loaded(adapter):
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(AdapterDamaged, match=r"adapter_model\.bin. are never loaded"):
        LoraWeights.open(adapter)


def header(entries):
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


TENSOR = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff" * 40, id="noise"),
        pytest.param(header([]), id="a-list"),
        pytest.param(header({TENSOR: 3}), id="no-entry"),
        pytest.param(header({}), id="no-tensor"),
        pytest.param(
            header({TENSOR: {"dtype": "F32", "shape": [4, 64], "data_offsets": [0, 8]}}) + b"x" * 8,
            id="another-shape",
        ),
        pytest.param(
            header({TENSOR: {"dtype": "F32", "shape": [2, 1], "data_offsets": [-8, 0]}}),
            id="before-the-file",
        ),
        pytest.param(
            header({TENSOR: {"dtype": "I8", "shape": [2, 1], "data_offsets": [0, 2]}}) + b"xx",
            id="integers",
        ),
    ],
)
def test_a_damaged_weights_file_is_named(adapter, data):
    (adapter / "adapter_model.safetensors").write_bytes(data)
    with pytest.raises(AdapterDamaged, match=r"adapter_model\.safetensors"):
        LoraWeights.open(adapter)


def test_a_cut_weights_file_is_named(adapter):
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(AdapterDamaged, match=r"adapter_model\.safetensors.*cut short"):
        LoraWeights.open(adapter)


@pytest.mark.parametrize("text", [None, "{", "[1]"])
def test_a_lost_or_damaged_configuration_is_named(adapter, text):
    (adapter / "adapter_config.json").unlink()
    if text is not None:
        (adapter / "adapter_config.json").write_text(text)
    with pytest.raises(AdapterDamaged, match=r"adapter_config\.json' is not a readable"):
        LoraWeights.open(adapter)


def test_an_adapter_for_a_model_of_another_width_is_refused(tiny_qwen2, tiny_untied, tmp_path):
    save_tiny_adapter(tiny_untied[1], tmp_path)  # twice as many key-value heads
    with pytest.raises(AdapterUnfit, match=r"changes '0\.k' by \(64, 64\) where .* \(32, 64\)"):
        MergedSource(SafetensorsSource(tiny_qwen2[0]), [LoraWeights.open(tmp_path)])


def test_an_adapter_for_a_deeper_model_is_refused(tiny_qwen2, adapter):
    renamed = {name.replace("layers.2", "layers.7"): value for name, value in read(adapter).items()}
    write(adapter, renamed)
    with pytest.raises(AdapterUnfit, match="changes layer 7 of a model that has 3"):
        MergedSource(SafetensorsSource(tiny_qwen2[0]), [LoraWeights.open(adapter)])


def test_rows_in_pairs_side_by_side_are_not_merged(tiny_qwen2, adapter):
    import dataclasses

    source = SafetensorsSource(tiny_qwen2[0])
    source.config = dataclasses.replace(source.config, rope_interleaved=True)
    with pytest.raises(AdapterUnfit, match="GGUF file of the llama family"):
        MergedSource(source, [LoraWeights.open(adapter)])
