"""Takes the current folder out of what this process, and those that it starts, may run.

An editor starts the server in the folder that is opened. Python imports from there where it is
started with `-m` or `-c`, or where PYTHONPATH has an entry such as "" or "."; programs are found
there where PATH has one, and on Windows always.
"""

# No future import: `__future__` would be looked for in the current folder, too.

import os
import site
import sys

_EDITABLE = "__editable__."  # setuptools' hook for an installation out of a clone; no folder


def leave_out_the_current_folder() -> None:
    """Forget the current folder; called before anything but the standard library is imported."""
    sys.path[:] = without_here(sys.path, os.environ.get("PYTHONPATH", ""))
    from homespun.programs import absolute_entries

    for name in ("PATH", "PYTHONPATH"):
        if name in os.environ:
            os.environ[name] = absolute_entries(os.environ[name])
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ["NoDefaultCurrentDirectoryInExePath"] = "1"


def without_here(entries: list[str], given: str) -> list[str]:
    """Return the entries of a search path that are not the current folder, nor relative to it.

    `given` is PYTHONPATH, whose relative entries Python has made absolute. The folders of Python's
    own packages stay, wherever one is.
    """
    relative = [entry for entry in given.split(os.pathsep) if not os.path.isabs(entry)]
    try:
        left_out = {os.path.realpath(entry) for entry in (os.curdir, *relative)}
    except FileNotFoundError:  # somebody removed the current folder; nothing is in it any more
        left_out = set()
    own = (*site.getsitepackages(), site.getusersitepackages())
    left_out -= {os.path.realpath(entry) for entry in own}
    return [entry for entry in entries if _is_hook(entry) or _is_kept(entry, left_out)]


def _is_hook(entry: str) -> bool:
    return entry.startswith(_EDITABLE) and not os.path.exists(entry)


def _is_kept(entry: str, left_out: set[str]) -> bool:
    return os.path.isabs(entry) and os.path.realpath(entry) not in left_out
