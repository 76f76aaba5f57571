"""Takes the adapter that a team shares: hashed, bounded, unknown until somebody vouches for it.

That is the user, by `homespun adapters trust`, for these very bytes; or the team's key, where both
who published and who pulls have it. It serves no sooner than it is promoted, as any other.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homespun.models.adapters import trusted
from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.compatibility import why_unfit
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import identity_of, read_finished
from homespun.models.adapters.sharing.memory import check_newer, remember
from homespun.models.adapters.sharing.place import MAX_FILE_BYTES, Pointer, SharedPlace
from homespun.models.adapters.sharing.publish import SHARED_FILES, published_manifest
from homespun.models.adapters.sharing.team_key import VARIABLE, team_key
from homespun.models.convert.served_form import MANIFEST
from homespun.models.errors import AdapterUnfit, ShareRefused
from homespun.storage import make_private_folder, megabytes, require_space, write_private, writing

_NAME_CHARS = 8  # of the hash, in the name here: so it is nobody else's, and no word of a setting


@dataclass(frozen=True, slots=True)
class Pulled:
    """An adapter of the team's that is here now."""

    adapter: Adapter
    number: int
    is_new: bool  # False: it was here

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun adapters pull --json`."""
        return {"is_new": self.is_new, "number": self.number, **self.adapter.to_json()}


def pull(
    registry: Registry, where: str, *, model: str, prompt_version: int, older: bool = False
) -> Pulled:
    """Take what a shared place offers; nothing is taken in part.

    `model` and `prompt_version` are what it has to fit. `older` takes one that was published
    before another one that was taken here. Raises `ShareRefused`, `AdapterUnfit`,
    `AdapterDamaged`, `AdapterBusy`, `StorageFull`.
    """
    key = team_key()
    place = SharedPlace(where)
    pointer = _offered(place, key)
    if not older:
        check_newer(place.root, pointer)
    manifest = place.manifest(pointer.adapter)
    found = _here(registry, pointer.adapter)
    is_new = found is None
    if found is None:
        found = _taken(registry, place, pointer, manifest, model, prompt_version)
    if key is not None and not found.is_known and not trusted.answer_about(pointer.adapter):
        trusted.record(pointer.adapter, found.id, "trusted")  # the key vouches for these bytes
    remember(place.root, pointer)
    return Pulled(registry.get(found.id), pointer.number, is_new)


def _offered(place: SharedPlace, key: bytes | None) -> Pointer:
    pointer = place.pointer()
    if pointer is None:
        raise ShareRefused(
            f"{str(place.root)!r} offers no adapter; `homespun adapters publish ID` puts one there"
        )
    if key is not None and not pointer.is_sealed_by(key):
        raise ShareRefused(
            f"what {str(place.root)!r} offers does not carry the seal of ${VARIABLE}, so nothing "
            "is taken; have it published with that key, or unset it and say yourself what you trust"
        )
    return pointer


def _here(registry: Registry, identity: str) -> Adapter | None:
    """Return the adapter of this workspace that was published, or was pulled before."""
    for adapter in registry.adapters():
        forms = [published_manifest(adapter.manifest, report=report) for report in (True, False)]
        if identity in {identity_of(form) for form in forms}:
            return adapter
    return None


def _taken(
    registry: Registry,
    place: SharedPlace,
    pointer: Pointer,
    manifest: Mapping[str, Any],
    model: str,
    prompt_version: int,
) -> Adapter:
    name = f"{pointer.id}.{pointer.adapter[:_NAME_CHARS]}"
    with tempfile.TemporaryDirectory(prefix="homespun-pull-") as folder:
        draft = Path(folder).resolve() / name
        with writing(draft):
            make_private_folder(draft)
            write_private(draft / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
        checked = read_finished(draft)  # its names and facts, before a byte of it is fetched
        _check_content(checked, pointer)
        adapter = Adapter(name, draft, "unknown", checked)
        if why := why_unfit(adapter, model, prompt_version=prompt_version):
            raise AdapterUnfit(why)
        _check_size(place, checked, draft)
        for file, sha256 in checked["files"].items():
            place.fetch(sha256, draft / file)
        return registry.adopt(draft)


def _check_content(manifest: Mapping[str, Any], pointer: Pointer) -> None:
    odd = sorted(set(manifest["files"]) - set(SHARED_FILES))
    if odd:
        raise ShareRefused(
            f"the adapter {pointer.id!r} that is shared has a file {odd[0]!r}, which no adapter "
            "of this version has; nothing is taken"
        )
    if identity_of(manifest) != pointer.adapter:
        raise ShareRefused(
            f"the manifest of {pointer.id!r} that is shared is not written as ours are, so "
            "nothing is taken; have it published again"
        )


def _check_size(place: SharedPlace, manifest: Mapping[str, Any], draft: Path) -> None:
    total = sum(place.size_bytes(sha256) for sha256 in manifest["files"].values())
    if total > MAX_FILE_BYTES:
        raise ShareRefused(
            f"the adapter in {str(place.root)!r} has {megabytes(total)}, more than any of ours "
            f"({megabytes(MAX_FILE_BYTES)}); nothing is taken"
        )
    require_space(draft, total)
