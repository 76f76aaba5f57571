"""`homespun doctor`: look at everything that completes here, and say what mends what is wrong."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from homespun.cli.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "dir",
        nargs="?",
        metavar="DIR",
        help="folder (default: the nearest one with an index, else the repository)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="write what was found for a bug report: no source text, secret, name or host in it",
    )
    parser.add_argument(
        "--thorough", action="store_true", help="hash model files and all adapters, too"
    )
    parser.add_argument(
        "--measure", action="store_true", help="time a search, a key and a save; loads the model"
    )


def run(args: argparse.Namespace) -> int:
    """Examine and print; 1 where something is broken."""
    from homespun.cli.doctor.bundle import write_bundle
    from homespun.cli.doctor.checks.finding import Patient
    from homespun.cli.doctor.checkup import examine, named_checks
    from homespun.cli.doctor.terminal import print_checkup
    from homespun.indexer.roots import workspace_of

    folder = Path(args.dir).absolute() if args.dir else workspace_of(Path.cwd() / "x")
    patient = Patient(folder, thorough=args.thorough)
    checkup = examine(patient, named_checks(measure=args.measure), debug=args.debug)
    if args.bundle is not None:
        write_bundle(checkup, args.bundle)
        say(f"{str(args.bundle)!r} holds what follows; read it before you send it")
    if args.json:
        print(json.dumps(checkup.to_json(), indent=1))
    else:
        print_checkup(checkup)
    return 1 if checkup.grade == "broken" else 0
