"""What of the catalogue is on this machine; looks at sizes and stamps, hashes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from homespun import paths
from homespun.models.adapters.shipped import general_adapter
from homespun.models.catalogue import CatalogueEntry
from homespun.models.convert.served_form import is_current
from homespun.models.download import cache

State = Literal["missing", "downloaded", "ready"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model and how far it is from being served."""

    entry: CatalogueEntry
    state: State  # "ready": the served form is made from these files by this converter
    source: Path  # directory of the official files, whether or not it exists
    served: Path
    arrived_bytes: int  # of the official files, unfinished ones included

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun models list --json`."""
        return {
            "name": self.entry.name,
            "what": self.entry.what,
            "kind": self.entry.kind,
            "licence": self.entry.licence,
            "bytes": self.entry.total_bytes,
            "arrived_bytes": self.arrived_bytes,
            "state": self.state,
            "source": str(self.source),
            "served": str(self.served),
        }


def state_of(entry: CatalogueEntry) -> ModelState:
    """Return what of `entry` is on this machine.

    Raises `AdapterDamaged`, `AdapterUnfit` where its general adapter is not as shipped.
    """
    served = paths.served_dir(entry.name)
    state: State = "missing"
    if is_current(served, entry.files[0].sha256, adapters=_shipped_with(entry)):
        state = "ready"
    elif cache.is_here(entry):
        state = "downloaded"
    return ModelState(
        entry=entry,
        state=state,
        source=paths.source_dir(entry.name),
        served=served,
        arrived_bytes=sum(
            max(
                cache.size_of(cache.file_path(entry, file)),
                cache.size_of(cache.partial_path(entry, file)),
            )
            for file in entry.files
        ),
    )


def _shipped_with(entry: CatalogueEntry) -> list[str]:
    """Return the hashes of the adapters that are part of the model."""
    if entry.kind != "generator":
        return []
    general = general_adapter(entry.name, entry.files[0].sha256)
    return [general.sha256] if general else []
