"""Builds hostile folders and opens each through every door; prints a line a folder.

python tests/attack/attack.py [--only WORDS] [--doors cli,server,agent,train] [--quick]

A folder is held where nothing of it ran, nothing outside was written or shown, nothing that a
stranger planted was shown, no door ended in a stack trace and none hung. Exit status 1 where any
was not.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.attack import agent_files  # noqa: F401 - puts its folders on the list
from tests.attack.borrowed import borrow
from tests.attack.doors import Doors, environment
from tests.attack.folders import ATTACKS, Builder, innocent
from tests.attack.ground import Ground
from tests.attack.parts import house, tiny_model

# Door -> what it says of an innocent folder, which shows that it was really open.
PROOFS = {
    "cli": "helper.py",
    "server": "helper.py",
    "agent": "helper.py",
    "train": '"adapter"',
}


def main() -> int:
    """Attack, print, return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORDS", help="attacks whose name has these")
    parser.add_argument("--doors", default=",".join(PROOFS), help=f"of {','.join(PROOFS)}")
    parser.add_argument(
        "--quick", action="store_true", help="a training reads the folder, too small to learn from"
    )
    args = parser.parse_args()
    borrow()
    wanted = {name: build for name, build in ATTACKS.items() if args.only in name}
    broken = 0
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        model = tiny_model(base / "model")
        home = base / "home"
        home.mkdir()
        doors = Doors(environment(home, model), model)
        os.environ["HOMESPUN_HOME"] = doors.environment["HOMESPUN_HOME"]  # the victim's own key
        learned = house(base / "house") if "train" in args.doors and not args.quick else None
        for number, (name, build) in enumerate(wanted.items()):
            broken += _try(name, build, base / f"{number}", doors, args.doors.split(","), learned)
    print(f"{len(wanted)} folders, {len(wanted) - broken} held, {broken} broke")
    return 1 if broken else 0


def _try(
    name: str, build: Builder, base: Path, doors: Doors, wanted: list[str], learned: Path | None
) -> bool:
    """Open one hostile folder through each door, every time made anew."""
    began = time.monotonic()
    harms = []
    for door in wanted:
        ground = Ground.at(base / door, like=learned if door == "train" else None)
        ground = replace(ground, folder=build(ground) or ground.folder)
        before = ground.snapshot()
        found = getattr(doors, door)(ground)
        if traces := ground.traces():
            found.harms.append(f"programs of the folder ran: {', '.join(traces)}")
        if ground.snapshot() != before:
            found.harms.append("something outside of the folder was changed")
        is_large = door != "train" or learned is not None
        if build is innocent and is_large and PROOFS[door] not in found.said:
            found.harms.append("it does not even work on an innocent folder")
        harms += [f"{door}: {harm}" for harm in found.harms]
    print(
        f"{'BROKE' if harms else 'held '}  {name}  ({time.monotonic() - began:.0f} s)", flush=True
    )
    for harm in harms:
        print(f"         {harm}", flush=True)
    return bool(harms)


if __name__ == "__main__":
    sys.exit(main())
