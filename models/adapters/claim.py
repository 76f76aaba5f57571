"""An adapter that a folder brings to be served, and that its user was not yet asked about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from homespun.models.adapters import trusted
from homespun.models.adapters.adapter import UNKNOWN, Adapter
from homespun.models.adapters.sealed_folder import identity_of


@dataclass(frozen=True, slots=True)
class Claim:
    """An adapter that should serve by what a folder brings, and not by what its user said."""

    adapter: Adapter
    sha256: str  # under which the user's answer is kept
    sentence: str  # what is the matter, without what to do

    @property
    def command(self) -> str:
        """Return what lets it serve, for a sentence."""
        promote = f"`homespun adapters promote {self.adapter.id}`"
        if self.adapter.is_known:
            return f"{promote} lets it serve"
        return (
            f"if you know where it is from, `homespun adapters trust {self.adapter.id}` and then "
            f"{promote} let it serve"
        )


def unanswered_claim(adapter: Adapter, workspace: Path) -> Claim | None:
    """Return the claim of what a folder's aliases let serve, None where the user has answered."""
    sha256 = identity_of(adapter.manifest)
    if adapter.is_known:  # a folder that was moved, or copied
        sha256 = hashlib.sha256(f"{sha256} {workspace.resolve()}".encode()).hexdigest()
        what = "was made on this machine, but not promoted in this folder"
    else:
        what = f"was {UNKNOWN}"
    if trusted.answer_about(sha256) is not None:
        return None
    sentence = f"The folder {workspace.name!r} brings an adapter, {adapter.id!r}, that "
    return Claim(adapter, sha256, sentence + what)
