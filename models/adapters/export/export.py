"""From an identifier to files that another program loads: which layers go along, and what is said.

By default the general adapter goes along: the server of a team has the weights as their maker
published them. What is written is checked like what is served: an adapter that nobody trusts, or
whose bytes are not those of its manifest, is not exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from homespun.models import catalogue
from homespun.models.adapters.compatibility import check_fits
from homespun.models.adapters.export.forms import write_gguf, write_peft
from homespun.models.adapters.export.one_lora import OneLora
from homespun.models.adapters.export.push import Fit, TokenProbe
from homespun.models.adapters.folder import reading
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.stack import stack
from homespun.models.catalogue import CatalogueEntry
from homespun.models.convert.served_form import file_sha256
from homespun.models.errors import AdapterUnfit, ModelsError
from homespun.models.serve import decoder_form, served_target
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.parsing import read_json

Form = Literal["peft", "gguf"]
_MAX_CONFIG_BYTES = 1_000_000
_FACTS = ("base", "base_sha256", "general_sha256", "tokenizer_sha256", "prompt_version", "commit")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    facts: Mapping[str, Any]
    rank: int
    base: str  # which weights it belongs on, for people
    needs_general: bool  # the weights must have the general adapter merged in

    @property
    def weights(self) -> str:
        """Say for people which weights it belongs on."""
        return f"{self.base} with homespun's general adapter" * self.needs_general or self.base

    def to_json(self) -> dict[str, object]:
        """Return the contract's JSON object."""
        files = [str(file) for file in self.files]
        return {"files": files, "rank": self.rank, "weights": self.weights, **self.facts}


def export(
    registry: Registry, identifier: str, folder: Path, *, form: Form, with_general: bool = True
) -> Exported:
    """Write an adapter into a folder, with the general adapter that it was learned on top of.

    Raises `AdapterUnknown`, `AdapterForeign`, `AdapterDamaged`, `AdapterUnfit`, `StorageFull`,
    `OSError`.
    """
    adapter = registry.get(identifier)
    model = str(adapter.manifest.get("base", ""))
    entry = catalogue.get(model) if model in catalogue.names() else None
    whole = stack(
        adapter.id,
        model=entry.name if entry else "",
        base_sha256=str(adapter.manifest["base_sha256"]),
        workspace=registry.workspace,
    )
    check_fits(
        adapter,
        base_sha256=str(adapter.manifest["base_sha256"]),
        general_sha256=whole.general_sha256,
    )
    layers = whole.layers if with_general else whole.layers[-1:]
    with reading(adapter.directory):
        lora = OneLora.of([layer.open() for layer in layers])
    facts = {name: adapter.manifest[name] for name in _FACTS if name in adapter.manifest}
    facts |= {"id": adapter.id, "includes_general": with_general and bool(whole.general_sha256)}
    base = published_name(entry) if entry else model
    if form == "peft":
        files = write_peft(folder, lora, base=base, facts=facts)
    else:
        kind = entry.architecture if entry else _architecture(Path(model))
        files = write_gguf(folder, lora, architecture=kind, facts=facts)
    needs_general = bool(whole.general_sha256) and not with_general
    return Exported(tuple(files), facts, lora.rank, base, needs_general=needs_general)


def fit_of(exported: Exported) -> Fit:
    """Return what a server can be asked about an exported adapter."""
    facts, is_merged = exported.facts, exported.needs_general
    weights = str(facts["base"]) if is_merged else exported.base
    return Fit(weights, int(facts["prompt_version"]), _probe(facts), is_merged=is_merged)


def _probe(facts: Mapping[str, Any]) -> TokenProbe | None:
    """Return tokens of the adapter's own tokenizer, None where it is not on this machine."""
    try:
        folder = served_target(str(facts["base"]), adapter=MODEL_AS_SHIPPED, workspace=None)
        form = decoder_form(folder)
    except ModelsError:
        return None
    made_for = str(facts["tokenizer_sha256"])
    if file_sha256(folder / "tokenizer.json") != made_for:
        return None
    return TokenProbe.of(BpeTokenizer(form.tokenizer_json(), form.control), form.fim)


def published_name(entry: CatalogueEntry) -> str:
    """Return the repository of the weights that a catalogue model's file was rounded from."""
    return entry.hub.repo.removesuffix("-GGUF")


def _architecture(model: Path) -> str:
    """Return what llama.cpp calls the architecture of a user's own model. Raises `AdapterUnfit`."""
    try:
        kind = read_json(model / "config.json", max_bytes=_MAX_CONFIG_BYTES).get("model_type")
    except (OSError, ValueError, AttributeError):
        kind = None
    if kind != "qwen2":  # others have another order of their attention in a GGUF file
        raise AdapterUnfit(
            f"the adapter was made for {str(model)!r}, which is no folder of a qwen2 model, and no "
            "other GGUF adapter is written; export it with --format peft"
        )
    return str(kind)
