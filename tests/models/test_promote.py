"""Promotion: checked, converted, compared, the alias last; served forms that nobody needs go."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.prune import prune
from homespun.models.convert.parity import Parity, compare, reference
from homespun.models.errors import AdapterDamaged, AdapterUnfit
from homespun.models.load import load_generator
from homespun.models.promote import clear_served, promote, served_parity
from homespun.models.serve import ensure_served, identity, served_folder, served_target
from homespun.progress import NoProgress
from tests.support.tiny import save_tiny_adapter

PASSED = {"promote": True, "headline": "better"}


@pytest.fixture(scope="session")
def drafts(tiny_qwen2, tmp_path_factory):
    """Four adapters for the tiny model: folder -> torch model."""
    directory = tmp_path_factory.mktemp("drafts")
    folders = [directory / str(seed) for seed in range(4)]
    return {
        folder: save_tiny_adapter(tiny_qwen2[1], folder, seed=seed)
        for seed, folder in enumerate(folders)
    }


@pytest.fixture
def shop(tiny_qwen2, drafts, tmp_path):
    """A workspace's registry, and how to add and promote there."""
    return Shop(str(tiny_qwen2[0]), list(drafts), tmp_path / "shop")


class Shop:
    def __init__(self, model, drafts, workspace):
        workspace.mkdir()
        self.model, self.drafts, self.registry = model, drafts, Registry(workspace)

    def add(self, number, **facts):
        made_for = {**identity(self.model).facts(), "prompt_version": 2, "gate": PASSED}
        return self.registry.add(self.drafts[number], made_for | facts)

    def promote(self, adapter, **settings):
        return promote(self.registry, adapter.id, model=self.model, prompt_version=2, **settings)

    def target(self, adapter):
        return served_target(self.model, adapter=adapter.id, workspace=self.registry.workspace)

    def forms(self):
        return {path.name for path in served_folder(self.model).glob("served*") if path.is_dir()}


def test_a_promoted_adapter_is_served_and_was_compared_with_its_float_weights(shop):
    adapter = shop.add(0)
    done = shop.promote(adapter)
    assert done.adapter.state == "champion"
    assert shop.registry.champion().id == adapter.id
    assert done.served == shop.target(adapter)
    assert (done.served / "manifest.json").is_file()
    assert done.parity.rows > 100
    assert done.parity.agreement > 0.9
    assert done.parity.served_nats == pytest.approx(done.parity.float_nats, abs=0.02)


def test_the_float_weights_answer_as_in_torch(shop, drafts):
    """The reference in the manifest is the merged model's, not the base's."""
    import torch

    done = shop.promote(shop.add(1))
    told = json.loads((done.served / "manifest.json").read_text())["parity"]
    tuned = drafts[shop.drafts[1]]
    with torch.no_grad():
        logits = tuned(torch.tensor([told["ids"]])).logits[0].log_softmax(-1).numpy()
    rows = told["rows"]
    following = [told["ids"][row + 1] for row in rows]
    assert logits[rows].argmax(axis=1).tolist() == told["top"]
    np.testing.assert_allclose(logits[rows, following], told["logprobs"], atol=2e-3)


def test_what_is_being_merged_is_not_pruned(shop):
    adapter = shop.add(0)
    pruned = []

    class Prunes(NoProgress):
        def start(self, *_):
            pruned.append(prune(shop.registry, 0))

    assert shop.promote(adapter, progress=Prunes()).adapter.id == adapter.id
    assert pruned
    assert not any(pruned)


def test_a_served_form_of_other_weights_is_not_promoted(shop):
    first, second = shop.add(0), shop.add(1)
    shop.promote(first)
    workspace = shop.registry.workspace
    directory = ensure_served(shop.model, adapter=second.id, workspace=workspace)
    weights = directory / "decoder.weights"
    weights.write_bytes(weights.read_bytes()[::-1])  # as long as before
    with pytest.raises(AdapterUnfit, match=r"is not promoted: the int8 form agrees .* in \d"):
        shop.promote(second)
    assert shop.registry.champion().id == first.id


@pytest.mark.parametrize(
    ("gate", "sentence"),
    [
        ({"promote": False, "headline": "Keep what you have: too little"}, "Keep what you have"),
        (None, "no verdict is in its manifest"),
    ],
)
def test_what_has_not_passed_the_gate_is_promoted_only_on_demand(shop, gate, sentence):
    adapter = shop.add(0, gate=gate)
    with pytest.raises(AdapterUnfit, match=f"has not passed the gate.*{sentence}.*--unproven"):
        shop.promote(adapter)
    assert shop.registry.champion() is None
    shop.promote(adapter, unproven=True)
    assert shop.registry.champion().id == adapter.id


def test_a_changed_evaluation_is_not_promoted(shop, tmp_path):
    shutil.copytree(shop.drafts[0], tmp_path / "draft")
    (tmp_path / "draft" / "evaluation.json").write_text("{}")
    shop.drafts = [tmp_path / "draft"]
    adapter = shop.add(0)
    (adapter.directory / "evaluation.json").write_text('{"better": true}')
    with pytest.raises(AdapterDamaged, match=r"evaluation\.json"):
        shop.promote(adapter)


def test_the_served_forms_of_the_champion_and_the_one_before_stay(shop):
    adapters = [shop.add(number) for number in range(3)]
    targets = [shop.target(adapter) for adapter in adapters]
    for adapter in adapters:
        shop.promote(adapter)
    assert [target.is_dir() for target in targets] == [False, True, True]
    assert shop.forms() == {"served", targets[1].name, targets[2].name}
    shop.registry.rollback()
    assert clear_served(shop.registry, shop.model) == [targets[2]]


def test_served_forms_of_another_workspace_stay_until_it_is_gone(shop, tmp_path):
    other = Shop(shop.model, shop.drafts, tmp_path / "other")
    theirs = other.add(2)
    other.promote(theirs)
    shop.promote(shop.add(0))
    assert other.target(theirs).is_dir()
    target = other.target(theirs)
    shutil.rmtree(other.registry.workspace)
    assert clear_served(shop.registry, shop.model) == [target]


def test_the_served_form_of_a_draft_goes_and_that_of_the_base_stays(shop):
    workspace = shop.registry.workspace
    ensure_served(shop.model, adapter="base")
    draft = ensure_served(shop.model, adapter=shop.drafts[3], workspace=workspace)
    shop.promote(shop.add(0))
    assert not draft.exists()
    assert load_generator(shop.model, context_tokens=64).adapter == "none"


def test_a_form_without_a_reference_is_named(shop):
    directory = ensure_served(shop.model)
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest["parity"]
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(AdapterDamaged, match="does not say what its float32 weights answer"):
        served_parity(directory)


def test_the_reference_is_exact_whatever_the_pieces_of_the_output_layer():
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((300, 16)).astype(np.float32)
    head = rng.standard_normal((20_000, 16)).astype(np.float32)
    ids = rng.integers(0, 20_000, 300).tolist()
    told = reference(hidden, head, ids)
    logits = hidden.astype(np.float64) @ head.T.astype(np.float64)
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    rows = told["rows"]
    assert len(rows) == 100
    assert told["top"] == logits[rows].argmax(axis=1).tolist()
    expected = [logprobs[row, ids[row + 1]] for row in rows]
    np.testing.assert_allclose(told["logprobs"], expected, atol=1e-4)

    class Same:
        def logits(self, asked, rows):
            return logits[rows].astype(np.float32)

    parity = compare(Same(), told)
    assert parity.agreement == 1.0
    assert parity.served_nats == pytest.approx(parity.float_nats, abs=1e-4)


@pytest.mark.parametrize(
    ("parity", "is_good"),
    [
        (Parity(100, 0.98, 1.0, 1.001), True),
        (Parity(100, 0.98, 1.0, 0.5), True),
        (Parity(100, 0.89, 1.0, 1.0), False),
        (Parity(100, 0.98, 1.0, 1.06), False),
        (Parity(100, float("nan"), 1.0, 1.0), False),
        (Parity(100, 0.98, 1.0, float("nan")), False),
    ],
)
def test_the_limits_of_parity(parity, is_good):
    assert (parity.fault == "") is is_good
