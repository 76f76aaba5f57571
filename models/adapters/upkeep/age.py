"""How old an adapter is, by what its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def trained_at(manifest: Mapping[str, Any]) -> datetime | None:
    """Return when an adapter was learned, with a time zone; None where it does not say.

    That is the fact `trained`; older manifests have it behind the name of their run alone.
    """
    said = manifest.get("trained") or str(manifest.get("run") or "").rpartition(" ")[2]
    try:
        when = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return when if when.tzinfo is not None else None


def in_order(manifest: Mapping[str, Any], identifier: str) -> tuple[float, int]:
    """Return what sorts adapters from the oldest on: their time, then the number they were given.

    A time that does not count comes before all others.
    """
    when = trained_at(manifest)
    number = identifier.rpartition("-")[2].partition(".")[0]
    return when.timestamp() if when else 0.0, int(number[:9]) if number.isdecimal() else 0
