"""Deletes adapters that nobody needs any more, and merged copies of them.

Never the one that serves, nor the one before it, which a rollback needs, nor one that a setting
names, nor one that another process is reading. What came from elsewhere and is unknown is not
ours to delete: it is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun import paths
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.upkeep.age import in_order
from homespun.models.convert.served_form import read_manifest
from homespun.models.promote import delete_served


@dataclass(frozen=True, slots=True)
class PrunedAdapter:
    """An adapter that goes, or is gone."""

    id: str
    state: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class MergedCopy:
    """The int8 form of a model with an adapter merged in, as large as the model."""

    adapter: str
    model: str
    directory: Path
    size_bytes: int


def surplus(registry: Registry, keep: int, *, spared: Collection[str] = ()) -> list[PrunedAdapter]:
    """Return what `prune` would delete, the oldest first; raises like it."""
    return _told(_beyond(registry.dispensable(), keep, spared))


def prune(registry: Registry, keep: int, *, spared: Collection[str] = ()) -> list[PrunedAdapter]:
    """Delete all candidates and retired adapters but the newest `keep`; return them.

    `spared` are identifiers that stay beside these. Raises `AdapterDamaged`, `AdapterUnknown`
    (which one serves is not known), `AdapterBusy`, `FolderRefused`.
    """
    told: dict[str, PrunedAdapter] = {}

    def choose(adapters: Sequence[Adapter]) -> list[Adapter]:
        chosen = _beyond(adapters, keep, spared)
        told.update({row.id: row for row in _told(chosen)})  # while there is something to measure
        return chosen

    return [told[adapter.id] for adapter in registry.prune(choose)]


def surplus_copies(registry: Registry, *, spared: Collection[str] = ()) -> list[MergedCopy]:
    """Return this workspace's merged copies, of any model, that serve no more; raises like `prune`.

    Those of a workspace that is gone are among them.
    """
    dispensable = {adapter.id for adapter in registry.dispensable()} - set(spared)
    needed = {adapter.sha256 for adapter in registry.adapters() if adapter.id not in dispensable}
    return list(_copies(str(registry.workspace.resolve()), needed))


def delete_copies(copies: Sequence[MergedCopy]) -> list[MergedCopy]:
    """Delete merged copies; return those that are gone, as one may be in the making."""
    return [copy for copy in copies if delete_served(copy.directory)]


def _beyond(adapters: Sequence[Adapter], keep: int, spared: Collection[str]) -> list[Adapter]:
    ours = [adapter for adapter in adapters if adapter.id not in spared]
    ours.sort(key=lambda adapter: in_order(adapter.manifest, adapter.id))
    return ours[: max(0, len(ours) - keep)]


def _told(adapters: Sequence[Adapter]) -> list[PrunedAdapter]:
    return [
        PrunedAdapter(adapter.id, adapter.state, _size_bytes(adapter.directory))
        for adapter in adapters
    ]


def _copies(workspace: str, needed: Collection[str]) -> Iterator[MergedCopy]:
    models = paths.home() / "models"
    for directory in sorted([*models.glob("*/served-*"), *models.glob("own/*/served-*")]):
        manifest = read_manifest(directory) if directory.is_dir() else None
        made_for = str((manifest or {}).get("workspace") or "")
        if manifest is None or not made_for:
            continue
        merged = manifest.get("adapters") or [""]
        is_mine = made_for == workspace and merged[-1] not in needed
        if is_mine or not Path(made_for).is_dir():
            label, model = str(manifest.get("adapter", "")), str(manifest.get("name", ""))
            yield MergedCopy(label, model, directory, _size_bytes(directory))


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
