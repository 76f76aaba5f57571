"""A finished adapter of a workspace, as everybody sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from homespun.models.adapters.sealed_folder import weights_digest

AdapterState = Literal["candidate", "champion", "retired", "unknown"]

UNKNOWN = "not made on this machine"
_UNJUDGED = "not judged by the gate"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A finished adapter; its folder never changes."""

    id: str
    directory: Path
    state: AdapterState
    manifest: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Return the hash of what it does to the weights."""
        return weights_digest(self.manifest)

    @property
    def is_known(self) -> bool:
        """Tell whether it was made on this machine, or the user said that he trusts it."""
        return self.state != "unknown"

    @property
    def is_proven(self) -> bool:
        """Tell whether the gate let it through."""
        gate = self.manifest.get("gate")
        return isinstance(gate, dict) and gate.get("promote") is True

    @property
    def headline(self) -> str:
        """Return what the gate said of it, one line without control characters."""
        if not self.is_known:  # what it says of itself is nobody's word
            return f"{UNKNOWN}; `homespun adapters trust {self.id}` if you know where it is from"
        gate = self.manifest.get("gate")
        said = gate.get("headline") if isinstance(gate, dict) else None
        return "".join(c for c in str(said) if c.isprintable()) if said else _UNJUDGED

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun adapters show --json`."""
        return {
            "id": self.id,
            "state": self.state,
            "directory": str(self.directory),
            "manifest": dict(self.manifest),
        }
