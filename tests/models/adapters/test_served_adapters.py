"""What is served: base, general and repository adapter merged, keyed by all their hashes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from homespun import paths
from homespun.models import catalogue
from homespun.models.adapters import shipped as general_adapter
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import seal
from homespun.models.convert.served_form import file_sha256
from homespun.models.download import fetch
from homespun.models.errors import AdapterDamaged, AdapterUnfit, AdapterUnknown
from homespun.models.load import load_generator
from homespun.models.serve import ensure_served, float_weights, identity
from homespun.models.status import state_of
from tests.support.tiny import save_tiny_adapter, save_tiny_gguf

IDS = np.random.default_rng(0).integers(0, 300, 60).tolist()


def reference(model):
    import torch

    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0].numpy()


def distance(generator, model):
    expected = reference(model)
    return float(np.linalg.norm(generator.logits(IDS) - expected) / np.linalg.norm(expected))


@pytest.fixture(scope="session")
def weights(tiny_qwen2, tmp_path_factory):
    """The tiny model as a GGUF file, and drafts of three adapters with their torch models."""
    directory = tmp_path_factory.mktemp("weights")
    save_tiny_gguf(tiny_qwen2[0], directory / "tiny.gguf")
    general = save_tiny_adapter(tiny_qwen2[1], directory / "general", seed=1, half=True)
    merged = general.merge_and_unload()
    one = save_tiny_adapter(merged, directory / "one", seed=2)
    two = save_tiny_adapter(merged, directory / "two", seed=3)
    return directory, {"base": tiny_qwen2[1], "none": merged, "one": one, "two": two}


@pytest.fixture
def tiny(weights, monkeypatch, tmp_path):
    """A catalogue of one model, called tiny, which is on this machine and has no adapter yet."""
    gguf = weights[0] / "tiny.gguf"
    file = catalogue.ModelFile("tiny.gguf", gguf.stat().st_size, file_sha256(gguf))
    entry = replace(catalogue.get("qwen2.5-coder-0.5b"), name="tiny", files=(file,))
    shelf = catalogue._Catalogue({"tiny": entry}, "tiny")
    monkeypatch.setattr(catalogue, "_catalogue", lambda: shelf)
    monkeypatch.setattr(general_adapter, "folder", lambda: tmp_path / "adapters")
    paths.source_dir("tiny").mkdir(parents=True)
    shutil.copyfile(gguf, paths.source_dir("tiny") / "tiny.gguf")
    return entry


@pytest.fixture
def general(tiny, weights, tmp_path):
    """Ship the general adapter, as its training writes it."""
    target = tmp_path / "adapters" / "tiny"
    ship(weights, tiny, target)
    return target


def ship(weights, entry, target):
    target.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copyfile(weights[0] / "general" / name, target / name)
    files = {path.name: file_sha256(path) for path in target.iterdir()}
    facts = {"base_sha256": entry.files[0].sha256, "prompt_version": 2, "files": files}
    (target / "manifest.json").write_text(json.dumps(facts))


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def add(workspace, weights, name, **facts):
    made_for = {**identity("tiny").facts(), "prompt_version": 2, "gate": {"promote": True}}
    return Registry(workspace).add(weights[0] / name, made_for | facts)


def load(adapter="none", **settings):
    return load_generator("tiny", adapter=adapter, context_tokens=200, **settings)


def test_without_a_general_adapter_the_model_as_shipped_is_the_base(tiny, weights):
    shipped, base = load(), load("base")
    assert (shipped.adapter, base.adapter) == ("none", "base")
    assert (
        ensure_served("tiny") == ensure_served("tiny", adapter="base") == paths.served_dir("tiny")
    )
    assert distance(shipped, weights[1]["base"]) < 0.05
    assert identity("tiny").general_sha256 == ""


def test_a_general_adapter_that_lands_is_merged_at_the_next_load(tiny, weights, tmp_path):
    directory = ensure_served("tiny")
    assert state_of(tiny).state == "ready"
    ship(weights, tiny, tmp_path / "adapters" / "tiny")
    assert state_of(tiny).state == "downloaded"  # to be converted again
    shipped = load()
    assert ensure_served("tiny") == directory
    assert state_of(tiny).state == "ready"
    assert distance(shipped, weights[1]["none"]) < 0.05 < distance(shipped, weights[1]["base"])
    base = load("base")
    assert ensure_served("tiny", adapter="base") != directory
    assert distance(base, weights[1]["base"]) < 0.05
    assert base.adapter == "base"


def test_another_general_adapter_is_merged_in_place_of_the_first(general, tiny, weights):
    ensure_served("tiny")
    shutil.copyfile(
        weights[0] / "one" / "adapter_model.safetensors", general / "adapter_model.safetensors"
    )
    manifest = json.loads((general / "manifest.json").read_text())
    sha256 = file_sha256(general / "adapter_model.safetensors")
    manifest["files"]["adapter_model.safetensors"] = sha256
    (general / "manifest.json").write_text(json.dumps(manifest))
    assert distance(load(), weights[1]["none"]) > 0.05


def test_a_damaged_general_adapter_is_a_sentence_and_never_served(general, tiny):
    weights_file = general / "adapter_model.safetensors"
    data = bytearray(weights_file.read_bytes())
    data[-3] ^= 1
    weights_file.write_bytes(data)
    with pytest.raises(AdapterDamaged, match=r"general adapter.*is damaged.*install homespun"):
        load()
    assert not paths.served_dir("tiny").exists()
    with pytest.raises(AdapterDamaged, match="general adapter"):
        fetch.verify("tiny")
    assert load("base").adapter == "base"


@pytest.mark.parametrize("lost", ["manifest.json", "adapter_model.safetensors"])
def test_a_general_adapter_that_is_not_whole_is_a_sentence(general, lost):
    (general / lost).unlink()
    with pytest.raises(AdapterDamaged, match=f"general adapter.*{lost}"):
        load()


def test_a_general_adapter_for_other_weights_is_refused(general):
    manifest = json.loads((general / "manifest.json").read_text())
    (general / "manifest.json").write_text(json.dumps(manifest | {"base_sha256": "0" * 64}))
    with pytest.raises(
        AdapterUnfit, match="general adapter .* was made for weights with sha256 000"
    ):
        load()


def test_a_repository_adapter_is_merged_on_top_of_the_general_one(general, weights, workspace):
    one, two = add(workspace, weights, "one"), add(workspace, weights, "two")
    for adapter, name in ((one, "one"), (two, "two")):
        generator = load(adapter.id, workspace=workspace)
        assert generator.adapter == adapter.id
        for other in weights[1]:
            assert (distance(generator, weights[1][other]) < 0.05) == (other == name)


def test_the_champion_serves_once_it_is_promoted(general, weights, workspace):
    adapter = add(workspace, weights, "one")
    assert load("champion", workspace=workspace).adapter == "none"
    assert load("champion").adapter == "none"  # outside of any workspace
    Registry(workspace).promote(adapter.id)
    assert load("champion", workspace=workspace).adapter == adapter.id
    Registry(workspace).rollback()
    assert load("champion", workspace=workspace).adapter == "none"


def test_equal_weights_are_converted_once(general, weights, workspace):
    draft = ensure_served("tiny", adapter=weights[0] / "one")
    stamp = (draft / "decoder.onnx").stat().st_mtime_ns
    adapter = add(workspace, weights, "one")
    assert ensure_served("tiny", adapter=adapter.id, workspace=workspace) == draft
    assert ensure_served("tiny", adapter=weights[0] / "one") == draft
    assert (draft / "decoder.onnx").stat().st_mtime_ns == stamp
    assert ensure_served("tiny") != draft


def test_an_adapter_of_a_model_of_the_users_own_needs_no_catalogue(tiny_qwen2, weights, workspace):
    from homespun.models.serve import identity

    name = str(tiny_qwen2[0])
    facts = {**identity(name).facts(), "prompt_version": 2}
    adapter = Registry(workspace).add(weights[0] / "one", facts)
    generator = load_generator(name, adapter=adapter.id, workspace=workspace, context_tokens=200)
    assert generator.adapter == adapter.id


def test_a_damaged_adapter_is_refused_at_each_load(general, weights, workspace):
    adapter = add(workspace, weights, "one")
    load(adapter.id, workspace=workspace)
    file = adapter.directory / "adapter_config.json"
    file.write_text(file.read_text().replace('"lora_alpha": 8', '"lora_alpha": 9'))
    with pytest.raises(AdapterDamaged, match=r"adapter_config\.json' is damaged"):
        load(adapter.id, workspace=workspace)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"base_sha256": "0" * 64}, "base weights"),
        ({"general_sha256": ""}, "a general adapter with sha256 none"),
        ({"tokenizer_sha256": "0" * 64}, "a tokenizer"),
        ({"prompt_version": 1}, "prompt version 1, but here it is 2"),
    ],
)
def test_a_foreign_adapter_is_refused(general, weights, workspace, facts, sentence):
    adapter = add(workspace, weights, "one", **facts)
    with pytest.raises(AdapterUnfit, match=f"was made for {sentence}.*homespun train"):
        load(adapter.id, workspace=workspace, prompt_version=2)


def test_an_adapter_from_before_the_general_one_is_refused_after_it(
    tiny, weights, workspace, tmp_path
):
    adapter = add(workspace, weights, "one")
    ship(weights, tiny, tmp_path / "adapters" / "tiny")
    with pytest.raises(AdapterUnfit, match="a general adapter with sha256 none, but here it is"):
        load(adapter.id, workspace=workspace)


def test_an_unknown_adapter_is_told_the_known_ones(general, weights, workspace):
    adapter = add(workspace, weights, "one")
    with pytest.raises(AdapterUnknown, match=f"'nobody'; known: {adapter.id}"):
        load("nobody", workspace=workspace)
    with pytest.raises(AdapterUnknown, match="belongs to a workspace"):
        load("nobody")


def test_a_folder_sealed_with_our_own_function_can_be_shipped(tiny, weights, tmp_path):
    target = tmp_path / "adapters" / "tiny"
    shutil.copytree(weights[0] / "general", target)
    seal(target, identity_facts(tiny))
    assert load().adapter == "none"
    assert distance(load(), weights[1]["none"]) < 0.05


def identity_facts(entry):
    return {
        "base_sha256": entry.files[0].sha256,
        "tokenizer_sha256": "0" * 64,
        "prompt_version": 2,
    }


def test_what_an_adapter_is_trained_on_is_the_model_as_shipped(general, tiny, weights):
    from homespun.models.weights.transformers_model import as_transformers

    trained_on = reference(as_transformers(float_weights("tiny")))
    np.testing.assert_allclose(trained_on, reference(weights[1]["none"]), atol=1e-4)
