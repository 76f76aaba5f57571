"""Real code to retype: pinned source packages, and working copies of them without some lines.

None of them has trained anything: the list of the shipped encoder and adapter has none of their
names. The held ones are looked at once, for the report.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from homespun.indexer.languages import language_of
from homespun.training.shipped.packages import Package, unpacked
from homespun.training.shipped.sources import held_out_packages

# Not code that people work on; a copy of the same lines may stand there, too.
_SIDELINES = re.compile(
    r"(?:^|/)(?:tests?|__tests__|testdata|docs?|examples?|benchmarks?|_?vendor|locales?|dist)/"
    r"|conftest|setup\.py|__init__|_test\.go$|\.(?:test|spec|min|d)\.[cm]?[jt]sx?$|\.config\.js$"
)
_SPREAD_LINES = 80  # a file with fewer has no middle to speak of
_MAX_BYTES = 200_000  # what is longer was written by a program


@dataclass(frozen=True, slots=True)
class RetypedPackage:
    """A package, and the folder of it that is the repository."""

    package: Package
    language: str  # of the files that are retyped
    root: str = "."
    held: bool = False  # looked at once, for the report

    @property
    def name(self) -> str:
        """The package's name and version."""
        return self.package.folder

    def folder(self) -> Path:
        """Return the repository's folder, fetched where it is missing."""
        return unpacked(self.package) / self.root


def corpus(*, held: bool = False, names: Collection[str] = ()) -> tuple[RetypedPackage, ...]:
    """Return the packages to work with, or those that are only looked at for the report.

    Where there are `names`, only those packages. Ends the program over a name that is none of them.
    """
    found = {each.package.name: each for each in _all() if each.held == held}
    for name in names:
        if name not in found:
            sys.exit(f"{name!r} is no package of these; choose among {', '.join(sorted(found))}")
    return tuple(each for name, each in found.items() if not names or name in names)


@cache
def _all() -> tuple[RetypedPackage, ...]:
    listed = {(package.registry, package.name): package for package in held_out_packages()}
    return tuple(
        RetypedPackage(listed[registry, name], language, root, held=held)
        for registry, name, language, root, held in _LISTED
    ) + tuple(
        RetypedPackage(Package(*pin), language, root, held=held)
        for pin, language, root, held in _PINNED
    )


# Pinned in `training/shipped/held_out_packages.json`.
_LISTED = (
    ("pypi", "starlette", "python", ".", False),
    ("pypi", "click", "python", "src", False),
    ("pypi", "structlog", "python", "src", False),
    ("npm", "zod", "typescript", "src", False),
    ("npm", "@trpc/server", "typescript", "src", False),
    ("npm", "fastify", "javascript", ".", False),
    ("debian", "golang-github-gorilla-mux", "go", ".", False),
    ("debian", "golang-github-spf13-cobra", "go", ".", False),
    ("debian", "golang-github-spf13-afero", "go", ".", False),
    ("pypi", "maturin", "rust", "src", False),
    ("debian", "libgoogle-gson-java", "java", "gson/src/main", False),
    ("debian", "libevent", "c", ".", False),
    ("pypi", "apscheduler", "python", "src", True),
    ("pypi", "tenacity", "python", ".", True),
    ("npm", "rxjs", "typescript", "src", True),
    ("npm", "axios", "javascript", "lib", True),
    ("debian", "golang-github-gin-gonic-gin", "go", ".", True),
    ("debian", "jsoup", "java", "src/main", True),
    ("debian", "libuv1", "c", "src", True),
)
_PINNED: tuple[tuple[tuple[str, ...], str, str, bool], ...] = (
    (
        (
            *("pypi", "granian", "2.8.7"),
            "7e63163766d987156d96e1390ee7886950c6a532bbfd5aaf81c653751679446c",
        ),
        *("rust", "src", False),
    ),
    (
        (
            *("pypi", "pydantic-ai-slim", "2.68.0"),
            "7e545ad147ee955d3ee83532ad793570a444a3e7c290328c4809b67a32c78a01",
        ),
        *("python", ".", True),
    ),
    (
        (
            *("npm", "ai", "7.0.173"),
            "9bb39977ac3471c0dfd2a541f3d03390eefd8a68140f07020d169d9d72667a2e",
        ),
        *("typescript", "src", True),
    ),
    (
        (
            *("debian", "golang-github-charmbracelet-bubbletea", "0.27.0"),
            "fbd8f88e29aacb145d4502dc6bc5c40d1cec4513ecf65116202adc7a1e563245",
            "pool/main/g/golang-github-charmbracelet-bubbletea/"
            "golang-github-charmbracelet-bubbletea_0.27.0.orig.tar.gz",
        ),
        *("go", ".", True),
    ),
    (
        (
            *("pypi", "obstore", "0.12.1"),
            "80549c9ea5478fd5d5bd75a3c9178841c7108a76d8139db05407a25a55a6a476",
        ),
        *("rust", ".", True),
    ),
)


def source_files(root: Path, language: str) -> dict[str, str]:
    """Return the package's files that are worth an editing session: path -> text."""
    texts = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if language_of(path.name) != language or _SIDELINES.search(relative):
            continue
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            continue
        text = path.read_bytes().decode("utf-8", "replace")  # line ends as they are
        if text.count("\n") >= _SPREAD_LINES and "\r" not in text and "\ufffd" not in text:
            texts[relative] = text
    return texts


def copy_with(root: Path, target: Path, changed: Mapping[str, str]) -> None:
    """Copy a package and write other texts into some of its files."""
    shutil.copytree(root, target, ignore=shutil.ignore_patterns(".homespun", ".git"))
    for relative, text in changed.items():
        (target / relative).write_text(text, encoding="utf-8")


def say_which(packages: Iterable[RetypedPackage], *, held: bool) -> str:
    """Return the line that a run begins with."""
    names = ", ".join(f"{package.name} ({package.language})" for package in packages)
    kind = "HELD packages, for the report alone: decide nothing by them" if held else "packages"
    return f"{kind}: {names}"
