"""The list of a fleet: a line a repository, and everything that is wrong with it told at once.

    acme/auth     ../auth                          a path, from the list's own folder on
    acme/billing  https://git.example/billing.git
    acme/ledger   ssh://git@git.example/ledger     v2.1
    {"name": "acme/web", "repository": "/srv/a path with spaces", "revision": "main"}

What follows a '#' that begins a line or follows a blank is a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from homespun.cli.errors import UsageError
from homespun.errors import in_words
from homespun.indexer.packs.names import is_repo
from homespun.indexer.scan.clone import fault_of_address, fault_of_revision, is_address
from homespun.parsing import parse_json
from homespun.storage import read_bounded

_MAX_LIST_BYTES = 20_000_000
_MAX_FAULTS = 50  # that are printed
_SHOWN_CHARS = 120
_REMARK = re.compile(r"(?:^|\s)#.*")
_KEYS = {"name", "repository", "revision"}


@dataclass(frozen=True, slots=True)
class FleetRepository:
    """A line of the list."""

    name: str  # "acme/auth": what its pack and its row are called
    where: str  # an absolute path, or an address of git
    revision: str = ""  # "": what is checked out, or the default branch of an address

    @property
    def is_remote(self) -> bool:
        """Whether it is cloned before anything else."""
        return is_address(self.where)

    @property
    def file_name(self) -> str:
        """The name as that of one file or folder; two names never share one."""
        return self.name.replace("/", "+")


def read_list(path: Path) -> list[FleetRepository]:
    """Read a list. Raises `UsageError` with a line for each fault of it."""
    try:
        text = read_bounded(path, max_bytes=_MAX_LIST_BYTES, follow_links=True).decode("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"the list {str(path)!r} cannot be read: {in_words(error)}") from error
    found, faults = parsed_list(text, path.resolve().parent)
    if not found and not faults:
        faults = ["there is no repository in it"]
    if faults:
        more = [f"and {len(faults) - _MAX_FAULTS} more"] if len(faults) > _MAX_FAULTS else []
        raise UsageError("\n  ".join([f"the list {str(path)!r}:", *faults[:_MAX_FAULTS], *more]))
    return found


def parsed_list(text: str, folder: Path) -> tuple[list[FleetRepository], list[str]]:
    """Return the repositories of a list that lies in `folder`, and what is wrong with it."""
    found: list[FleetRepository] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not (line := line.strip()) or line.startswith("#"):
            continue
        one, faults_of_line = _read_line(line, folder)
        if one is not None:
            # A file system may not tell upper case from lower case.
            first = seen.setdefault(one.name.casefold(), number)
            if first != number:
                faults_of_line.append(f"{one.name!r} is the name of line {first}, too")
            found.append(one)
        faults += [f"line {number}: {fault}" for fault in faults_of_line]
    return found, faults


def _read_line(line: str, folder: Path) -> tuple[FleetRepository | None, list[str]]:
    fields = _of_json(line) if line.startswith("{") else _REMARK.sub("", line).split()
    if isinstance(fields, str):
        return None, [fields]
    if not 2 <= len(fields) <= 3:
        return None, [
            f"{line[:_SHOWN_CHARS]!r} is not NAME PATH-or-URL [REVISION] (a path with blanks goes "
            "into a line of JSON)"
        ]
    name, where, revision = (*fields, "")[:3]
    faults = list(_faults(name, where, revision))
    if faults:
        return None, faults
    place = where if is_address(where) else str(folder / Path(where).expanduser())
    return FleetRepository(name, place, revision), []


def _of_json(line: str) -> list[str] | str:
    """Return the fields of a line of JSON, or what is wrong with it."""
    try:
        body = parse_json(line)
    except ValueError as error:
        return f"{line[:_SHOWN_CHARS]!r} is no JSON: {error}"
    if unknown := sorted(set(body) - _KEYS):
        return f"{unknown[0][:_SHOWN_CHARS]!r} is none of {', '.join(sorted(_KEYS))}"
    fields = [body.get("name", ""), body.get("repository", "")]
    fields += [body["revision"]] if "revision" in body else []
    if not all(isinstance(value, str) and value for value in fields):
        return f"{line[:_SHOWN_CHARS]!r} wants name and repository, as texts"
    return fields


def _faults(name: str, where: str, revision: str) -> Iterator[str]:
    if not is_repo(name):
        yield (
            f"{name[:_SHOWN_CHARS]!r} is no name; give one such as acme/auth, of letters, digits, "
            "'.', '_' and '-'"
        )
    shown = where[:_SHOWN_CHARS]
    if is_address(where):
        if fault := fault_of_address(where):
            yield f"{_without_password(shown)!r} is not cloned: {fault}"
    elif where.startswith("-") or not where.isprintable():
        yield f"{shown!r} is no path; begin it with ./ if that is its name"
    elif ".." in PurePath(where).parts[1:] and not _only_leads_up(where):
        yield f"{shown!r} has '..' in its midst; give the path as it is"
    if revision and (fault := fault_of_revision(revision)):
        yield f"{revision[:_SHOWN_CHARS]!r} is no revision: {fault}"


def _only_leads_up(where: str) -> bool:
    """Tell whether every '..' of a relative path is at its beginning."""
    parts = PurePath(where).parts
    ups = sum(part == ".." for part in parts)
    return all(part == ".." for part in parts[:ups])


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", address)
