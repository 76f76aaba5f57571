"""The house in figures: largest folder, deepest arrow, circles, long files, lines.

python -m tests.layout.figures [--before REVISION]
"""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter
from pathlib import PurePosixPath

from tests.layout import house
from tests.layout.test_arrows import MAX_LINES


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", metavar="REVISION", help="of this repository, to compare with")
    args = parser.parse_args()
    files = house.graph()
    arrows = house.places(files)
    folder, count = next(iter(house.folders().items()))
    long = [path for path in house.sources() if house.lines_of(path) > MAX_LINES]
    circles = [
        house.circle({name: set(them) for name, them in files.items()}),
        house.circle(arrows),
    ]
    print(f"sub-packages and files of a room's own: {len(arrows)}")
    print(f"largest folder: {folder}, {count} files")
    print(f"circles of imports, type-only ones included: {sum(map(bool, circles))}")
    print(f"deepest chain of arrows between sub-packages: {house.depth(arrows)}")
    print(f"files over {MAX_LINES} lines: {len(long)} ({', '.join(map(house.relative, long))})")
    print(f"now: {len(house.sources())} files, {sum(map(house.lines_of, house.sources())):,} lines")
    if args.before:
        counted = _lines_at(args.before)
        folders = Counter(str(PurePosixPath(name).parent) for name in counted)
        largest, files_of_it = folders.most_common(1)[0]
        print(f"{args.before}: {len(counted)} files, {sum(counted.values()):,} lines, ", end="")
        print(f"largest folder: {largest}, {files_of_it} files")


def _lines_at(revision: str) -> dict[str, int]:
    """Python files of the rooms at a revision -> lines."""
    patterns = [f":(glob){room}/**/*.py" for room in house.ROOMS]
    done = subprocess.run(
        ["git", "grep", "-c", "", revision, "--", *patterns],
        cwd=house.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.removeprefix(f"{revision}:").rpartition(":") for line in done.stdout.splitlines())
    return {name: int(count) for name, _, count in rows}


if __name__ == "__main__":
    main()
