"""The file that says which adapter serves, under this machine's seal.

    aliases.json   {"champion": ID or null, "previous": ID or null, "states": {ID: state}, …}

A clone can bring such a file. It counts only with the seal, which holds for this workspace alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from homespun.errors import FolderRefused
from homespun.models.adapters.adapter import AdapterState
from homespun.models.errors import AdapterDamaged
from homespun.parsing import parse_json
from homespun.storage import check_plain, read_bounded, write_private
from homespun.trust import has_seal, with_seal

ALIASES = "aliases.json"
_PURPOSE = "adapter aliases"  # of the seal
_MAX_ALIASES_BYTES = 1_000_000
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


@dataclass(slots=True)
class Aliases:
    """Which adapter serves, which did, and what is known of the others."""

    champion: str | None = None
    previous: str | None = None
    states: dict[str, AdapterState] = field(default_factory=dict)
    last: int = 0  # the number of the newest adapter, which may be removed by now
    unproven: set[str] = field(default_factory=set)  # promoted by the user, whatever the gate said


class AliasFile:
    """Reads and writes the aliases of one workspace; whoever writes holds the registry's lock."""

    def __init__(self, folder: Path, *, workspace: Path) -> None:
        """Take the folder of the adapters, and the workspace that the seal is bound to."""
        self.path = folder / ALIASES
        self._folder = folder
        self._workspace = workspace

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes whenever an alias may have; None where there is none. One `stat`."""
        try:
            status = self.path.lstat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def read(self, *, lenient: bool = False) -> Aliases:
        """Return the aliases of this machine; a stranger's say nothing.

        Raises `AdapterDamaged`, unless `lenient`: what cannot be read then says nothing, too.
        """
        try:
            found = self._raw()
            if found is None:
                return Aliases()
            aliases = _parsed(found)
        except (AdapterDamaged, *_MALFORMED) as error:
            if lenient:
                return Aliases()
            if isinstance(error, AdapterDamaged):
                raise
            raise self._unreadable(error) from error
        return aliases if self._is_ours(found) else Aliases()

    def read_foreign(self) -> Aliases | None:
        """Return what a stranger's aliases say; None where there are none, or none that are whole.

        Raises `AdapterDamaged` where the file cannot be read.
        """
        found = self._raw()
        if found is None or self._is_ours(found):
            return None
        try:
            return _parsed(found)
        except _MALFORMED:
            return None

    def write(self, aliases: Aliases) -> None:
        """Put the file in place, sealed. Raises `OSError`."""
        body = {
            "champion": aliases.champion,
            "previous": aliases.previous,
            "states": aliases.states,
            "last": aliases.last,
            "unproven": sorted(aliases.unproven),
        }
        sealed = with_seal(body, purpose=_PURPOSE, folder=self._workspace)
        text = json.dumps(sealed, indent=1, sort_keys=True)
        write_private(self.path, text, durable=True)

    def _raw(self) -> Mapping[str, Any] | None:
        """Return what the aliases' file holds, whoever wrote it; None where there is none.

        Raises `AdapterDamaged`.
        """
        if not is_here(self._folder):
            return None
        try:
            found = parse_json(read_bounded(self.path, max_bytes=_MAX_ALIASES_BYTES))
            if not isinstance(found, dict):
                raise ValueError("it is no object")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        return found

    def _unreadable(self, error: Exception) -> AdapterDamaged:
        return AdapterDamaged(
            f"{str(self.path)!r} cannot be read ({error!r}), so no adapter serves; "
            "`homespun adapters promote ID` writes it anew"
        )

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        return has_seal(found, purpose=_PURPOSE, folder=self._workspace)


def is_here(folder: Path) -> bool:
    """Tell whether the folder is there. Raises `AdapterDamaged` where a link leads to it."""
    try:
        check_plain(folder.parent)
        check_plain(folder)
    except FileNotFoundError:
        return False
    except (FolderRefused, OSError) as error:
        raise AdapterDamaged(f"{error}; no adapter serves") from error
    return True


def _parsed(raw: Mapping[str, Any]) -> Aliases:
    """Read an alias file's object. Raises one of `_MALFORMED`."""
    champion, previous, states = raw["champion"], raw["previous"], raw["states"]
    if not isinstance(champion, str | None) or not isinstance(previous, str | None):
        raise ValueError("an alias is no identifier")
    states = cast(dict[str, AdapterState], dict(states))
    unproven = {str(name) for name in raw.get("unproven", ())}
    return Aliases(champion, previous, states, int(raw.get("last", 0)), unproven)
