"""An adapter leaves: peft itself and llama.cpp's own layout, equal to what we would merge."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from homespun.models.adapters.export.export import export, fit_of
from homespun.models.adapters.export.one_lora import OneLora
from homespun.models.adapters.registry import Registry
from homespun.models.errors import AdapterDamaged, AdapterForeign, AdapterUnfit
from homespun.models.weights.lora import LoraWeights, MergedSource
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.transformers_model import as_transformers
from homespun.server.prompt.render import PROMPT_VERSION
from tests.support.tiny import save_tiny_adapter, save_tiny_qwen2

IDS = [[5, 17, 40, 8, 99, 3, 250]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny model and two adapters of it: all layers in rank 4, half of the parts in rank 2."""
    directory = tmp_path_factory.mktemp("weights")
    model = save_tiny_qwen2(directory / "model")
    save_tiny_adapter(model, directory / "general", seed=1)
    some = {"r": 2, "lora_alpha": 3, "target_modules": ["q_proj", "down_proj"], "use_rslora": True}
    save_tiny_adapter(model, directory / "own", seed=2, **some)
    return directory


@pytest.fixture
def adapter(tiny, tmp_path):
    return add(tmp_path, tiny / "own", base=str(tiny / "model"))


def add(workspace, draft, **facts):
    registry = Registry(workspace / "shop")
    made_for = {
        "base_sha256": "b" * 64,
        "general_sha256": "",
        "tokenizer_sha256": "c" * 64,
        "prompt_version": PROMPT_VERSION,
        "commit": "0123456789",
        "gate": {"promote": True},
    }
    return registry, registry.add(draft, made_for | facts).id


def logits_of(model):
    import torch

    with torch.no_grad():
        return model(torch.tensor(IDS)).logits.numpy()


def opened_by_peft(model, folder):
    import warnings

    from peft import PeftModel

    with warnings.catch_warnings():  # peft asks transformers by a name that is going out of use
        warnings.simplefilter("ignore", FutureWarning)
        return PeftModel.from_pretrained(model, str(folder)).eval()


def test_peft_loads_it_and_the_logits_are_ours(tiny, adapter, tmp_path):
    registry, identifier = adapter
    done = export(registry, identifier, tmp_path / "out", form="peft")
    assert {file.name for file in done.files} == {
        "adapter_model.safetensors",
        "adapter_config.json",
        "homespun.json",
    }
    source = SafetensorsSource(tiny / "model")
    wanted = logits_of(as_transformers(MergedSource(source, [LoraWeights.open(tiny / "own")])))
    found = logits_of(opened_by_peft(as_transformers(source), tmp_path / "out"))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)
    assert np.abs(wanted - logits_of(as_transformers(source))).max() > 0.01


def test_two_adapters_as_one_are_what_both_do(tiny, tmp_path):
    from homespun.models.adapters.export.forms import write_peft

    layers = [LoraWeights.open(tiny / "general"), LoraWeights.open(tiny / "own")]
    one = OneLora.of(layers)
    assert one.rank == 6
    assert {a.shape[0] for a, _ in one.pairs.values()} == {6}  # vLLM wants one rank for all
    write_peft(tmp_path / "out", one, base="tiny", facts={})
    source = SafetensorsSource(tiny / "model")
    wanted = logits_of(as_transformers(MergedSource(source, layers)))
    found = logits_of(opened_by_peft(as_transformers(source), tmp_path / "out"))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


def test_what_is_written_is_read_again_by_us(tiny, adapter, tmp_path):
    registry, identifier = adapter
    export(registry, identifier, tmp_path / "out", form="peft")
    own, again = LoraWeights.open(tiny / "own"), LoraWeights.open(tmp_path / "out")
    assert set(own.names()) == set(again.names())
    for name in own.names():
        np.testing.assert_allclose(own.delta(name), again.delta(name), rtol=0, atol=1e-6)


def test_the_facts_go_along(adapter, tmp_path):
    registry, identifier = adapter
    export(registry, identifier, tmp_path / "out", form="peft")
    facts = json.loads((tmp_path / "out" / "homespun.json").read_text())
    assert facts["id"] == identifier
    assert facts["base_sha256"] == "b" * 64
    assert facts["prompt_version"] == PROMPT_VERSION
    assert facts["includes_general"] is False


def test_llama_cpp_s_file_has_its_names_and_its_scale(tiny, adapter, tmp_path):
    import gguf

    registry, identifier = adapter
    [file] = export(registry, identifier, tmp_path / "out", form="gguf").files
    reader = gguf.GGUFReader(str(file))
    fields = {name: field.contents() for name, field in reader.fields.items()}
    assert fields["general.architecture"] == "qwen2"
    assert fields["general.type"] == "adapter"
    assert fields["adapter.type"] == "lora"
    tensors = {
        tensor.name: tensor.data.reshape(tuple(reversed(tensor.shape.tolist())))
        for tensor in reader.tensors
    }
    own = LoraWeights.open(tiny / "own")
    for part, name in (("q", "attn_q"), ("down", "ffn_down")):
        a = tensors[f"blk.1.{name}.weight.lora_a"]
        b = tensors[f"blk.1.{name}.weight.lora_b"]
        scale = fields["adapter.lora.alpha"] / b.shape[1]  # llama.cpp's
        np.testing.assert_allclose(b @ a * scale, own.delta(f"1.{part}"), rtol=0, atol=1e-6)
    assert len(tensors) == 2 * len(own.names())


def test_an_adapter_of_a_catalogue_model_brings_the_general_one(tmp_path, tiny, monkeypatch):
    from homespun.models import catalogue
    from homespun.models.adapters import shipped
    from homespun.models.adapters.sealed_folder import seal

    base_sha256 = catalogue.get("qwen2.5-coder-0.5b").files[0].sha256
    general = tmp_path / "shipped" / "qwen2.5-coder-0.5b"
    shutil.copytree(tiny / "general", general)
    seal(general, {"base_sha256": base_sha256, "tokenizer_sha256": "c", "prompt_version": 1})
    monkeypatch.setattr(shipped, "folder", lambda: tmp_path / "shipped")
    made = shipped.general_adapter("qwen2.5-coder-0.5b", base_sha256)
    facts = {"base": "qwen2.5-coder-0.5b", "base_sha256": base_sha256}
    registry, identifier = add(tmp_path, tiny / "own", **facts, general_sha256=made.sha256)
    both = export(registry, identifier, tmp_path / "both", form="peft")
    assert (both.rank, both.base) == (6, "Qwen/Qwen2.5-Coder-0.5B-Instruct")
    assert (both.facts["includes_general"], both.needs_general) == (True, False)
    alone = export(registry, identifier, tmp_path / "alone", form="peft", with_general=False)
    assert (alone.rank, alone.facts["includes_general"], alone.needs_general) == (2, False, True)
    assert (fit_of(both).weights, fit_of(both).is_merged) == (both.base, False)
    assert (fit_of(alone).weights, fit_of(alone).is_merged) == ("qwen2.5-coder-0.5b", True)
    _, other = add(tmp_path, tiny / "own", **facts, general_sha256="d" * 64)
    with pytest.raises(AdapterUnfit, match="general adapter"):
        export(registry, other, tmp_path / "other", form="peft")


def test_one_that_nobody_trusts_is_not_exported(adapter, tmp_path, monkeypatch):
    registry, identifier = adapter
    manifest = registry.folder / identifier / "manifest.json"
    body = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(body | {"seal": "0" * 64}))
    with pytest.raises(AdapterForeign):
        export(registry, identifier, tmp_path / "out", form="peft")
    assert not (tmp_path / "out").exists()


def test_one_whose_bytes_changed_is_not_exported(adapter, tmp_path):
    registry, identifier = adapter
    weights = registry.folder / identifier / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(AdapterDamaged, match="is damaged"):
        export(registry, identifier, tmp_path / "out", form="gguf")
    assert not (tmp_path / "out").exists()


def test_a_gguf_of_another_family_is_refused(tiny, tmp_path):
    registry, identifier = add(tmp_path, tiny / "own", base="/some/model.gguf")
    with pytest.raises(AdapterUnfit, match="--format peft"):
        export(registry, identifier, tmp_path / "out", form="gguf")


def test_a_link_in_the_way_is_replaced_and_not_written_through(adapter, tmp_path):
    registry, identifier = adapter
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("precious")
    for name in ("adapter_config.json", "adapter.gguf", ".adapter.gguf.tmp"):
        (tmp_path / "out" / name).symlink_to(tmp_path / "precious")
    export(registry, identifier, tmp_path / "out", form="peft")
    export(registry, identifier, tmp_path / "out", form="gguf")
    assert (tmp_path / "precious").read_text() == "precious"
