"""What the secret filter takes from real code: how often, and which strings.

    python -m bench.micro.secrets_rate [--show N] [--write] [DIR...]

Without DIR the trees of `make bench-index` are read: source packages that are public, so whatever
is masked there is a test's key, an example, or a mistake of the filter.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from pathlib import Path

from bench.index import report, trees
from homespun.indexer.languages import language_of
from homespun.indexer.scan import skip
from homespun.indexer.scan.decode import decode
from homespun.indexer.secrets import mask
from homespun.indexer.types import Skipped

_LINES = 1_000_000


def main() -> None:
    """Count masked strings, and show some with their lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--show", type=int, default=0, help="masked lines to print, drawn at random"
    )
    parser.add_argument("--write", action="store_true", help="write the table of bench/README.md")
    parser.add_argument("dirs", nargs="*", type=Path)
    args = parser.parse_args()
    roots = args.dirs or [
        *(trees.package_tree(package) for package in trees.SMALL),
        trees.sample_tree(trees.large_tree(), _LINES),
    ]
    shown: list[str] = []
    table = [
        "| tree | lines | strings masked | in tests, examples, documentation "
        "| others a million lines |",
        "|---|--:|--:|--:|--:|",
    ]
    for root in roots:
        counts = _counted(root, shown)
        lines, masked, tests = counts["lines"], counts["masked"], counts["masked in tests"]
        others = (masked - tests) / max(lines, 1) * 1e6
        table.append(f"| {root.name} | {lines:,} | {masked} | {tests} | {others:.0f} |")
    print("\n".join(table))
    if args.write:
        page = report.README.read_text(encoding="utf-8")
        page = report.replaced(page, "secrets", "\n".join(table))
        report.README.write_text(page, encoding="utf-8")
    for line in random.Random(0).sample(shown, min(args.show, len(shown))):
        print(line)


def _counted(root: Path, shown: list[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in trees.source_files(root):
        source = (root / path).read_bytes()
        text = decode(source)
        if isinstance(text, Skipped):
            continue
        language = language_of(path.as_posix(), source)
        if skip.reason_by_content(language, text) is not None:
            continue
        counts["files"] += 1
        counts["lines"] += text.count("\n")
        masked = mask.mask(text, language)
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
