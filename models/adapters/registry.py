"""The adapters of one workspace: immutable folders, and aliases that say which one serves.

    WORKSPACE/.homespun/adapters/
      ID/            adapter_model.safetensors, adapter_config.json, reports …, manifest.json
      aliases.json   {"champion": ID or null, "previous": ID or null, "states": {ID: state}, …}
      lock           held while any of this changes

A folder is built beside its name and renamed; `aliases.json` is replaced by rename. Whoever is
killed leaves the champion as it was.

A clone can bring such a folder. Adapters and aliases count only with this machine's seal (that of
the aliases holds for this workspace alone); any other adapter is unknown: it is listed, and neither
serves nor is read before the user has said that he trusts it (`models/adapters/trusted.py`). A
champion serves only if the gate let it through, or if the user promoted it all the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from filelock import Timeout

from homespun.errors import FolderRefused
from homespun.locks import lock_file
from homespun.models.adapters import trusted
from homespun.models.adapters.sealed_folder import (
    SERVED_FILES,
    check_finished,
    identity_of,
    is_ours,
    read_finished,
    seal,
    weights_digest,
)
from homespun.models.convert.served_form import MANIFEST
from homespun.models.errors import (
    AdapterBusy,
    AdapterDamaged,
    AdapterForeign,
    AdapterUnfit,
    AdapterUnknown,
    AdapterUnproven,
)
from homespun.models.weights.lora import LoraWeights
from homespun.parsing import parse_json
from homespun.paths import WORKSPACE_FOLDER
from homespun.storage import (
    check_plain,
    check_without_links,
    make_private_folder,
    read_bounded,
    workspace_folder,
    write_private,
)
from homespun.trust import has_seal, with_seal

AdapterState = Literal["candidate", "champion", "retired", "unknown"]

ALIASES = "aliases.json"
CHAMPION = "champion"  # what the setting `adapter` says for whichever is promoted
_BUILDING = ".building-"
_REMOVED = ".removed-"
_LOCK_SECONDS = 30.0
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_SHORT_SHA = 8
_MAX_DIGITS = 9  # of a number that one of ours may have
_PURPOSE = "adapter aliases"  # of the seal
_MAX_ALIASES_BYTES = 1_000_000
_UNJUDGED = "not judged by the gate"
UNKNOWN = "not made on this machine"


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


@dataclass(slots=True)
class _Aliases:
    champion: str | None = None
    previous: str | None = None
    states: dict[str, AdapterState] = field(default_factory=dict)
    last: int = 0  # the number of the newest adapter, which may be removed by now
    unproven: set[str] = field(default_factory=set)  # promoted by the user, whatever the gate said


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


class Registry:
    """Reads and changes the adapters of a workspace; safe for several processes."""

    def __init__(self, workspace: Path | str) -> None:
        """Take the workspace folder; nothing is made before the first `add`."""
        self.workspace = Path(workspace)
        self.folder = self.workspace / WORKSPACE_FOLDER / "adapters"

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
        check_without_links(draft)
        LoraWeights.open(draft)
        with self._changing(lenient=True) as aliases:
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
        found = []
        for name in self._identifiers():
            with suppress(AdapterDamaged):  # `damaged` says it
                found.append(self._adapter(name, aliases))
        return found

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
        return self._adapter(identifier, self._read(lenient=True))

    def champion(self) -> Adapter | None:
        """Return the promoted adapter, None where the model serves as shipped.

        Raises `AdapterDamaged` when the alias or the adapter's manifest cannot be read,
        `AdapterForeign` and `AdapterUnproven` where it may not serve.
        """
        aliases = self._read()
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
        return self._read().champion

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
        found = self._raw()
        if found is None or has_seal(found, purpose=_PURPOSE, place=self.workspace):
            return None
        try:
            adapter = self._by_alias(_parsed(found).champion)
        except (AdapterDamaged, *_MALFORMED):
            return None
        if adapter is None:
            return None
        sha256 = identity_of(adapter.manifest)
        if adapter.is_known:  # a folder that was moved, or copied
            sha256 = hashlib.sha256(f"{sha256} {self.workspace.resolve()}".encode()).hexdigest()
            what = "was made on this machine, but not promoted in this folder"
        else:
            what = f"was {UNKNOWN}"
        if trusted.answer_about(sha256) is not None:
            return None
        sentence = f"The folder {self.workspace.name!r} brings an adapter, {adapter.id!r}, that "
        return Claim(adapter, sha256, sentence + what)

    def decline(self, claim: Claim) -> None:
        """Write down that the user was asked and said no. Raises `StorageFull`."""
        trusted.record(claim.sha256, claim.adapter.id, "declined")

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes whenever an alias may have; None where there is none. One `stat`."""
        try:
            status = self.aliases_path.lstat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def previous(self) -> Adapter | None:
        """Return the adapter that `rollback` would go back to; raises like `champion`."""
        return self._by_alias(self._read().previous)

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
            aliases.unproven.discard(identifier)
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
        if not self._is_here():
            return []
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
        return sorted(name for name in names if _IDENTIFIER.fullmatch(name))

    def _is_here(self) -> bool:
        """Tell whether the folder is there. Raises `AdapterDamaged` where a link leads there."""
        try:
            check_plain(self.folder.parent)
            check_plain(self.folder)
        except FileNotFoundError:
            return False
        except (FolderRefused, OSError) as error:
            raise AdapterDamaged(f"{error}; no adapter serves") from error
        return True

    def _stem(self, commit: str) -> str:
        name = re.sub(r"[^a-z0-9._]+", "-", self.workspace.resolve().name.lower()).strip("-._")
        return f"{name or 'repo'}-{commit[:_SHORT_SHA].lower() or 'tree'}"

    def _next_number(self, last: int) -> int:
        """Return a number that no adapter had, not even a removed one."""
        ends = [identifier.rpartition("-")[2] for identifier in self._identifiers()]
        numbers = [int(end) for end in ends if end.isdecimal() and len(end) <= _MAX_DIGITS]
        return max([last, *numbers]) + 1

    def _read(self, *, lenient: bool = False) -> _Aliases:
        """Return the aliases of this machine; a stranger's say nothing."""
        try:
            found = self._raw()
            if found is None:
                return _Aliases()
            aliases = _parsed(found)
        except (AdapterDamaged, *_MALFORMED) as error:
            if lenient:
                return _Aliases()
            if isinstance(error, AdapterDamaged):
                raise
            raise self._unreadable(error) from error
        is_ours = has_seal(found, purpose=_PURPOSE, place=self.workspace)
        return aliases if is_ours else _Aliases()

    def _raw(self) -> Mapping[str, Any] | None:
        """Return what the aliases' file holds, whoever wrote it; None where there is none.

        Raises `AdapterDamaged`.
        """
        if not self._is_here():
            return None
        try:
            found = parse_json(read_bounded(self.aliases_path, max_bytes=_MAX_ALIASES_BYTES))
            if not isinstance(found, dict):
                raise ValueError("it is no object")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        return found

    def _unreadable(self, error: Exception) -> AdapterDamaged:
        return AdapterDamaged(
            f"{str(self.aliases_path)!r} cannot be read ({error!r}), so no adapter serves; "
            "`homespun adapters promote ID` writes it anew"
        )

    @contextmanager
    def _changing(self, *, lenient: bool = False) -> Iterator[_Aliases]:
        """Give the aliases to change, and write them when all went well; one process at a time.

        `lenient`: aliases that cannot be read, by which nothing serves, are begun anew.
        """
        self._make_folder()
        lock = lock_file(self.folder / "lock")
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
        """Make the folder; raises `FolderRefused` where a write would follow a link."""
        make_private_folder(self.workspace)
        workspace_folder(self.workspace)
        make_private_folder(self.folder)
        check_plain(self.folder)
        if (self.folder / "lock").is_symlink():
            raise FolderRefused(
                f"{str(self.folder / 'lock')!r} is a link, so nothing is written there; delete it"
            )

    def _clear_leftovers(self) -> None:
        """Remove what a killed process was building or removing."""
        for entry in self.folder.iterdir():
            if entry.name.startswith((_BUILDING, _REMOVED)):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.startswith(f".{ALIASES}."):
                entry.unlink(missing_ok=True)

    def _write(self, aliases: _Aliases) -> None:
        body = {
            "champion": aliases.champion,
            "previous": aliases.previous,
            "states": aliases.states,
            "last": aliases.last,
            "unproven": sorted(aliases.unproven),
        }
        sealed = with_seal(body, purpose=_PURPOSE, place=self.workspace)
        text = json.dumps(sealed, indent=1, sort_keys=True)
        write_private(self.aliases_path, text, durable=True)


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


_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


def _parsed(raw: Mapping[str, Any]) -> _Aliases:
    """Read an alias file's object. Raises one of `_MALFORMED`."""
    champion, previous, states = raw["champion"], raw["previous"], raw["states"]
    if not isinstance(champion, str | None) or not isinstance(previous, str | None):
        raise ValueError("an alias is no identifier")
    states = cast(dict[str, AdapterState], dict(states))
    unproven = {str(name) for name in raw.get("unproven", ())}
    return _Aliases(champion, previous, states, int(raw.get("last", 0)), unproven)


def _is_known(identifier: str, manifest: Mapping[str, Any]) -> bool:
    """Tell whether this machine made an adapter under this name, or its user trusts it."""
    if is_ours(manifest) and manifest.get("id") == identifier:
        return True
    return trusted.answer_about(identity_of(manifest)) == "trusted"


def _short(value: object) -> str:
    text = str(value) if value != "" else "none"
    return f"{text[:12]}…" if len(text) > 40 else text
