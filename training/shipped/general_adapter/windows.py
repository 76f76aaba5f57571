"""The table of what the shipped adapters may have learnt by heart.

    python -m homespun.training.shipped.general_adapter.windows            # write it into the wheel
    python -m homespun.training.shipped.general_adapter.windows --check    # only compare

The adapters' manifests name the packages and how many examples each gave. The files are drawn again
by the same seed; where a package gives other examples than its manifest says, it is named.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from homespun.models.adapters import shipped
from homespun.progress import Progress
from homespun.server.licences import learnt
from homespun.server.licences.learnt import LearntTable
from homespun.storage import rewrite
from homespun.training.dataset.examples import Example
from homespun.training.shipped.general_adapter.examples import (
    Mix,
    chosen_packages,
    drawn_examples,
    task_lines,
)
from homespun.training.shipped.general_adapter.job import held_prints
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import LicensedPackage

_MAX_SHARED = 2  # packages; what more of them have is nobody's in particular
_MAX_BYTES = 3 << 20


@dataclass(frozen=True, slots=True)
class LearnedFile:
    """A file that examples were cut from, secrets masked."""

    path: str  # "registry/name-version/path"
    licence: str
    text: str


def table_of(files: Iterable[LearnedFile]) -> LearntTable:
    """Return the windows of all files; one that several files have is the first one's."""
    rows: dict[int, tuple[int, int, int]] = {}
    packages: dict[int, set[str]] = defaultdict(set)
    names: list[LearnedFile] = []
    for file in sorted(files, key=lambda file: file.path):
        names.append(file)
        package = "/".join(file.path.split("/")[:2])
        for window in learnt.windows_of(enumerate(file.text.split("\n"), start=1)):
            packages[window.key].add(package)
            span = min(window.last - window.first, 255)
            rows.setdefault(window.key, (len(names) - 1, window.first, span))
    keys = sorted(key for key in rows if len(packages[key]) <= _MAX_SHARED)
    return LearntTable(
        keys=np.array(keys, dtype=np.uint64),
        files=np.array([rows[key][0] for key in keys], dtype=np.uint16),
        starts=np.array([rows[key][1] for key in keys], dtype=np.uint16),
        spans=np.array([rows[key][2] for key in keys], dtype=np.uint8),
        paths=tuple(file.path for file in names),
        licences=tuple(file.licence for file in names),
    )


def learned_files(
    mix: Mix, named: Mapping[str, Sequence[int]], *, progress: Progress
) -> Iterator[tuple[LicensedPackage, int, list[LearnedFile]]]:
    """Yield each package that the manifests name, its examples' number and their files."""
    held, asked = held_prints(), task_lines()
    packages = chosen_packages(mix)
    progress.start("files", len(packages), "packages")
    for number, source in enumerate(packages):
        progress.advance(1)
        if source.key not in named:
            continue
        rng = random.Random(f"{mix.seed}-{source.key}")
        folder = unpacked(source.package)
        drawn, _ = drawn_examples(source, folder, mix, rng, held, asked, seed=mix.seed + number)
        yield source, len(drawn), _files(source, drawn)
    progress.finish()


def named_packages() -> dict[str, list[int]]:
    """Return for each package ("registry/name") the examples that each adapter saw of it."""
    found: dict[str, list[int]] = defaultdict(list)
    for path in sorted(shipped.folder().glob("*/manifest.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["packages"]:
            found[f"{row['registry']}/{row['name']}"].append(row["examples"])
    return dict(found)


def _files(source: LicensedPackage, drawn: Iterable[Example]) -> list[LearnedFile]:
    """Return the files that examples were cut from, each once."""
    below = f"{source.key}-{source.package.version}/"
    texts = {
        example.id.removeprefix(f"{source.key}/").rsplit(":", 1)[0]: (
            example.prefix + example.middle + example.suffix
        )
        for example in drawn
    }
    return [LearnedFile(below + path, source.licence, text) for path, text in texts.items()]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Draw, compare with the manifests, write or compare; return the exit status."""
    from homespun.cli.progress import RichProgress

    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    args = parser.parse_args()
    named, files = named_packages(), []
    with RichProgress() as progress:
        for source, drawn, found in learned_files(Mix(), named, progress=progress):
            files += found
            if drawn < max(named[source.key]):
                seen = max(named[source.key])
                _say(f"{source.key}: {drawn} examples drawn, an adapter saw {seen}")
    table = table_of(files)
    _say(f"{len(files)} files of {len(named)} packages, {len(table.keys)} windows")
    with tempfile.TemporaryDirectory(prefix="homespun-windows-") as scratch:
        draft = Path(scratch) / learnt.TABLE.name
        learnt.save(table, draft)
        body = draft.read_bytes()
    _say(f"{len(body)} bytes, at most {_MAX_BYTES} are shipped")
    if args.check:
        return 0 if body == learnt.TABLE.read_bytes() else 1
    if len(body) > _MAX_BYTES:
        return 1
    rewrite(learnt.TABLE, body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
