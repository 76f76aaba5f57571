"""torchrun for real: two processes, and two nodes that meet on loopback, learn what one learns.

    python -m tests.e2e.scale.torchrun

`homespun train --json` in each; only the first process of all prints, and all end with status 0.
A run that one process stopped behind its learning is gone on with. `bench/scale/train.py` starts
them; it takes some minutes on two cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench.scale.train import compared, runs


def main() -> int:
    """Print what was found; 1 where something is not as it is with one process."""
    faults = []
    with tempfile.TemporaryDirectory(prefix="homespun-e2e-") as place:
        done = runs(Path(place), None, 8, with_nodes=True)
        report = compared(done)
        for each in done:
            said = [json.loads(text) for text in each.outputs if text.strip()]
            if [row["stopped_after"] for row in said] != ["learning"]:
                faults.append(f"{each.way}: {len(said)} of its commands printed a result")
    if not report["is_same"]:
        faults.append("losses or checks differ")
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    for fault in faults:
        sys.stderr.write(f"wrong: {fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
