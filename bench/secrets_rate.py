"""What the secret filter takes from real code: how often, and which strings.

    python bench/secrets_rate.py [--show N] [DIR...]

Without DIR the trees of `make bench-index` are read: source packages that are public, so whatever
is masked there is a test's key, an example, or a mistake of the filter.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent / "index"))

import index_trees  # noqa: E402 - after the path

from homespun.indexer import filters, secrets  # noqa: E402
from homespun.indexer.decode import decode  # noqa: E402
from homespun.indexer.languages import language_of  # noqa: E402
from homespun.indexer.types import Skipped  # noqa: E402

_LINES = 1_000_000


def main() -> None:
    """Count masked strings, and show some with their lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--show", type=int, default=0, help="masked lines to print, drawn at random"
    )
    parser.add_argument("dirs", nargs="*", type=Path)
    args = parser.parse_args()
    roots = args.dirs or [
        *(index_trees.package_tree(package) for package in index_trees.SMALL),
        index_trees.sample_tree(index_trees.large_tree(), _LINES),
    ]
    shown: list[str] = []
    for root in roots:
        counts = _counted(root, shown)
        lines = counts["lines"]
        print(
            f"{root.name}: {counts['masked']} strings masked in {lines:,} lines, "
            f"{counts['masked'] / max(lines, 1) * 1e6:.0f} a million; in tests, examples and "
            f"documentation {counts['masked in tests']}; {counts['files']} files"
        )
    for line in random.Random(0).sample(shown, min(args.show, len(shown))):
        print(line)


def _counted(root: Path, shown: list[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in index_trees.source_files(root):
        source = (root / path).read_bytes()
        text = decode(source)
        if isinstance(text, Skipped):
            continue
        language = language_of(path.as_posix(), source)
        if filters.reason_by_content(language, text) is not None:
            continue
        counts["files"] += 1
        counts["lines"] += text.count("\n")
        masked = secrets.mask(text, language)
        if masked == text:
            continue
        for before, after in zip(text.split("\n"), masked.split("\n"), strict=True):
            found = _new_masks(before, after)
            counts["masked"] += found
            if re.search(r"test|example|sample|doc|fixture", path.as_posix(), re.IGNORECASE):
                counts["masked in tests"] += found
            if found:
                shown.append(f"{path}: {before.strip()[:160]}")
    return counts


def _new_masks(before: str, after: str) -> int:
    runs = re.finditer(r"\*+", after)
    return sum(before[run.start() : run.end()] != run[0] for run in runs)


if __name__ == "__main__":
    main()
