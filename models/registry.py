"""The adapters of one workspace: immutable folders, and aliases that say which one serves.

    WORKSPACE/.homespun/adapters/
      ID/            adapter_model.safetensors, adapter_config.json, reports …, manifest.json
      aliases.json   {"champion": ID or null, "previous": ID or null, "states": {ID: state}, …}
      lock           held while any of this changes

A folder is built beside its name and renamed; `aliases.json` is replaced by rename. Whoever is
killed leaves the champion as it was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from filelock import FileLock, Timeout

from homespun.models.adapter_files import (
    SERVED_FILES,
    check_sealed,
    read_sealed,
    seal,
    weights_digest,
)
from homespun.models.errors import (
    AdapterBusy,
    AdapterDamaged,
    AdapterUnfit,
    AdapterUnknown,
)
from homespun.models.lora import LoraWeights
from homespun.models.paths import WORKSPACE_FOLDER
from homespun.models.served_form import MANIFEST

AdapterState = Literal["candidate", "champion", "retired"]

ALIASES = "aliases.json"
CHAMPION = "champion"  # what the setting `adapter` says for whichever is promoted
_BUILDING = ".building-"
_REMOVED = ".removed-"
_LOCK_SECONDS = 30.0
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]*")
_SHORT_SHA = 8


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

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun adapters show --json`."""
        return {
            "id": self.id,
            "state": self.state,
            "directory": str(self.directory),
            "manifest": dict(self.manifest),
        }


@dataclass(slots=True)
class _Aliases:
    champion: str | None = None
    previous: str | None = None
    states: dict[str, AdapterState] = field(default_factory=dict)
    last: int = 0  # the number of the newest adapter, which may be removed by now


class Registry:
    """Reads and changes the adapters of a workspace; safe for several processes."""

    def __init__(self, workspace: Path) -> None:
        """Take the workspace folder; nothing is made before the first `add`."""
        self.workspace = workspace
        self.folder = workspace / WORKSPACE_FOLDER / "adapters"

    @property
    def aliases_path(self) -> Path:
        """Return the file whose change means that another adapter serves; it may not exist."""
        return self.folder / ALIASES

    def add(self, draft: Path, facts: Mapping[str, object]) -> Adapter:
        """Copy a draft's files, seal them with `facts` and register a candidate.

        The identifier is `REPO-COMMIT-N`: the folder's name, the first characters of
        `facts["commit"]` ("tree" without one) and a number. Raises `AdapterDamaged` and
        `AdapterUnfit` for a draft that is no whole plain LoRA, `AdapterBusy`.
        """
        LoraWeights.open(draft)
        with self._changing() as aliases:
            aliases.last = self._next_number(aliases.last)
            identifier = f"{self._stem(str(facts.get('commit') or ''))}-{aliases.last}"
            building = self.folder / f"{_BUILDING}{identifier}"
            shutil.copytree(draft, building, ignore=shutil.ignore_patterns(MANIFEST, "*.bin"))
            seal(building, {**facts, "id": identifier})
            os.replace(building, self.folder / identifier)
            aliases.states[identifier] = "candidate"
        return self.get(identifier)

    def adapters(self) -> list[Adapter]:
        """Return all whole adapters by identifier; a damaged folder is left out."""
        aliases = self._read()
        return [
            self._adapter(name, aliases) for name in self._identifiers() if self._is_whole(name)
        ]

    def damaged(self) -> list[str]:
        """Return a sentence for each folder that `adapters` leaves out."""
        sentences = []
        for name in self._identifiers():
            try:
                read_sealed(self.folder / name)
            except AdapterDamaged as error:
                sentences.append(str(error))
        return sentences

    def get(self, identifier: str) -> Adapter:
        """Return one adapter. Raises `AdapterUnknown`, `AdapterDamaged` (no readable manifest)."""
        self._require(identifier)
        return self._adapter(identifier, self._read())

    def champion(self) -> Adapter | None:
        """Return the promoted adapter, None where the model serves as shipped.

        Raises `AdapterDamaged` when the alias or the adapter's manifest cannot be read.
        """
        return self._by_alias(self._read().champion)

    def champion_id(self) -> str | None:
        """Return the alias alone, of which nothing is checked. Raises `AdapterDamaged`."""
        return self._read().champion

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes whenever an alias may have; None where there is none. One `stat`."""
        try:
            status = self.aliases_path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def previous(self) -> Adapter | None:
        """Return the adapter that `rollback` would go back to; raises like `champion`."""
        return self._by_alias(self._read().previous)

    def check(self, adapter: Adapter, *, everything: bool = False) -> None:
        """Hash the files that serve, or all files. Raises `AdapterDamaged`."""
        names = None if everything else SERVED_FILES
        check_sealed(adapter.directory, adapter.manifest, names=names)

    def promote(self, identifier: str) -> Adapter:
        """Make an adapter the champion and retire the one before it; only moves the alias."""
        with self._changing(lenient=True) as aliases:
            self._require(identifier)
            if aliases.champion != identifier:
                if aliases.champion is not None:
                    aliases.states[aliases.champion] = "retired"
                aliases.previous = aliases.champion
                aliases.champion = identifier
            aliases.states[identifier] = "champion"
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
            if back is not None and not (self.folder / back).is_dir():
                back = None  # deleted by hand
            aliases.champion, aliases.previous = back, None
            if back is not None:
                aliases.states[back] = "champion"
        return self.champion()

    def remove(self, identifier: str) -> None:
        """Delete an adapter. Raises `AdapterUnknown` for the champion, or when there is none."""
        with self._changing() as aliases:
            self._require(identifier)
            if aliases.champion == identifier:
                raise AdapterUnknown(
                    f"adapter {identifier!r} is the champion and cannot be removed; "
                    "`homespun adapters rollback` first"
                )
            gone = self.folder / f"{_REMOVED}{identifier}"
            os.replace(self.folder / identifier, gone)
            aliases.states.pop(identifier, None)
            if aliases.previous == identifier:
                aliases.previous = None
        shutil.rmtree(gone, ignore_errors=True)

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

    def _adapter(self, identifier: str, aliases: _Aliases) -> Adapter:
        state = aliases.states.get(identifier, "candidate")
        if aliases.champion == identifier:
            state = "champion"
        elif state == "champion":  # the alias decides
            state = "retired"
        directory = self.folder / identifier
        return Adapter(identifier, directory, state, read_sealed(directory))

    def _require(self, identifier: str) -> None:
        if not _IDENTIFIER.fullmatch(identifier) or not (self.folder / identifier).is_dir():
            known = ", ".join(self._identifiers()) or "none"
            raise AdapterUnknown(
                f"no adapter of {str(self.workspace)!r} is called {identifier!r}; known: {known}"
            )

    def _is_whole(self, identifier: str) -> bool:
        try:
            read_sealed(self.folder / identifier)
        except AdapterDamaged:
            return False
        return True

    def _identifiers(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        entries = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
        return sorted(name for name in entries if _IDENTIFIER.fullmatch(name))

    def _stem(self, commit: str) -> str:
        name = re.sub(r"[^a-z0-9._]+", "-", self.workspace.resolve().name.lower()).strip("-._")
        return f"{name or 'repo'}-{commit[:_SHORT_SHA].lower() or 'tree'}"

    def _next_number(self, last: int) -> int:
        """Return a number that no adapter had, not even a removed one."""
        ends = [identifier.rpartition("-")[2] for identifier in self._identifiers()]
        return max([last, *(int(end) for end in ends if end.isdecimal())]) + 1

    def _read(self, *, lenient: bool = False) -> _Aliases:
        try:
            raw = json.loads(self.aliases_path.read_text(encoding="utf-8"))
            return _parsed(raw)
        except FileNotFoundError:
            return _Aliases()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if lenient:
                return _Aliases()
            raise AdapterDamaged(
                f"{str(self.aliases_path)!r} cannot be read ({error!r}), so no adapter serves; "
                "`homespun adapters promote ID` writes it anew"
            ) from error

    @contextmanager
    def _changing(self, *, lenient: bool = False) -> Iterator[_Aliases]:
        """Give the aliases to change, and write them when all went well; one process at a time."""
        self._make_folder()
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.05)
        except Timeout as error:
            raise AdapterBusy(
                f"the adapters in {str(self.folder)!r} are being changed by another process; "
                f"waited {_LOCK_SECONDS:g} s: try again when it is done"
            ) from error
        try:
            self._clear_leftovers()
            aliases = self._read(lenient=lenient)
            yield aliases
            self._write(aliases)
        finally:
            lock.release()

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder.parent / ".gitignore"
        if not ignore.exists():  # as the index does: the folder ignores itself
            ignore.write_text("*\n", encoding="utf-8")

    def _clear_leftovers(self) -> None:
        """Remove what a killed process was building or removing."""
        for entry in self.folder.iterdir():
            if entry.name.startswith((_BUILDING, _REMOVED)):
                shutil.rmtree(entry, ignore_errors=True)

    def _write(self, aliases: _Aliases) -> None:
        body = {
            "champion": aliases.champion,
            "previous": aliases.previous,
            "states": aliases.states,
            "last": aliases.last,
        }
        scratch = self.folder / f"{ALIASES}.new"
        with scratch.open("w", encoding="utf-8") as stream:
            json.dump(body, stream, indent=1, sort_keys=True)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(scratch, self.aliases_path)


def check_fits(
    adapter: Adapter,
    *,
    base_sha256: str,
    general_sha256: str,
    tokenizer_sha256: str | None = None,
    prompt_version: int | None = None,
) -> None:
    """Raise `AdapterUnfit` where an adapter was made for something else; None is not compared.

    `general_sha256` is "" where no general adapter is part of the model.
    """
    made_for = adapter.manifest
    pairs = (
        ("base weights with sha256", made_for["base_sha256"], base_sha256),
        ("a general adapter with sha256", made_for.get("general_sha256", ""), general_sha256),
        ("a tokenizer with sha256", made_for["tokenizer_sha256"], tokenizer_sha256),
        ("prompt version", made_for["prompt_version"], prompt_version),
    )
    for what, wanted, here in pairs:
        if here is not None and wanted != here:
            raise AdapterUnfit(
                f"adapter {adapter.id!r} was made for {what} {_short(wanted)}, but here it is "
                f"{_short(here)}; train a new one with `homespun train`"
            )


def _parsed(raw: Mapping[str, Any]) -> _Aliases:
    champion, previous, states = raw["champion"], raw["previous"], raw["states"]
    if not isinstance(champion, str | None) or not isinstance(previous, str | None):
        raise ValueError("an alias is no identifier")
    states = cast(dict[str, AdapterState], dict(states))
    return _Aliases(champion, previous, states, int(raw.get("last", 0)))


def _short(value: object) -> str:
    text = str(value) if value != "" else "none"
    return f"{text[:12]}…" if len(text) > 40 else text
