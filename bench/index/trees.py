"""The trees that are indexed: packages pinned by sha256, and samples of a large one by size."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from homespun.paths import home
from homespun.training.shipped.packages import Package, unpacked

_PINS = json.loads(Path(__file__).with_name("trees.json").read_text(encoding="utf-8"))
SMALL = tuple(Package(*pin) for pin in _PINS["small"])
MEDIUM = Package(*_PINS["medium"][0])
LARGE = tuple(Package(*pin) for pin in _PINS["large"])
# Both engines take these; what only one of them would read is no part of a tree.
SUFFIXES = frozenset(".py .pyi .c .h .cpp .js .ts .go .rs .java .md .rst .toml .yaml .yml".split())
_MAX_BYTES = 500_000


def package_tree(package: Package) -> Path:
    """Return a copy of a package's files of the common kinds, made once."""
    return _tree(package.folder, [unpacked(package)])


def large_tree() -> Path:
    """Return one folder with all the large packages."""
    return _tree("large", [unpacked(package) for package in LARGE])


def sample_tree(large: Path, lines: int, *, seed: int = 0) -> Path:
    """Return about so many lines of a large tree: files drawn at random, under their own paths."""
    target = large.with_name(f"sample-{lines}")
    if target.is_dir():
        return target
    files = source_files(large)
    random.Random(seed).shuffle(files)
    return _filled(target, [(large, path) for path in _up_to(large, files, lines)])


def source_files(root: Path) -> list[Path]:
    """Return the files of a tree, relative and sorted."""
    files = (path for path in root.rglob("*") if path.suffix in SUFFIXES)
    return sorted(path.relative_to(root) for path in files if _is_wanted(path))


def count_lines(root: Path, files: Iterable[Path | str]) -> int:
    """Count the line ends in some files."""
    return sum((root / path).read_bytes().count(b"\n") for path in files)


def _up_to(root: Path, files: Sequence[Path], lines: int) -> list[Path]:
    taken: list[Path] = []
    total = 0
    for path in files:
        if total >= lines:
            break
        taken.append(path)
        total += count_lines(root, [path])
    return taken


def _tree(name: str, sources: Sequence[Path]) -> Path:
    target = home() / "bench" / "index" / name
    if target.is_dir():
        return target
    return _filled(target, [(source, path) for source in sources for path in source_files(source)])


def _filled(target: Path, files: Sequence[tuple[Path, Path]]) -> Path:
    draft = target.with_name(f"{target.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    for source, path in files:
        # The packages of a large tree stay apart.
        copy = draft / source.name / path if target.name == "large" else draft / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, copy)
    draft.rename(target)
    return target


def _is_wanted(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= _MAX_BYTES
