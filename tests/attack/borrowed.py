"""The hostile folders that other tests build, put on the list of attacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

from folders import attack
from ground import POISON, Ground
from parts import module

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
    repositories = module("hostile/git_repositories.py")
    for name, build in repositories.ALL.items():
        attack(f"git: {name}, as its own tests build it")(_of_git(build))
    attack("git: all of these inside of one innocent repository")(_of_git(repositories.build_all))
    state = module("hostile/workspace_folders.py")
    state.POISON = f"{POISON}=True"
    for name, build in state.LINKED.items():
        attack(f".homespun: a link, {name}")(_linked(build, state.build_outside))
    for name, build in state.BROUGHT.items():
        attack(f".homespun: an index, {name}")(_brought(build, state.CLIENT))
    others = module("hostile/settings_and_adapters.py")
    for name, build in inspect.getmembers(others, inspect.isfunction):
        if name.startswith("build_"):
            attack(name.removeprefix("build_").replace("_", " "))(_alone(build))
