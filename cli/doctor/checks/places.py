"""Where state lives, whether it may be written, and whether there is room."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from homespun import paths
from homespun.cli.doctor.checks.finding import Finding, Patient, Problem, megabytes
from homespun.server.transport.client_token import token_path
from homespun.settings import user_file

_MIN_FREE_BYTES = 1_000_000_000  # below it neither a model nor a large index fits


def check_places(patient: Patient) -> Finding:
    """Look at the folders of the user; makes none."""
    home = paths.home()
    free = shutil.disk_usage(_existing(home)).free
    return Finding(
        line=f"{home}, {megabytes(free)} free",
        facts={
            "home": str(home),
            "state_home": str(paths.state_home()),
            "user_settings": str(user_file()),
            "has_user_settings": user_file().exists(),
            "free_bytes": free,
            "is_moved": bool(os.environ.get("HOMESPUN_HOME")),
        },
        problems=tuple(_problems(home, free)),
    )


def _problems(home: Path, free: int) -> Iterator[Problem]:
    for folder in dict.fromkeys((home, paths.state_home())):
        place = _existing(folder)
        if not place.is_dir():
            yield Problem(
                f"{str(place)!r} is a file where homespun wants a folder",
                "move it away, or set HOMESPUN_HOME to a folder of your own",
            )
        elif not os.access(place, os.W_OK | os.X_OK):
            yield Problem(
                f"{str(place)!r} may not be written by this user",
                f"chmod u+rwx {shlex.quote(str(place))}, or set HOMESPUN_HOME",
            )
    if free < _MIN_FREE_BYTES:
        yield Problem(
            f"only {megabytes(free)} are free where homespun keeps models, in {str(home)!r}",
            "free some, or set HOMESPUN_HOME to a folder on a larger disk",
            is_broken=False,
        )
    yield from _token_problems(token_path())


def _token_problems(path: Path) -> Iterator[Problem]:
    """Say where others could read the token of `homespun serve --tcp` and `--openai`."""
    try:
        found = path.lstat()
    except OSError:
        return  # the first start makes it
    if os.name == "posix" and (found.st_mode & 0o077 or not stat.S_ISREG(found.st_mode)):
        yield Problem(
            f"the token of `homespun serve` in {str(path)!r} is open to others, so it is refused",
            f"rm {shlex.quote(str(path))}",
        )


def _existing(folder: Path) -> Path:
    whole = folder.absolute()
    return next(place for place in (whole, *whole.parents) if place.exists())
