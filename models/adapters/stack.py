"""Which adapters are merged into a model: what the setting `adapter` means, with their hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from homespun.models.adapters import shipped
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.registry import CHAMPION, Registry
from homespun.models.adapters.sealed_folder import draft_digest
from homespun.models.adapters.shipped import GeneralAdapter
from homespun.models.errors import AdapterUnknown
from homespun.models.types import MODEL_AS_SHIPPED
from homespun.models.weights.lora import LoraWeights

_KEY_CHARS = 12


@dataclass(frozen=True, slots=True)
class Layer:
    """One adapter that is added to the weights below it."""

    directory: Path
    sha256: str
    check: Callable[[], None]  # hashes its files; raises `AdapterDamaged`

    def open(self) -> LoraWeights:
        """Check and read it. Raises `AdapterDamaged`, `AdapterUnfit`."""
        self.check()
        return LoraWeights.open(self.directory)


@dataclass(frozen=True, slots=True)
class Stack:
    """Base weights and what is added to them, in order."""

    label: str  # "base", "none" or an identifier: what a completion's `adapter` says
    layers: tuple[Layer, ...]
    adapter: Adapter | None  # of the repository
    general_sha256: str  # "" where no general adapter is merged
    is_shipped: bool  # exactly what the product ships: its served form has the plain name

    @property
    def hashes(self) -> list[str]:
        """Return the hashes of the layers."""
        return [layer.sha256 for layer in self.layers]

    def folder_name(self, base_sha256: str) -> str:
        """Return how the folder of the served form is called."""
        if self.is_shipped:
            return "served"
        key = hashlib.sha256("\n".join([base_sha256, *self.hashes]).encode()).hexdigest()
        return f"served-{key[:_KEY_CHARS]}"


def named(adapter: str) -> str | Path:
    """Return what a command line means by an adapter: what looks like a path is one."""
    return Path(adapter) if "/" in adapter or os.sep in adapter else adapter


def stack(
    adapter: str | Path, *, model: str, base_sha256: str, workspace: Path | None = None
) -> Stack:
    """Return what `adapter` stands for on a catalogue model (`model` "" for one of the user's own).

    `adapter` is "none" (the model as shipped), "base" (without the general adapter), "champion"
    (the workspace's promoted adapter, else as shipped), an identifier, or the path of an adapter's
    folder that is not registered, which no text stands for: a setting names no path. Nothing is
    hashed but such a folder. Raises `AdapterUnknown`, `AdapterDamaged`, `AdapterUnfit`,
    `AdapterForeign`, `AdapterUnproven`.
    """
    if adapter == "base":
        is_shipped = not (model and (shipped.folder() / model).is_dir())
        return Stack("base", (), None, "", is_shipped)
    general = shipped.general_adapter(model, base_sha256) if model else None
    layers = (_general_layer(general),) if general else ()
    general_sha256 = general.sha256 if general else ""
    if isinstance(adapter, Path):
        draft = Layer(adapter, draft_digest(adapter), _unchecked)
        return Stack(adapter.name, (*layers, draft), None, general_sha256, is_shipped=False)
    found = _registered(adapter, workspace)
    if found is None:
        return Stack(MODEL_AS_SHIPPED, layers, None, general_sha256, is_shipped=True)
    layers = (*layers, _repository_layer(found))
    return Stack(found.id, layers, found, general_sha256, is_shipped=False)


def _registered(adapter: str, workspace: Path | None) -> Adapter | None:
    if adapter == MODEL_AS_SHIPPED:
        return None
    if adapter == CHAMPION:
        return Registry(workspace).champion() if workspace is not None else None
    if workspace is None:
        raise AdapterUnknown(
            f"adapter {adapter!r} belongs to a workspace, but there is none; open a folder, or "
            "set completion.adapter to 'champion' or 'none'"
        )
    registry = Registry(workspace)
    found = registry.get(adapter)
    registry.require_known(found)
    return found


def _general_layer(general: GeneralAdapter) -> Layer:
    return Layer(general.directory, general.sha256, general.check)


def _repository_layer(adapter: Adapter) -> Layer:
    registry = Registry(adapter.directory.parents[2])
    return Layer(adapter.directory, adapter.sha256, lambda: registry.check(adapter))


def _unchecked() -> None:
    """Do nothing: what is hashed now has no earlier hash to compare with."""
