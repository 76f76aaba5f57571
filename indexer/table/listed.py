"""What is listed to be built: `NAME PATH [REVISION]`, one repository a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from homespun.errors import in_words
from homespun.indexer.errors import TableRefused
from homespun.indexer.packs.names import is_repo
from homespun.storage import read_bounded

_MAX_LIST_BYTES = 10_000_000
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True)
class NamedRepository:
    """One repository of a list."""

    name: str  # "acme/auth"
    path: Path
    revision: str = ""  # the commit that must be checked out there, "" for whatever is


def read_list(file: Path) -> list[NamedRepository]:
    """Return the repositories of a list, in its order. Raises `TableRefused`."""
    try:
        text = read_bounded(file, max_bytes=_MAX_LIST_BYTES, follow_links=True).decode("utf-8")
    except (OSError, ValueError) as error:
        raise TableRefused(f"the list {str(file)!r} cannot be read: {in_words(error)}") from error
    found: dict[str, NamedRepository] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split("#", 1)[0].split()
        if not parts:
            continue
        where = f"line {number} of {str(file)!r}"
        if len(parts) not in (2, 3) or not is_repo(parts[0]):
            raise TableRefused(
                f"{where} is {line.strip()[:80]!r}; it wants NAME PATH [REVISION], the name such "
                "as acme/auth"
            )
        if len(parts) == 3 and not _REVISION.fullmatch(parts[2]):
            raise TableRefused(f"{where} has the revision {parts[2][:80]!r}; give a commit")
        if parts[0] in found:
            raise TableRefused(f"{where} names {parts[0]!r} again; each repository stands once")
        path = file.parent / Path(parts[1]).expanduser()
        found[parts[0]] = NamedRepository(parts[0], path, parts[2] if len(parts) == 3 else "")
    if not found:
        raise TableRefused(f"the list {str(file)!r} names no repository; write NAME PATH a line")
    return list(found.values())
