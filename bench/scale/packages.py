"""Twelve real packages as the repositories of a team: pinned archives, each in a git of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.context.siblings.packages import thirty
from homespun.training.shipped.packages import Package, unpacked

COUNT = 12
_DAY = "1700000000 +0000"
_SETTINGS = (
    *("-c", "user.name=bench", "-c", "user.email=bench@example.org"),
    *("-c", "core.autocrlf=false", "-c", f"core.hooksPath={os.devnull}"),
)


def twelve() -> list[Package]:
    """Return the packages: the eight that call each other, and four more."""
    return thirty()[:COUNT]


def repositories(folder: Path, packages: list[Package]) -> dict[str, Path]:
    """Return name -> a repository of one commit, made below a folder where it is missing."""
    found = {}
    for package in packages:
        place = folder / package.folder
        if not (place / ".git" / "refs" / "heads" / "main").exists():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(unpacked(package), place)
            _git(place, "init", "--quiet", "--initial-branch=main", ".")
            _git(place, "add", "--all", "--force")
            _git(place, "commit", "--quiet", "-m", package.folder)
        found[f"bench/{package.name}"] = place
    return found


def write_list(path: Path, found: dict[str, Path]) -> Path:
    """Write the list of a fleet; return its path."""
    lines = [f"{name} {folder}" for name, folder in found.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _git(folder: Path, *words: str) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    days = {"GIT_AUTHOR_DATE": _DAY, "GIT_COMMITTER_DATE": _DAY}
    none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        ["git", *_SETTINGS, *words],
        cwd=folder,
        env={**kept, **days, **none},
        check=True,
        capture_output=True,
    )
