"""Under which licence a file of the repository is: its own words, else the nearest that says it.

First the comment at its beginning, then folder by folder up the tree: a licence's text, else what
the metadata of a package there states. A vendored folder without any licence of its own is
unknown: the root's does not speak for it. Reads few bytes of plain files, follows no link, and
never raises.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from homespun.indexer.languages import has_grammar, language_of
from homespun.indexer.licences import metadata
from homespun.indexer.licences.expressions import UNKNOWN, is_same
from homespun.indexer.licences.texts import licence_of_head, licence_of_text
from homespun.indexer.scan.skip import VENDOR_FOLDERS
from homespun.indexer.scan.walk import is_inside
from homespun.storage import read_beginning, read_bounded

_NAME = re.compile(
    r"(?:mit-)?licen[sc]es?(?:[.-][a-z0-9.+-]{1,40})?|unlicense(?:\.[a-z]{1,8})?"
    r"|copying(?:[.-][a-z0-9.+-]{1,40})?",
    re.IGNORECASE,
)
# LICENSE-MIT beside LICENSE-APACHE
_CHOICE = re.compile(r"licen[sc]e[.-](?!txt$|md$|rst$|html$).+", re.IGNORECASE)
_MAX_BYTES = 65_536  # of a text; the GNU licences have 35 KB
_MAX_TEXTS = 8  # in one folder
_MAX_ENTRIES = 10_000  # of a folder are looked at
_VENDOR_ENDS = ("_vendor", "-vendor", "_vendored")
_VENDORS = VENDOR_FOLDERS | {"node_modules", "bower_components", "jspm_packages"}


@dataclass(frozen=True, slots=True)
class FileLicence:
    """What is known of one file."""

    expression: str  # SPDX, or "unknown"
    is_other: bool  # than the repository's own


class Licences:
    """Asks one repository; what a folder says is kept until `forget`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, str] = {}  # folder -> expression; "" where it says nothing

    @property
    def own(self) -> str:
        """The licence of the repository: that of its root."""
        return self._said_in("") or UNKNOWN

    def of(self, path: str, head: str) -> FileLicence:
        """Return the licence of the file `path` (with "/"), which begins with `head`."""
        named = licence_of_head(head)
        if named:
            return FileLicence(named, is_other=not is_same(named, self.own))
        parts = path.split("/")[:-1]
        top = max((n for n, part in enumerate(parts, start=1) if _is_vendor(part)), default=0)
        for depth in range(len(parts), top - 1, -1):
            said = self._said_in("/".join(parts[:depth]))
            if said:
                return FileLicence(said, is_other=bool(depth) and not is_same(said, self.own))
        return FileLicence(UNKNOWN, is_other=bool(top))

    def forget(self) -> None:
        """Look at the folders anew."""
        self._known.clear()

    def _said_in(self, folder: str) -> str:
        if folder not in self._known:
            self._known[folder] = _said_in(self._root, folder)
        return self._known[folder]


def says_a_licence(path: str) -> bool:
    """Tell whether a file of this name says under which licence others are."""
    name = path.rpartition("/")[2]
    return name in metadata.READERS or is_licence_text(name)


def is_licence_text(path: str) -> bool:
    """Tell whether a file of this name is a licence's text: not `license.py`."""
    name = path.rpartition("/")[2]
    return _NAME.fullmatch(name) is not None and not has_grammar(language_of(name))


def _is_vendor(folder: str) -> bool:
    folder = folder.casefold()
    return folder in _VENDORS or folder.endswith(_VENDOR_ENDS)


def _said_in(root: Path, folder: str) -> str:
    """Return the licence that a folder states, "unknown" for one that cannot be told, or ""."""
    if not is_inside(root, f"{folder}/LICENSE" if folder else "LICENSE"):
        return ""
    place = root / folder
    names = _names_in(place)
    texts = [name for name in names if is_licence_text(name) and not _leads_up(root, place / name)]
    found = {name: _of_file(place / name) for name in texts[:_MAX_TEXTS]}
    if len(known := set(filter(None, found.values()))) == 1:
        return known.pop()
    stated = next(filter(None, _stated_in(place, names)), "")
    if stated or not found:
        return stated
    return _joined(found) if known else UNKNOWN


def _names_in(folder: Path) -> list[str]:
    """Return the names that may say something, sorted."""
    try:
        with os.scandir(folder) as entries:
            names = (entry.name for entry in islice(entries, _MAX_ENTRIES))
            return sorted(name for name in names if says_a_licence(name))
    except (OSError, ValueError):
        return []


def _leads_up(root: Path, path: Path) -> bool:
    """Tell whether it is no text itself: a folder, or a link to a text of a folder above in `root`.

    What that one says is found there. A link to anywhere else is left as what cannot be read.
    """
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            return True
        target = Path(os.path.normpath(path.parent / path.readlink()))
    except (OSError, ValueError):  # no link
        return False
    is_above = target.parent in path.parent.parents and is_licence_text(target.name)
    return is_above and target.parent.is_relative_to(root)


def _of_file(path: Path) -> str:
    try:
        data = read_beginning(path, most_bytes=_MAX_BYTES)
    except (OSError, ValueError):
        return ""
    if b"\0" in data:
        return ""
    return licence_of_text(data.decode("utf-8", "replace"))


def _stated_in(folder: Path, names: list[str]) -> Iterator[str]:
    for name in metadata.READERS:
        if name in names:
            try:
                yield metadata.stated(
                    name, read_bounded(folder / name, max_bytes=metadata.MAX_BYTES)
                )
            except (OSError, ValueError):
                continue


def _joined(found: dict[str, str]) -> str:
    """Return what several texts of one folder say together."""
    known = sorted(set(filter(None, found.values())))
    lesser = [name for name in known if name.startswith("LGPL")]
    if lesser and all("GPL" in name for name in known):
        return lesser[0]  # it is written as additions to the other
    if all(_CHOICE.fullmatch(name) for name, said in found.items() if said):
        return " OR ".join(known)
    return " AND ".join(known)
