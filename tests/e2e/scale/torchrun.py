"""torchrun for real: two processes, and two nodes that meet on loopback, learn what one learns.

    python -m tests.e2e.scale.torchrun

Losses and adapters are compared (`bench/scale/train.py`), and `homespun train --json` is started in
each way: only the first process of all prints, and all end with its status, whatever that is.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from bench.scale.train import compared, runs, started, ways_of


def main() -> int:
    """Print what was found; 1 where something is not as it is with one process."""
    with tempfile.TemporaryDirectory(prefix="homespun-e2e-") as place:
        faults = list(_of_the_command(Path(place)))
        (Path(place) / "learned").mkdir()
        report = compared(runs(Path(place) / "learned", None, 6, with_nodes=True))
    if not report["is_same"]:
        faults.append("losses or checks differ")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    for fault in faults:
        sys.stderr.write(f"wrong: {fault}\n")
    return 1 if faults else 0


def _of_the_command(place: Path):
    """Yield what is wrong with what `homespun train` prints, and with how it ends."""
    from tests.support import small_house
    from tests.support.scratch import Scratch
    from tests.support.tiny import save_roomy_qwen2

    model = str(save_roomy_qwen2(place / "tiny"))
    house = small_house.build(Scratch(place / "house" / "shop")).folder
    verb = ("-m", "homespun.cli", "train", ".", "--model", model, "--examples", "220", "--json")
    wanted = {"stops": ("--stop-after", "conventions"), "fails": ("--until", "nowhere")}
    for name, more in wanted.items():
        for number, (way, commands) in enumerate(ways_of((*verb, *more)).items()):
            folder = place / f"{name}-{number}" / "shop"
            shutil.copytree(house, folder)
            outputs, statuses = started(commands, folder, place / "home")
            said = [json.loads(text) for text in outputs if text.strip()]
            is_stopped = [row["stopped_after"] for row in said] == ["conventions"]
            if name == "stops" and (any(statuses) or not is_stopped):
                yield f"{way}: {statuses}, {len(said)} results where one is wanted"
            if name == "fails" and (not all(statuses) or said):
                yield f"{way}: a failure ended with {statuses} and {len(said)} results"


if __name__ == "__main__":
    sys.exit(main())
