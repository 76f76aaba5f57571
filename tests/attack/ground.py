"""What an attack stands on: a folder that somebody opens, and what must stay as it was."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

POISON = "poisoned_by_a_stranger"  # must never be shown where the folder's own files lack it
SECRET = "kept_outside_of_the_folder"  # must never be read
APP = (
    "import helper\n\n\ndef total(items):\n    return helper.add_all(items)\n\n\nvalue = helper.\n"
)
HELPER = (
    "def add_all(items):\n"
    '    """Return the sum of the items."""\n'
    "    result = 0\n"
    "    for item in items:\n"
    "        result += item\n"
    "    return result\n"
)


@dataclass(frozen=True)
class Ground:
    """The places of one attack."""

    folder: Path  # what is opened
    outside: Path  # what must neither change nor be read
    canary: Path  # a folder; whatever appears in it was made by the opened folder's code

    @classmethod
    def at(cls, base: Path, *, like: Path | None = None) -> Ground:
        """Make the places, with a small program in the folder and a file of the user's outside.

        The folder begins as a copy of the repository `like` where there is one.
        """
        ground = cls(base / "folder", base / "outside", base / "canary")
        if like is not None:
            shutil.copytree(like, ground.folder)
        for place in (ground.folder, ground.outside, ground.canary):
            place.mkdir(parents=True, exist_ok=True)
        (ground.folder / "app.py").write_text(APP, encoding="utf-8")
        (ground.folder / "helper.py").write_text(HELPER, encoding="utf-8")
        lance = ground.outside / "lance"
        lance.mkdir()
        (lance / "precious.txt").write_text("years of work\n", encoding="utf-8")
        (ground.outside / "notes.py").write_text(f"{SECRET} = 1\n", encoding="utf-8")
        return ground

    def program(self, name: str = "ran") -> Path:
        """Write a program that leaves a trace when it is run, and return it."""
        path = self.folder / f"{name}.sh"
        path.write_text(f"#!/bin/sh\n: > '{self.canary / name}'\nexit 1\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    def snapshot(self) -> dict[str, str]:
        """Return what lies outside: path -> hash of mode and content."""
        found = {}
        for parent, folders, files in os.walk(self.outside):
            for name in [*folders, *files]:
                path = Path(parent, name)
                status = path.lstat()
                body = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
                text = f"{status.st_mode} ".encode() + body
                found[str(path.relative_to(self.outside))] = hashlib.sha256(text).hexdigest()
        return found

    def traces(self) -> list[str]:
        """Return what the opened folder's programs have left."""
        return sorted(path.name for path in self.canary.iterdir())
