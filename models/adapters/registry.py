"""The adapters of one workspace: immutable folders, and aliases that say which one serves.

    WORKSPACE/.homespun/adapters/
      ID/            adapter_model.safetensors, adapter_config.json, reports …, manifest.json
      aliases.json   which one serves (`models/adapters/aliases.py`)
      lock           held while any of this changes

A folder is built beside its name and renamed; `aliases.json` is replaced by rename. Whoever is
killed leaves the champion as it was.

A clone can bring such a folder. Adapters and aliases count only with this machine's seal (that of
the aliases holds for this workspace alone); any other adapter is unknown: it is listed, and neither
serves nor is read before the user has said that he trusts it (`models/adapters/trusted.py`). A
champion serves only if the gate let it through, or if the user promoted it all the same.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from homespun.models.adapters import trusted
from homespun.models.adapters.adapter import UNKNOWN, Adapter
from homespun.models.adapters.aliases import Aliases, AliasFile, is_here
from homespun.models.adapters.claim import Claim, unanswered_claim
from homespun.models.adapters.folder import BUILDING, REMOVED, changing, is_being_read
from homespun.models.adapters.sealed_folder import (
    SERVED_FILES,
    check_finished,
    identity_of,
    is_ours,
    read_finished,
    seal,
)
from homespun.models.convert.served_form import MANIFEST
from homespun.models.errors import (
    AdapterBusy,
    AdapterDamaged,
    AdapterForeign,
    AdapterUnknown,
    AdapterUnproven,
)
from homespun.models.weights.lora import LoraWeights
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import check_without_links

CHAMPION = "champion"  # what the setting `adapter` says for whichever is promoted
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_SHORT_SHA = 8
_MAX_DIGITS = 9  # of a number that one of ours may have


class Registry:
    """Reads and changes the adapters of a workspace; safe for several processes."""

    def __init__(self, workspace: Path | str) -> None:
        """Take the workspace folder; nothing is made before the first `add`."""
        self.workspace = Path(workspace)
        self.folder = self.workspace / WORKSPACE_FOLDER / "adapters"
        self._aliases = AliasFile(self.folder, workspace=self.workspace)

    @property
    def aliases_path(self) -> Path:
        """Return the file whose change means that another adapter serves; it may not exist."""
        return self._aliases.path

    def add(self, draft: Path, facts: Mapping[str, object]) -> Adapter:
        """Copy a draft's files, seal them with `facts` and register a candidate.

        The identifier is `REPO-COMMIT-N`: the folder's name, the first characters of
        `facts["commit"]` ("tree" without one) and a number. Raises `AdapterDamaged` and
        `AdapterUnfit` for a draft that is no whole plain LoRA, `AdapterBusy`.
        """
        check_without_links(draft)
        LoraWeights.open(draft)
        with self._changing(lenient=True) as aliases:
            aliases.last = self._next_number(aliases.last)
            identifier = f"{self._stem(str(facts.get('commit') or ''))}-{aliases.last}"
            building = self.folder / f"{BUILDING}{identifier}"
            shutil.copytree(draft, building, ignore=shutil.ignore_patterns(MANIFEST, "*.bin"))
            seal(building, {**facts, "id": identifier})
            os.replace(building, self.folder / identifier)
            aliases.states[identifier] = "candidate"
        return self.get(identifier)

    def adopt(self, draft: Path) -> Adapter:
        """Copy a folder of one that was made elsewhere, by its name, with its manifest as it is.

        It is unknown unless the user trusts it. Raises `AdapterUnknown` where the name is taken,
        `AdapterDamaged` where its files are not what its manifest says, `AdapterBusy`.
        """
        check_finished(draft, read_finished(draft))
        with self._changing() as aliases:
            if not _IDENTIFIER.fullmatch(draft.name) or (self.folder / draft.name).exists():
                raise AdapterUnknown(
                    f"{draft.name!r} cannot be the name of another adapter of "
                    f"{str(self.workspace)!r}; `homespun adapters list` shows what there is"
                )
            building = self.folder / f"{BUILDING}{draft.name}"
            shutil.copytree(draft, building)
            os.replace(building, self.folder / draft.name)
            aliases.states[draft.name] = "candidate"
        return self.get(draft.name)

    def adapters(self) -> list[Adapter]:
        """Return all whole adapters by identifier; a damaged folder is left out."""
        return self._whole(self._aliases.read())

    def damaged(self) -> list[str]:
        """Return a sentence for each folder that `adapters` leaves out."""
        sentences = []
        for name in self._identifiers():
            try:
                read_finished(self.folder / name)
            except AdapterDamaged as error:
                sentences.append(str(error))
        return sentences

    def get(self, identifier: str) -> Adapter:
        """Return one adapter. Raises `AdapterUnknown`, `AdapterDamaged` (no readable manifest)."""
        self._require(identifier)
        return self._adapter(identifier, self._aliases.read(lenient=True))

    def champion(self) -> Adapter | None:
        """Return the promoted adapter, None where the model serves as shipped.

        Raises `AdapterDamaged` when the alias or the adapter's manifest cannot be read,
        `AdapterForeign` and `AdapterUnproven` where it may not serve.
        """
        aliases = self._aliases.read()
        adapter = self._by_alias(aliases.champion)
        if adapter is not None:
            self.require_known(adapter)
            if not adapter.is_proven and adapter.id not in aliases.unproven:
                raise AdapterUnproven(
                    f"adapter {adapter.id!r} has not passed the gate ({adapter.headline}), so it "
                    f"does not serve; `homespun adapters promote {adapter.id} --unproven` lets it"
                )
        return adapter

    def champion_id(self) -> str | None:
        """Return the alias alone, of which nothing else is checked. Raises `AdapterDamaged`."""
        return self._aliases.read().champion

    def require_known(self, adapter: Adapter) -> None:
        """Raise `AdapterForeign` unless it was made on this machine, or the user trusts it."""
        if not adapter.is_known:
            raise AdapterForeign(
                f"adapter {adapter.id!r} of {str(self.workspace)!r} was {UNKNOWN}, so nothing of "
                f"it is used; if you know where it is from: `homespun adapters trust {adapter.id}`,"
                f" then `homespun adapters promote {adapter.id}`"
            )

    def trust(self, identifier: str) -> Adapter:
        """Write down that the user trusts an adapter with these very bytes; it serves not yet.

        Raises `AdapterUnknown`, `AdapterDamaged`, `AdapterUnfit`, `StorageFull`.
        """
        adapter = self.get(identifier)
        self.check(adapter, everything=True)
        LoraWeights.open(adapter.directory)
        if not adapter.is_known:
            trusted.record(identity_of(adapter.manifest), adapter.id, "trusted")
        return self.get(identifier)

    def claim(self) -> Claim | None:
        """Return what a folder's foreign aliases let serve, where the user was not yet asked.

        None where nothing does, where the aliases are ours, or where the adapter is no whole one.
        """
        foreign = self._aliases.read_foreign()
        try:
            adapter = self._by_alias(foreign.champion) if foreign is not None else None
        except AdapterDamaged:
            return None
        return unanswered_claim(adapter, self.workspace) if adapter is not None else None

    def decline(self, claim: Claim) -> None:
        """Write down that the user was asked and said no. Raises `StorageFull`."""
        trusted.record(claim.sha256, claim.adapter.id, "declined")

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes whenever an alias may have; None where there is none. One `stat`."""
        return self._aliases.stamp()

    def previous(self) -> Adapter | None:
        """Return the adapter that `rollback` would go back to; raises like `champion`."""
        return self._by_alias(self._aliases.read().previous)

    def check(self, adapter: Adapter, *, everything: bool = False) -> None:
        """Hash the files that serve, or all files. Raises `AdapterDamaged`."""
        names = None if everything else SERVED_FILES
        check_finished(adapter.directory, adapter.manifest, names=names)

    def promote(self, identifier: str, *, unproven: bool = False) -> Adapter:
        """Make an adapter the champion and retire the one before it; only moves the alias.

        `unproven`: the user lets it serve although the gate did not. Raises `AdapterUnknown`,
        `AdapterDamaged`, `AdapterForeign`.
        """
        with self._changing(lenient=True) as aliases:
            self.require_known(self.get(identifier))
            if aliases.champion != identifier:
                if aliases.champion is not None:
                    aliases.states[aliases.champion] = "retired"
                aliases.previous = aliases.champion
                aliases.champion = identifier
            aliases.states[identifier] = "champion"
            if unproven:
                aliases.unproven.add(identifier)
        return self.get(identifier)

    def rollback(self) -> Adapter | None:
        """Go back to the champion before this one; None means to the model as shipped.

        The adapter that is left is retired. A second rollback goes to the model as shipped, so
        going back never brings back what was just given up. Raises `AdapterUnknown` when no
        adapter serves.
        """
        with self._changing() as aliases:
            if aliases.champion is None:
                raise AdapterUnknown(
                    f"no adapter of {str(self.workspace)!r} serves, so there is nothing to roll "
                    "back; `homespun adapters list` shows what there is"
                )
            aliases.states[aliases.champion] = "retired"
            back = aliases.previous
            if back is not None and back not in self._identifiers():
                back = None  # deleted by hand
            aliases.champion, aliases.previous = back, None
            if back is not None:
                aliases.states[back] = "champion"
        return self.champion()

    def remove(self, identifier: str) -> None:
        """Delete an adapter.

        Raises `AdapterUnknown` for the champion, or when there is none, and `AdapterBusy` for one
        that is being read.
        """
        with self._changing() as aliases:
            self._require(identifier)
            if aliases.champion == identifier:
                raise AdapterUnknown(
                    f"adapter {identifier!r} is the champion and cannot be removed; "
                    "`homespun adapters rollback` first"
                )
            if is_being_read(self.folder / identifier):
                raise AdapterBusy(
                    f"adapter {identifier!r} is being read by another process; "
                    "remove it when that is done"
                )
            gone = self._taken_out(identifier, aliases)
        shutil.rmtree(gone, ignore_errors=True)

    def dispensable(self) -> list[Adapter]:
        """Return the known adapters that neither serve nor are what `rollback` goes back to.

        Raises `AdapterDamaged` where the aliases cannot be read, and `AdapterUnknown` where they
        are not this machine's: then nobody knows what serves.
        """
        if self._aliases.read_foreign() is not None:
            raise AdapterUnknown(
                f"which adapter of {str(self.workspace)!r} serves was not said on this machine, or "
                "not in this place, so none is removed; `homespun adapters promote ID` says it"
            )
        return self._dispensable(self._aliases.read())

    def prune(self, choose: Callable[[Sequence[Adapter]], Iterable[Adapter]]) -> list[Adapter]:
        """Delete what `choose` takes of the dispensable adapters; return them.

        One that is being read stays. Raises like `dispensable`, and `AdapterBusy`.
        """
        if not list(choose(self.dispensable())):
            return []
        with self._changing() as aliases:
            gone = [
                adapter
                for adapter in choose(self._dispensable(aliases))
                if not is_being_read(adapter.directory)
            ]
            folders = [self._taken_out(adapter.id, aliases) for adapter in gone]
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return gone

    def _dispensable(self, aliases: Aliases) -> list[Adapter]:
        needed = {aliases.champion, aliases.previous}
        known = (adapter for adapter in self._whole(aliases) if adapter.is_known)
        return [adapter for adapter in known if adapter.id not in needed]

    def _taken_out(self, identifier: str, aliases: Aliases) -> Path:
        """Rename an adapter's folder, so that it is one no more; return what is to be deleted."""
        gone = self.folder / f"{REMOVED}{identifier}"
        os.replace(self.folder / identifier, gone)
        aliases.states.pop(identifier, None)
        aliases.unproven.discard(identifier)
        if aliases.previous == identifier:
            aliases.previous = None
        return gone

    def _whole(self, aliases: Aliases) -> list[Adapter]:
        found = []
        for name in self._identifiers():
            with suppress(AdapterDamaged):  # `damaged` says it
                found.append(self._adapter(name, aliases))
        return found

    def _by_alias(self, identifier: str | None) -> Adapter | None:
        if identifier is None:
            return None
        try:
            return self.get(identifier)
        except AdapterUnknown as error:
            raise AdapterDamaged(
                f"{str(self.aliases_path)!r} names adapter {identifier!r}, whose folder is gone; "
                "`homespun adapters rollback`, or promote another one"
            ) from error

    def _adapter(self, identifier: str, aliases: Aliases) -> Adapter:
        directory = self.folder / identifier
        manifest = read_finished(directory)
        state = aliases.states.get(identifier, "candidate")
        if aliases.champion == identifier:
            state = "champion"
        elif state == "champion":  # the alias decides
            state = "retired"
        if not _is_known(identifier, manifest):
            state = "unknown"
        return Adapter(identifier, directory, state, manifest)

    def _require(self, identifier: str) -> None:
        known = self._identifiers()
        if identifier not in known:
            raise AdapterUnknown(
                f"no adapter of {str(self.workspace)!r} is called {identifier!r}; known: "
                f"{', '.join(known) or 'none'}"
            )

    def _identifiers(self) -> list[str]:
        """Return the names of what may be adapters. Raises `AdapterDamaged` for links above."""
        if not is_here(self.folder):
            return []
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
        return sorted(name for name in names if _IDENTIFIER.fullmatch(name))

    def _stem(self, commit: str) -> str:
        name = re.sub(r"[^a-z0-9._]+", "-", self.workspace.resolve().name.lower()).strip("-._")
        return f"{name or 'repo'}-{commit[:_SHORT_SHA].lower() or 'tree'}"

    def _next_number(self, last: int) -> int:
        """Return a number that no adapter had, not even a removed one."""
        ends = [identifier.rpartition("-")[2] for identifier in self._identifiers()]
        numbers = [int(end) for end in ends if end.isdecimal() and len(end) <= _MAX_DIGITS]
        return max([last, *numbers]) + 1

    @contextmanager
    def _changing(self, *, lenient: bool = False) -> Iterator[Aliases]:
        """Give the aliases to change, and write them when all went well; one process at a time.

        `lenient`: aliases that cannot be read, by which nothing serves, are begun anew.
        """
        with changing(self.folder):
            aliases = self._aliases.read(lenient=lenient)
            yield aliases
            self._aliases.write(aliases)


def _is_known(identifier: str, manifest: Mapping[str, Any]) -> bool:
    """Tell whether this machine made an adapter under this name, or its user trusts it."""
    if is_ours(manifest) and manifest.get("id") == identifier:
        return True
    return trusted.answer_about(identity_of(manifest)) == "trusted"
