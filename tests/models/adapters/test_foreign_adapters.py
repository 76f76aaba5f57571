"""What a clone brings serves never by itself: seals, trust, the gate's verdict, hostile files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from homespun.errors import HomespunError
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import seal
from homespun.models.adapters.stack import stack
from homespun.models.adapters.trusted import answer_about
from homespun.models.errors import (
    AdapterDamaged,
    AdapterError,
    AdapterForeign,
    AdapterUnproven,
)
from homespun.models.promote import promote
from homespun.models.weights.lora import LoraWeights
from tests.support.hostile import settings_and_adapters as hostile
from tests.support.hostile.settings_and_adapters import EVIL, as_if_cloned, write_adapter

BUILDERS = [build for name, build in vars(hostile).items() if name.startswith("build_adapter_")]
FACTS = {
    "base_sha256": "b" * 64,
    "general_sha256": "",
    "tokenizer_sha256": "c" * 64,
    "prompt_version": 2,
    "gate": {"promote": True, "headline": "better"},
}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def draft(tmp_path):
    write_adapter(tmp_path / "draft")
    (tmp_path / "draft" / "manifest.json").unlink()
    return tmp_path / "draft"


def serving(root, adapter="champion"):
    """Return the adapter that would be merged, None for the model as shipped."""
    found = stack(adapter, model="", base_sha256="b" * 64, workspace=root).adapter
    return found.id if found is not None else None


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_an_adapter_that_a_folder_brings_serves_by_no_name(root, build):
    build(root)
    for wanted in ("champion", EVIL):
        try:
            assert serving(root, wanted) is None
        except AdapterError as error:
            assert str(root.name) in str(error)


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_it_cannot_be_promoted_and_a_training_can_be_added_beside_it(root, build, draft):
    build(root)
    registry = Registry(root)
    with pytest.raises(HomespunError):
        promote(registry, EVIL, model="tiny", prompt_version=2, unproven=True)
    with pytest.raises(HomespunError):
        registry.promote(EVIL)
    if (root / ".homespun" / "adapters").is_symlink():
        with pytest.raises(HomespunError, match="is a link"):
            registry.add(draft, FACTS)
        return
    ours = registry.add(draft, FACTS)
    registry.promote(ours.id)
    assert serving(root) == ours.id


def test_a_strangers_adapter_is_listed_as_unknown_and_says_nothing_of_itself(root):
    hostile.build_adapter_of_a_stranger(root)
    (adapter,) = Registry(root).adapters()
    assert (adapter.id, adapter.state, adapter.is_known) == (EVIL, "unknown", False)
    assert adapter.headline.startswith("not made on this machine")
    assert Registry(root).champion() is None


def test_what_the_user_trusts_may_be_promoted_and_then_serves(root):
    hostile.build_adapter_of_a_stranger(root)
    registry = Registry(root)
    assert registry.trust(EVIL).state == "candidate"
    assert serving(root) is None  # whether it serves is still said by promoting it
    assert serving(root, EVIL) == EVIL
    registry.promote(EVIL)
    assert serving(root) == EVIL


def test_trust_is_in_the_bytes_and_not_in_the_name(root):
    hostile.build_adapter_of_a_stranger(root)
    registry = Registry(root)
    registry.trust(EVIL)
    registry.promote(EVIL)
    weights = registry.folder / EVIL / "adapter_model.safetensors"
    data = weights.read_bytes()[:-1] + b"\1"
    weights.write_bytes(data)
    with pytest.raises(AdapterDamaged):
        registry.check(registry.get(EVIL))
    write_adapter(registry.folder / EVIL, data)  # as a pull would bring it: a manifest that fits
    assert registry.get(EVIL).state == "unknown"
    with pytest.raises(AdapterForeign, match=f"homespun adapters trust {EVIL}"):
        serving(root)


def test_files_that_are_not_what_the_manifest_says_are_not_trusted(root):
    hostile.build_adapter_of_a_stranger(root)
    (Registry(root).folder / EVIL / "adapter_config.json").write_text("{}")
    with pytest.raises(AdapterDamaged):
        Registry(root).trust(EVIL)
    assert Registry(root).get(EVIL).state == "unknown"


def test_trust_is_kept_in_the_users_folder_and_nowhere_else(root):
    hostile.build_adapter_of_a_stranger(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    Registry(root).trust(EVIL)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    kept = Path(os.environ["HOMESPUN_HOME"]) / "trusted.json"
    (entry,) = json.loads(kept.read_text())["adapters"].values()
    assert (entry["id"], entry["answer"]) == (EVIL, "trusted")
    if os.name == "posix":
        assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 5_000, '{"adapters": 3}'])
def test_a_damaged_list_of_what_is_trusted_trusts_nothing(root, text):
    hostile.build_adapter_of_a_stranger(root)
    registry = Registry(root)
    registry.trust(EVIL)
    (Path(os.environ["HOMESPUN_HOME"]) / "trusted.json").write_text(text)
    assert registry.get(EVIL).state == "unknown"
    assert registry.trust(EVIL).is_known


def test_a_clone_of_our_own_repository_brings_adapters_of_a_stranger(root, draft):
    registry = Registry(root)
    ours = registry.add(draft, FACTS)
    registry.promote(ours.id)
    assert serving(root) == ours.id
    as_if_cloned(root)
    assert [adapter.state for adapter in registry.adapters()] == ["unknown"]
    assert serving(root) is None


def test_a_moved_repository_keeps_its_adapters_and_asks_which_one_serves(root, draft):
    registry = Registry(root)
    ours = registry.add(draft, FACTS)
    registry.promote(ours.id)
    moved = Registry(root.rename(root.with_name("moved")))
    assert [adapter.state for adapter in moved.adapters()] == ["candidate"]
    assert serving(moved.workspace) is None
    claim = moved.claim()
    assert (claim.adapter.id, claim.adapter.is_known) == (ours.id, True)
    assert "not promoted in this folder" in claim.sentence
    assert claim.command == f"`homespun adapters promote {ours.id}` lets it serve"
    moved.promote(ours.id)
    assert serving(moved.workspace) == ours.id
    assert moved.claim() is None


def test_our_seal_under_another_name_is_not_ours(root, draft):
    ours = Registry(root).add(draft, FACTS)
    shutil.copytree(ours.directory, ours.directory.with_name("other-1"))
    assert Registry(root).get("other-1").state == "unknown"


def test_a_claim_is_made_by_a_folders_champion_alone_and_answered_once(root):
    registry = Registry(root)
    assert registry.claim() is None
    write_adapter(hostile.adapters_of(root) / EVIL)
    assert registry.claim() is None  # nobody says that it serves
    hostile.write_aliases(root)
    claim = registry.claim()
    assert claim.adapter.id == EVIL
    assert claim.sentence == (
        f"The folder 'shop' brings an adapter, {EVIL!r}, that was not made on this machine"
    )
    registry.decline(claim)
    assert registry.claim() is None
    assert answer_about(claim.sha256) == "declined"
    assert registry.get(EVIL).state == "unknown"


@pytest.mark.parametrize("gate", [{"promote": False}, {"promote": 1}, {"promote": "true"}, None])
def test_a_champion_that_the_gate_did_not_let_through_serves_only_on_the_users_word(
    root, draft, gate
):
    registry = Registry(root)
    ours = registry.add(draft, {**FACTS, "gate": gate})
    registry.promote(ours.id)
    with pytest.raises(AdapterUnproven, match=f"promote {ours.id} --unproven"):
        serving(root)
    registry.promote(ours.id, unproven=True)
    assert serving(root) == ours.id
    assert Registry(root).champion().id == ours.id


def test_a_verdict_that_was_written_in_afterwards_breaks_the_seal(root, draft):
    ours = Registry(root).add(draft, {**FACTS, "gate": {"promote": False}})
    path = ours.directory / "manifest.json"
    body = json.loads(path.read_text()) | {"gate": {"promote": True}}
    path.write_text(json.dumps(body))
    assert Registry(root).get(ours.id).state == "unknown"


def test_aliases_that_were_changed_by_hand_let_nothing_serve(root, draft):
    registry = Registry(root)
    first, second = registry.add(draft, FACTS), registry.add(draft, FACTS)
    registry.promote(first.id)
    body = json.loads(registry.aliases_path.read_text())
    registry.aliases_path.write_text(json.dumps(body | {"champion": second.id}))
    assert serving(root) is None


def test_a_setting_is_never_a_path_to_weights(root, draft):
    (root / "mine").mkdir()
    with pytest.raises(AdapterError):
        serving(root, str(draft))
    with pytest.raises(AdapterError):
        serving(root, "./mine")


def test_a_lock_that_is_a_link_is_not_written_through(root, draft, tmp_path):
    (tmp_path / "bashrc").write_text("precious")
    (hostile.adapters_of(root) / "lock").symlink_to(tmp_path / "bashrc")
    with pytest.raises(HomespunError, match="is a link"):
        Registry(root).add(draft, FACTS)
    assert (tmp_path / "bashrc").read_text() == "precious"


def test_a_draft_with_a_link_is_not_added(root, draft, tmp_path):
    (tmp_path / "id_rsa").write_text("secret")
    (draft / "report.html").symlink_to(tmp_path / "id_rsa")
    with pytest.raises(HomespunError, match="holds a link"):
        Registry(root).add(draft, FACTS)


def test_numbers_of_a_strangers_adapters_do_not_make_ours_too_long(root, draft):
    write_adapter(hostile.adapters_of(root) / ("x-" + "9" * 190))
    assert Registry(root).add(draft, FACTS).id == "shop-tree-1"


def test_facts_that_json_writes_otherwise_keep_their_seal(root, draft):
    ours = Registry(root).add(draft, {**FACTS, "counts": {10: 1, 9: (2, 3)}})
    assert ours.is_known


def test_without_a_readable_key_nothing_is_ours_and_no_key_is_made(root, draft, monkeypatch):
    ours = Registry(root).add(draft, FACTS)
    Registry(root).promote(ours.id)
    monkeypatch.setenv("HOMESPUN_HOME", str(root / "nowhere" / "at all"))
    assert serving(root) is None
    assert not (root / "nowhere").exists()


@pytest.mark.parametrize("what", hostile.weights_of_hostile_form())
def test_weights_that_ask_for_what_is_not_there_are_a_sentence(tmp_path, what):
    write_adapter(tmp_path / "evil", hostile.weights_of_hostile_form()[what])
    with pytest.raises(AdapterError, match="evil"):
        LoraWeights.open(tmp_path / "evil")


@pytest.mark.parametrize("config", [hostile.NESTED, "[]", "{", "\0", "9" * 5_000, "x" * 2_000_000])
def test_a_hostile_configuration_is_a_sentence(tmp_path, config):
    write_adapter(tmp_path / "evil", config=config)
    with pytest.raises(AdapterDamaged, match=r"adapter_config\.json"):
        LoraWeights.open(tmp_path / "evil")


def test_a_pipe_in_place_of_weights_is_not_waited_for(tmp_path):
    write_adapter(tmp_path / "evil")
    path = tmp_path / "evil" / "adapter_model.safetensors"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(AdapterError):
        LoraWeights.open(tmp_path / "evil")


def test_good_weights_are_read(tmp_path):
    write_adapter(tmp_path / "good")
    assert LoraWeights.open(tmp_path / "good").names() == ("0.q",)


def test_seal_says_no_more_than_who_wrote_it(root, draft):
    """A folder that our own function sealed has the same form as one that is shipped."""
    manifest = seal(draft, {**FACTS, "id": "x"})
    assert json.loads((draft / "manifest.json").read_text()) == manifest
