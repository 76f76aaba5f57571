"""Measures the fleet: twelve packages by one process, by two, and by Ray's workers.

    python -m bench.scale.fleet

Each arm begins without an index and without packs, and what it offers is compared byte by byte with
what one process offers. Ratios are to one process in the same run; the machine's load stands beside
them. An arm that cannot run (no Ray) is a row that says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.common.provenance import machine
from bench.scale.packages import COUNT, repositories, twelve, write_list

_RESULT = Path(__file__).parents[1] / "results" / "scale-fleet.json"
_ARMS = {
    "one process": ("--on", "local", "--jobs", "1"),
    "local, 2 jobs": ("--on", "local", "--jobs", "2"),
    "Ray, 2 workers": ("--on", "ray", "--jobs", "2"),
}
_ARM_SECONDS = 140.0  # so that all arms stay below seven minutes, whatever hangs


def main() -> int:
    """Measure, print the table, write the JSON; 1 where an arm offers other rows."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale.fleet")
    parser.add_argument("--packages", type=int, default=COUNT)
    parser.add_argument("--folder", type=Path, default=Path("build/scale"))
    args = parser.parse_args()
    folder = args.folder.absolute()
    found = repositories(folder / "sources", twelve()[: args.packages])
    path = write_list(folder / "repos.txt", found)
    rows = [_arm(name, words, folder, path, list(found.values())) for name, words in _ARMS.items()]
    first = rows[0].pop("offered")
    for row in rows[1:]:
        row["equal"] = row.pop("offered") == first
        row["ratio"] = round(row["seconds"] / rows[0]["seconds"], 2)
    print(table(rows))
    body = {"packages": args.packages, "arms": rows, "machine": machine()}
    _RESULT.write_text(json.dumps(body, indent=1, default=str) + "\n", encoding="utf-8")
    return 0 if all(row.get("equal", True) or row["status"] != 0 for row in rows) else 1


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown, for bench/README.md between its markers."""
    lines = ["| arm | wall s | to one process | packs equal | load |", "|---|--:|--:|---|--:|"]
    for row in rows:
        ratio, equal = row.get("ratio", 1.0), {True: "yes", False: "**no**"}[row.get("equal", True)]
        told = (f"{row['seconds']:.1f}", f"{ratio:.2f}", equal)
        if row["status"] != 0:
            told = (f"did not end well ({row['why']})", "–", "–")
        lines.append(f"| {row['arm']} | {' | '.join(told)} | {row['load']:.1f} |")
    return "\n".join(lines)


def _arm(
    name: str, words: tuple[str, ...], folder: Path, path: Path, sources: list[Path]
) -> dict[str, Any]:
    for source in sources:
        shutil.rmtree(source / ".homespun", ignore_errors=True)
    place, work = folder / "place", folder / "work"
    for made in (place, work):
        shutil.rmtree(made, ignore_errors=True)
    place.mkdir(parents=True)
    command = [sys.executable, "-P", "-m", "homespun.cli", "fleet", "index", str(path)]
    command += ["--publish", str(place), "--encoder", "none", "--work", str(work), *words]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_ARM_SECONDS, check=False
        )
        status, why = done.returncode, (done.stderr.strip().splitlines() or [""])[-1][:120]
    except subprocess.TimeoutExpired:
        status, why = -1, f"longer than {_ARM_SECONDS:.0f} s"
    return {
        "arm": name,
        "seconds": round(time.monotonic() - began, 1),
        "status": status,
        "why": "" if status == 0 else why,
        "load": round(os.getloadavg()[0], 1),
        "offered": offered(place),
    }


def offered(place: Path) -> dict[str, tuple[str, str]]:
    """Return what is offered at a folder: name -> commit and hash of the pack."""
    bodies = [json.loads(one.read_text(encoding="utf-8")) for one in place.rglob("current")]
    return {body["repo"]: (body["revision"], body["pack"]) for body in bodies}


if __name__ == "__main__":
    sys.exit(main())
