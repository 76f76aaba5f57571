"""The engine's benchmark: speed, typing and quality, then the tables and the plot.

    python -m bench.engine.run [--quick] [--model NAME] [--fim FILE.jsonl.gz] [--parts speed ...]

What `make bench-engine` runs. Each part is a program of its own and can be run alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

PARTS = {
    "speed": "bench.engine.speed",
    "typing": "bench.typing.replay",
    "quality": "bench.engine.quality",
}


def main() -> int:
    """Run the parts in turn; a part that fails is named and does not stop the others."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--quick", action="store_true", help="minutes; not for figures")
    parser.add_argument("--fim", help="HumanEval-SingleLineInfilling.jsonl.gz, for exact match")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    args = parser.parse_args()
    failed = []
    for part in args.parts:
        flags = ["--model", args.model, *(["--quick"] if args.quick else [])]
        if part == "quality" and args.fim:
            flags += ["--fim", args.fim]
        if _run(PARTS[part], *flags):
            failed.append(part)
    if not args.quick and _run("bench.engine.report"):
        failed.append("report")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(program: str, *flags: str) -> int:
    return subprocess.run([sys.executable, "-m", program, *flags], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
