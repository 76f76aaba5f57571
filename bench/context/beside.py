"""Two runs of the model beside each other, at the cursors that both were asked.

    python -m bench.context.beside bench/results/A.json bench/results/B.json

For each group of cursors and arm: exact rests of lines in A and in B, and B less A with its paired
bootstrap interval; places of one file are drawn together.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.context.cursors import GROUPS
from homespun.stats import paired

_GROUPS = {
    "all": GROUPS,
    "cross": ("first", "again"),
    "first": ("first",),
    "again": ("again",),
    "in-file": ("in-file",),
    "none": ("none",),
}
Answers = Mapping[tuple[str, ...], Mapping[str, Any]]


def main() -> int:
    """Print a table; exit status 1 where no cursor is in both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("before", type=Path, help="result file of bench.context.run")
    parser.add_argument("after", type=Path, help="another one")
    args = parser.parse_args()
    before, after = (_answers(path) for path in (args.before, args.after))
    both = [place for place in before if place in after]
    if not both:
        print("no cursor is in both files: the same packages, --count and --seed", file=sys.stderr)
        return 1
    print(table(before, after, both))
    return 0


def table(before: Answers, after: Answers, both: list[tuple[str, ...]]) -> str:
    """Return the comparison as Markdown."""
    rows = [
        "| cursors | arm | n | before | after | after less before | won | lost |",
        "|---|---|--:|--:|--:|---|--:|--:|",
    ]
    for name, groups in _GROUPS.items():
        for arm in dict.fromkeys(place[-1] for place in both):
            at = [p for p in both if p[-1] == arm and before[p]["group"] in groups]
            if not at:
                continue
            exact = [[bool(answers[p]["exact"]) for p in at] for answers in (before, after)]
            found = paired(exact[1], exact[0], [p[1] for p in at])
            gain, apart = found.difference, found.discordance
            assert apart is not None  # right or wrong
            rows.append(
                f"| {name} | {arm} | {found.n} | {found.second:.3f} | {found.first:.3f} | "
                f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}] | "
                f"{apart.wins} | {apart.losses} |"
            )
    return "\n".join(rows)


def _answers(path: Path) -> Answers:
    """Return a run's answers by package, path, place, state and arm."""
    names = ("package", "path", "line", "column", "state", "arm")
    body = json.loads(path.read_text(encoding="utf-8"))
    return {tuple(str(row[name]) for name in names): row for row in body["answers"]}


if __name__ == "__main__":
    sys.exit(main())
