"""Offers an adapter of this workspace to a team, with its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from homespun.models.adapters.adapter import Adapter
from homespun.models.adapters.folder import reading
from homespun.models.adapters.registry import Registry
from homespun.models.adapters.sealed_folder import SERVED_FILES
from homespun.models.adapters.sharing.memory import last_number, remember
from homespun.models.adapters.sharing.place import Pointer, SharedPlace
from homespun.models.adapters.sharing.team_key import VARIABLE, team_key
from homespun.models.adapters.upkeep.age import trained_at
from homespun.models.errors import ShareRefused
from homespun.trust import SEAL

# What of an adapter's folder goes along, and nothing else is taken by those who pull.
FIGURES = ("verdict.json", "fit.json")
REPORT = ("report.html", "evaluation.json", "probes.json", "data_card.json", "data_card.md")
SHARED_FILES = (*SERVED_FILES, *FIGURES, *REPORT)


@dataclass(frozen=True, slots=True)
class Published:
    """What a place offers now."""

    id: str
    adapter: str  # sha256 of its manifest
    number: int
    files: tuple[str, ...]
    size_bytes: int
    is_new: bool  # False: it was offered already
    is_sealed: bool  # with the team's key

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun adapters publish --json`."""
        return asdict(self)


def publish(
    registry: Registry, identifier: str, where: str, *, report: bool = True, older: bool = False
) -> Published:
    """Copy an adapter to a shared place and have the place offer it.

    `report` False leaves the files out that may hold lines of the repository; `older` offers one
    that was learned before the one that is offered now. Raises `ShareRefused`, `AdapterUnknown`,
    `AdapterForeign`, `AdapterDamaged`, `StorageFull`.
    """
    key = team_key()
    place = SharedPlace(where)
    adapter = registry.get(identifier)
    registry.require_known(adapter)
    manifest = published_manifest(adapter.manifest, report=report)
    with reading(adapter.directory):
        registry.check(adapter, everything=True)
        _check_offered(place, adapter, key, older=older)
        for name, sha256 in manifest["files"].items():
            place.put_file(adapter.directory / name, sha256)
    sha256 = place.put_manifest(manifest)
    pointer, is_new = _offer(place, adapter.id, sha256, key)
    remember(place.root, pointer)
    size_bytes = sum((adapter.directory / name).stat().st_size for name in manifest["files"])
    names = tuple(manifest["files"])
    return Published(
        adapter.id, sha256, pointer.number, names, size_bytes, is_new, is_sealed=key is not None
    )


def published_manifest(manifest: Mapping[str, Any], *, report: bool) -> dict[str, Any]:
    """Return what a manifest becomes for others: without this machine's seal and other files."""
    names = SHARED_FILES if report else (*SERVED_FILES, *FIGURES)
    files = {name: sha256 for name, sha256 in manifest["files"].items() if name in names}
    content = {name: value for name, value in manifest.items() if name != SEAL}
    return {**content, "files": files}


def _check_offered(place: SharedPlace, adapter: Adapter, key: bytes | None, *, older: bool) -> None:
    """Raise `ShareRefused` where what is offered now should stay."""
    now = place.pointer()
    if now is None:
        return
    if now.seal and key is None:
        raise ShareRefused(
            f"what {str(place.root)!r} offers carries the seal of a team, and ${VARIABLE} is not "
            "set here: others would refuse what is published without it; set it"
        )
    if older or (key is not None and not now.is_sealed_by(key)):
        return
    theirs, ours = trained_at(place.manifest(now.adapter)), trained_at(adapter.manifest)
    if theirs is not None and ours is not None and ours < theirs:
        raise ShareRefused(
            f"{str(place.root)!r} offers {now.id!r}, which was learned later "
            f"({theirs.date()}) than {adapter.id!r} ({ours.date()}); --older goes back to that"
        )


def _offer(
    place: SharedPlace, identifier: str, sha256: str, key: bytes | None
) -> tuple[Pointer, bool]:
    """Move the pointer, unless it is there; return it, and whether it was moved."""
    now = place.pointer()  # once more: somebody else may have published meanwhile
    if now is not None and key is not None and not now.is_sealed_by(key):
        now = None  # nobody of the team's, so its number is none to go on from
    if now is not None and now.adapter == sha256:
        return now, False
    number = max(last_number(place.root), now.number if now else 0) + 1
    pointer = Pointer(number, identifier, sha256)
    pointer = pointer.sealed(key) if key is not None else pointer
    place.move_pointer(pointer)
    return pointer, True


def files_with_lines(files: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of published files that may hold lines of the repository, for a sentence."""
    return tuple(name for name in files if name in REPORT)
