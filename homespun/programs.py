"""The programs that we start: where they are found, and what they may inherit.

A program is started by its absolute path, and a folder that is opened brings none: neither by an
entry of PATH that leads into it, nor by one that means "where I am", nor as Windows and
`shutil.which` do, by looking into the current folder first.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def find(name: str, *, outside: Path) -> str | None:
    """Return the absolute path of a program of PATH; None where there is none to be trusted.

    `outside` is the folder that is worked on: nothing in it counts, nor in the repository that it
    lies in, nor what a link leads there.
    """
    around = _workspace_around(outside)
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not os.path.isabs(entry):
            continue  # "", ".", "bin": wherever we happen to be
        program = os.path.join(entry, f"{name}.exe" if os.name == "nt" else name)
        if _is_program(program) and not _leads_into(program, around):
            return program
    return None


def environment_of_python() -> dict[str, str]:
    """Return the variables for another Python: it imports nothing from where it is started."""
    kept = dict(os.environ)
    kept["PYTHONSAFEPATH"] = "1"
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = absolute_entries(kept["PYTHONPATH"])
    return kept


def absolute_entries(variable: str) -> str:
    """Return the entries of PATH, or of a variable like it, that do not depend on where one is.

    An absolute entry that is the current folder goes, too: nobody can tell how it came in.
    """
    entries = [entry for entry in variable.split(os.pathsep) if os.path.isabs(entry)]
    try:
        here = os.path.realpath(os.curdir)
    except FileNotFoundError:  # somebody removed it; it brings nothing any more
        return os.pathsep.join(entries)
    return os.pathsep.join(entry for entry in entries if os.path.realpath(entry) != here)


def is_own(path: Path) -> bool:
    """Tell whether a file or folder is this user's, and no link; Windows says nothing of owners."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    if stat.S_ISLNK(status.st_mode):
        return False
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _workspace_around(folder: Path) -> Path | None:
    """Return the outermost git work tree around a folder, itself where there is none.

    A home folder, what is above it, and one that is a work tree for the sake of dotfiles, is no
    workspace: the user's own programs are in there.
    """
    home = Path(os.path.realpath(os.path.expanduser("~")))  # "~" itself where there is none
    folder = Path(os.path.realpath(folder))
    steps = [step for step in (folder, *folder.parents) if step not in (home, *home.parents)]
    trees = [step for step in steps if (step / ".git").exists()]
    return next(iter([*trees[-1:], *steps]), None)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _leads_into(program: str, folder: Path | None) -> bool:
    if folder is None:
        return False
    places = (os.path.realpath(os.path.dirname(program)), os.path.realpath(program))
    return any(Path(place).is_relative_to(folder) for place in places)
