"""Feeds damaged input to everything that reads what a stranger may have written.

python tests/fuzz/fuzz.py [TARGET …] [--seconds N]     (make fuzz SECONDS=3600)

A target fails where anything but its own errors is raised, where its process dies, or where one
example has not ended after five minutes: the input is then in the file that the target's first line
names.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import hypothesis

from tests.fuzz.targets import TARGETS

ROUND = 50  # examples, between two looks at the clock
EXAMPLE_SECONDS = 300.0  # of an example: native code may loop for ever, with the lock in its hands


def main() -> int:
    """Run targets one after another; return 1 where one has failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together")
    args = parser.parse_args()
    faulthandler.enable()
    names = args.targets or list(TARGETS)
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            failed += not _fuzz(name, Path(scratch), args.seconds / len(names))
    return 1 if failed else 0


def _fuzz(name: str, scratch: Path, seconds: float) -> bool:
    """Run one target for some seconds; print what came of it."""
    strategy, look = TARGETS[name](scratch)
    kept = Path(tempfile.gettempdir()) / f"homespun-fuzz-{name}"
    end = time.monotonic() + seconds
    examples, seed, slowest = 0, time.time_ns(), 0.0
    print(f"{name}: the input at hand is in {kept}", flush=True)

    def one(data: object) -> None:
        nonlocal examples, slowest
        examples += 1
        kept.write_bytes(data if isinstance(data, bytes) else repr(data).encode())
        began = time.monotonic()
        faulthandler.dump_traceback_later(EXAMPLE_SECONDS, exit=True)
        look(data)
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.monotonic() - began)

    while time.monotonic() < end:
        seed += 1
        try:
            _round(one, strategy, seed)
        except Exception as error:
            faulthandler.cancel_dump_traceback_later()
            print(f"{name}: FAILED after {examples} examples, see {kept}: {error!r}", flush=True)
            raise
    kept.unlink(missing_ok=True)
    print(f"{name}: {examples} examples, the slowest took {slowest:.1f} s", flush=True)
    return True


def _round(
    one: Callable[[object], None],
    strategy: hypothesis.strategies.SearchStrategy[object],
    seed: int,
) -> None:
    test = hypothesis.given(strategy)(one)
    test = hypothesis.seed(seed)(test)
    hypothesis.settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
    )(test)()


if __name__ == "__main__":
    sys.exit(main())
