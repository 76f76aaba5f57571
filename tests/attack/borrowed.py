"""The hostile folders that other tests build, put on the list of attacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from tests.attack.folders import attack
from tests.attack.ground import POISON, Ground
from tests.support.hostile import git_repositories, settings_and_adapters, workspace_folders

Borrowed = Callable[[Path, Path], Path | None]


def _of_git(build: Borrowed) -> Callable[[Ground], Path | None]:
    return lambda ground: build(ground.folder, ground.canary / "ran")


def _linked(build: Borrowed, make_outside: Callable[[Path], Path]) -> Callable[[Ground], None]:
    def builder(ground: Ground) -> None:
        build(ground.folder, make_outside(ground.outside))

    return builder


def _brought(build: Borrowed, source: str) -> Callable[[Ground], None]:
    def builder(ground: Ground) -> None:
        (ground.folder / "client.py").write_text(source, encoding="utf-8")
        scratch = ground.folder.parent / "scratch"
        scratch.mkdir()
        build(ground.folder, scratch)

    return builder


def _alone(build: Callable[[Path], None]) -> Callable[[Ground], None]:
    return lambda ground: build(ground.folder)


def borrow() -> None:
    """Put them all on the list."""
    for name, build in git_repositories.ALL.items():
        attack(f"git: {name}, as its own tests build it")(_of_git(build))
    attack("git: all of these inside of one innocent repository")(
        _of_git(git_repositories.build_all)
    )
    workspace_folders.POISON = f"{POISON}=True"
    for name, build in workspace_folders.LINKED.items():
        attack(f".homespun: a link, {name}")(_linked(build, workspace_folders.build_outside))
    for name, build in workspace_folders.BROUGHT.items():
        attack(f".homespun: an index, {name}")(_brought(build, workspace_folders.CLIENT))
    for name, build in inspect.getmembers(settings_and_adapters, inspect.isfunction):
        if name.startswith("build_"):
            attack(name.removeprefix("build_").replace("_", " "))(_alone(build))
