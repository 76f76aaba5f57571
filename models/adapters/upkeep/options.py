"""Settings of what is kept of adapters: one default each, here and nowhere else.

The section `adapters` of the user's `homespun.toml`, or `HOMESPUN_ADAPTERS_…` variables. No field
is a workspace's to set: a clone must not have the user's adapters deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SECTION = "adapters"


@dataclass(frozen=True, slots=True)
class AdapterOptions:
    """How many adapters are kept (section `adapters`)."""

    keep: int = field(
        default=5,
        metadata={
            "help": "so many candidates and retired adapters stay beside the one that serves and "
            "the one that `homespun adapters rollback` goes back to; older ones are deleted after "
            "a training, and by `homespun adapters prune`",
            "min": 1,  # with none `train --if-stale` would forget that it has tried
            "max": 1_000,
        },
    )
