"""The tests of the models on processors that this machine does not have, emulated by qemu-user.

python -m tests.processors.run [--only NAMES] [--tests PATHS]      (make test-processors)

Each processor is first asked what it has and which width of int8 weights homespun takes there.
Exit status 1 where a test failed on one, or one that was asked for could not be emulated.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tests.processors.processors import (
    PROCESSORS,
    NotRunnable,
    Processor,
    emulated_python,
    what_it_says,
)

ROOT = Path(__file__).resolve().parents[2]
# Where arithmetic happens: products of int8, decoding, healing, slots, drafts, conversion.
TESTS = (
    "convert/test_onnx_writer.py",
    "engine/test_output_head.py",
    "convert/test_smoothquant.py",
    "convert/test_convert.py",
    "engine/test_decoder.py",
    "engine/test_engine.py",
)
# An hour where each instruction costs ten; it asks for memory, which no instruction set changes.
TOO_LONG = "not test_ten_thousand_mixed_requests_take_no_more_memory"


def main() -> int:
    """Run, print, return the exit status."""
    names = ",".join(it.name for it in PROCESSORS)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=names, metavar="NAMES", help=f"of {names}")
    parser.add_argument("--tests", nargs="+", type=Path, metavar="PATHS", help="other tests")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".processors", help="where Pythons are put together"
    )
    args = parser.parse_args()
    wanted = args.only.split(",")
    unknown = sorted(set(wanted) - set(names.split(",")))
    if unknown:
        parser.error(f"unknown processor {unknown[0]!r}; there are {names.replace(',', ', ')}")
    tests = args.tests or [ROOT / "tests" / "models" / name for name in TESTS]
    verdicts = {
        it.name: _run(it, tests, args.folder.resolve()) for it in PROCESSORS if it.name in wanted
    }
    print()
    for name, (is_good, sentence) in verdicts.items():
        print(f"{'passed' if is_good else 'FAILED'}  {name}: {sentence}")
    return 0 if all(is_good for is_good, _ in verdicts.values()) else 1


def _run(processor: Processor, tests: list[Path], folder: Path) -> tuple[bool, str]:
    """Return whether all passed, and a sentence."""
    print(f"\n== {processor.name}: {processor.stands_for}", flush=True)
    started = time.monotonic()
    try:
        python = emulated_python(processor, folder)
        _print_what_it_says(processor, what_it_says(python))
        is_good, sentence = _test(python, tests)
    except NotRunnable as error:
        return False, f"not run: {error}"
    return is_good, f"{sentence}, {time.monotonic() - started:.0f} s"


def _print_what_it_says(processor: Processor, said: dict) -> None:
    flags = said["flags"]
    has = [name for name, is_there in flags.items() if is_there]
    misses = [name for name, is_there in flags.items() if not is_there]
    print(
        f"   {processor.emulator} -cpu {processor.cpu}; {said['machine']}, Python", said["python"]
    )
    print(f"   it has {', '.join(has)}; it has no {', '.join(misses) or 'lack'}")
    print(f"   numpy {said['numpy']} multiplies with OpenBLAS' kernel for {said['openblas']}")
    sums, bits = ("are exact", 8) if said["exact"] else ("saturate", 7)
    print(f"   ONNX Runtime's sums of u8 x s8 {sums}: weights in {bits} bits", flush=True)


def _test(python: Path, tests: list[Path]) -> tuple[bool, str]:
    """Run pytest there; its own lines go to standard output."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        options = ["-q", "-rs", "-p", "no:cacheprovider", "-m", "not model", "-k", TOO_LONG]
        options += ["-o", "timeout=0", "--junitxml", str(report)]  # slow is no fault here
        command = [str(python), "-P", "-m", "pytest", *options, *map(str, tests)]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        if not report.exists():
            return False, f"pytest did not come to its end: {_ending(status)}"
        (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    total, failed, errors, skipped = (
        int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
    )
    passed = total - failed - errors - skipped
    sentence = f"{passed} passed, {failed + errors} failed, {skipped} skipped"
    return status == 0 and passed > 0, sentence + ("" if status == 0 else f" ({_ending(status)})")


def _ending(status: int) -> str:
    """Name an exit status; a shell, and so qemu's wrapper, adds 128 to a signal's number."""
    number = -status if status < 0 else status - 128
    if number in set(signal.Signals):
        return f"ended by {signal.Signals(number).name}"
    return f"exit status {status}"


if __name__ == "__main__":
    sys.exit(main())
