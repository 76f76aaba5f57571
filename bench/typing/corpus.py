"""Real code to retype: pinned source packages, and working copies of them without some lines.

None of them has trained anything: the list of the shipped encoder and adapter has none of their
names. The held ones are looked at for the report alone; the fresh ones are more of these, pinned
when the held ones had been looked at six times.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

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


Use = Literal["work", "held", "fresh"]  # what a package is there for


@dataclass(frozen=True, slots=True)
class RetypedPackage:
    """A package, and the folder of it that is the repository."""

    package: Package
    language: str  # of the files that are retyped
    root: str = "."
    use: Use = "work"

    @property
    def name(self) -> str:
        """The package's name and version."""
        return self.package.folder

    @property
    def held(self) -> bool:
        """Whether it is looked at for the report alone."""
        return self.use != "work"

    def folder(self) -> Path:
        """Return the repository's folder, fetched where it is missing."""
        return unpacked(self.package) / self.root


def add_use(parser: argparse.ArgumentParser) -> None:
    """Add the choice among packages: `use` is what `corpus` is told."""
    chosen = parser.add_mutually_exclusive_group()
    for use in ("held", "fresh"):
        chosen.add_argument(
            f"--{use}",
            dest="use",
            action="store_const",
            const=use,
            default="work",
            help=f"the {use} packages: the report alone",
        )


def corpus(use: Use = "work", *, names: Collection[str] = ()) -> tuple[RetypedPackage, ...]:
    """Return the packages to work with, or those that are only looked at for the report.

    Where there are `names`, only those packages. Ends the program over a name that is none of them.
    """
    found = {each.package.name: each for each in _all() if each.use == use}
    for name in names:
        if name not in found:
            sys.exit(f"{name!r} is no package of these; choose among {', '.join(sorted(found))}")
    return tuple(each for name, each in found.items() if not names or name in names)


@cache
def _all() -> tuple[RetypedPackage, ...]:
    listed = {(package.registry, package.name): package for package in held_out_packages()}
    return tuple(
        RetypedPackage(listed[registry, name], language, root, use)
        for registry, name, language, root, use in _LISTED
    ) + tuple(
        RetypedPackage(Package(*pin), language, root, use) for pin, language, root, use in _PINNED
    )


# Pinned in `training/shipped/held_out_packages.json`.
_LISTED: tuple[tuple[str, str, str, str, Use], ...] = (
    ("pypi", "starlette", "python", ".", "work"),
    ("pypi", "click", "python", "src", "work"),
    ("pypi", "structlog", "python", "src", "work"),
    ("npm", "zod", "typescript", "src", "work"),
    ("npm", "@trpc/server", "typescript", "src", "work"),
    ("npm", "fastify", "javascript", ".", "work"),
    ("debian", "golang-github-gorilla-mux", "go", ".", "work"),
    ("debian", "golang-github-spf13-cobra", "go", ".", "work"),
    ("debian", "golang-github-spf13-afero", "go", ".", "work"),
    ("pypi", "maturin", "rust", "src", "work"),
    ("debian", "libgoogle-gson-java", "java", "gson/src/main", "work"),
    ("debian", "libevent", "c", ".", "work"),
    ("pypi", "apscheduler", "python", "src", "held"),
    ("pypi", "tenacity", "python", ".", "held"),
    ("npm", "rxjs", "typescript", "src", "held"),
    ("npm", "axios", "javascript", "lib", "held"),
    ("debian", "golang-github-gin-gonic-gin", "go", ".", "held"),
    ("debian", "jsoup", "java", "src/main", "held"),
    ("debian", "libuv1", "c", "src", "held"),
)
_PINNED: tuple[tuple[tuple[str, ...], str, str, Use], ...] = (
    (
        (
            *("pypi", "granian", "2.8.7"),
            "7e63163766d987156d96e1390ee7886950c6a532bbfd5aaf81c653751679446c",
        ),
        *("rust", "src", "work"),
    ),
    (
        (
            *("pypi", "pydantic-ai-slim", "2.68.0"),
            "7e545ad147ee955d3ee83532ad793570a444a3e7c290328c4809b67a32c78a01",
        ),
        *("python", ".", "held"),
    ),
    (
        (
            *("npm", "ai", "7.0.173"),
            "9bb39977ac3471c0dfd2a541f3d03390eefd8a68140f07020d169d9d72667a2e",
        ),
        *("typescript", "src", "held"),
    ),
    (
        (
            *("debian", "golang-github-charmbracelet-bubbletea", "0.27.0"),
            "fbd8f88e29aacb145d4502dc6bc5c40d1cec4513ecf65116202adc7a1e563245",
            "pool/main/g/golang-github-charmbracelet-bubbletea/"
            "golang-github-charmbracelet-bubbletea_0.27.0.orig.tar.gz",
        ),
        *("go", ".", "held"),
    ),
    (
        (
            *("pypi", "obstore", "0.12.1"),
            "80549c9ea5478fd5d5bd75a3c9178841c7108a76d8139db05407a25a55a6a476",
        ),
        *("rust", ".", "held"),
    ),
    (
        (
            *("pypi", "taskiq", "0.9.3"),
            "25f0b6b7fe5bbb33ce65adf1aaff89690fe11a8eefd3b05515155313ffb33f39",
        ),
        *("python", ".", "fresh"),
    ),
    (
        (
            *("pypi", "cyclopts", "5.5.2"),
            "c0339b7ddd7b1c886f13bb8b68a6a65aa7144d3027f1d0e290be514b8fe1589b",
        ),
        *("python", ".", "fresh"),
    ),
    (
        (
            *("npm", "rxdb", "17.6.0"),
            "dbd15cdd9b159d85811f3800693313177ba0ba6dbc8cb75498c98e72bd8b4578",
        ),
        *("typescript", "src", "fresh"),
    ),
    (
        (
            *("npm", "msw", "3.0.5"),
            "a4889450f512ea81dda6acc4bddb257d6902b82632dd824b04d84b45ad106047",
        ),
        *("typescript", "src", "fresh"),
    ),
    (
        (
            *("npm", "mercurius", "16.10.1"),
            "39d875b5fc3ab0f2d783b81520dae08991631db6c10906b73dbb8e225e50766b",
        ),
        *("javascript", "lib", "fresh"),
    ),
    (
        (
            *("debian", "golang-github-hashicorp-raft", "1.5.0"),
            "f4dc9aabc7784a1b9b5da36b85a3797ac37911f2a6dc54a6fd6cb60a6fd643e9",
            "pool/main/g/golang-github-hashicorp-raft/"
            "golang-github-hashicorp-raft_1.5.0.orig.tar.gz",
        ),
        *("go", ".", "fresh"),
    ),
    (
        (
            *("debian", "golang-github-hashicorp-memberlist", "0.5.0"),
            "9cf6417bd5a481064a05a7c72ba33587df875775ffce4ef21d715f06b5b9b159",
            "pool/main/g/golang-github-hashicorp-memberlist/"
            "golang-github-hashicorp-memberlist_0.5.0.orig.tar.xz",
        ),
        *("go", ".", "fresh"),
    ),
    (
        (
            *("pypi", "ry", "0.0.99"),
            "7433e3eb704c40458347597baba5a59a164918e7b08285ac7227d28299cffe2c",
        ),
        *("rust", "crates", "fresh"),
    ),
    (
        (
            *("pypi", "jiter", "0.19.0"),
            "ba3064f8be276d7cfb83c2fb85c858be533da2c2f80f9b048c3781b45a57a195",
        ),
        *("rust", "crates/jiter/src", "fresh"),
    ),
    (
        (
            *("debian", "jackson-core", "2.14.1"),
            "d9eb6aa1898c4d5a582c52e69da249efae25e4d2c809c57dc6b6ee01c4b0fb3b",
            "pool/main/j/jackson-core/jackson-core_2.14.1.orig.tar.xz",
        ),
        *("java", "src/main/java", "fresh"),
    ),
    (
        (
            *("debian", "commons-pool2", "2.12.0"),
            "233c4ddc05e5425219aff1114628f40cdf3e2e6ec76be3b3a22de8090d9a3e03",
            "pool/main/c/commons-pool2/commons-pool2_2.12.0.orig.tar.xz",
        ),
        *("java", "src/main/java", "fresh"),
    ),
    (
        (
            *("debian", "libgit2", "1.9.0+ds"),
            "08f1f9137c4804ac4be4748f7141f8a6a9b7a12c942ac2fd4db5a28f8b65caa2",
            "pool/main/libg/libgit2/libgit2_1.9.0+ds.orig.tar.xz",
        ),
        *("c", "src", "fresh"),
    ),
    (
        (
            *("debian", "json-c", "0.18+ds"),
            "f6439962c9622c1f9f4746d5b3daf5e0800c335281b048fab00159f2a29d7daa",
            "pool/main/j/json-c/json-c_0.18+ds.orig.tar.xz",
        ),
        *("c", ".", "fresh"),
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


def use_suffix(use: Use) -> str:
    """Return what the name of a report ends with."""
    return "" if use == "work" else f"-{use}"


def say_which(packages: Iterable[RetypedPackage], use: Use) -> str:
    """Return the line that a run begins with."""
    names = ", ".join(f"{package.name} ({package.language})" for package in packages)
    if use == "work":
        return f"packages: {names}"
    return f"{use.upper()} packages, for the report alone: decide nothing by them: {names}"
