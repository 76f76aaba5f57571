"""The flags that the actions of `homespun fleet` share, and what they come to."""

from __future__ import annotations

import argparse
import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least

if TYPE_CHECKING:
    from homespun.cli.fleet.engines import FleetEngine
    from homespun.cli.fleet.report import FleetReport
    from homespun.cli.fleet.run import FleetPlan
    from homespun.cli.fleet.states import Action


def add_arguments(parser: argparse.ArgumentParser, *, jobs: int, minutes: float) -> None:
    """Declare the flags; `jobs` and `minutes` are the defaults of --jobs and --timeout."""
    parser.add_argument(
        "list", metavar="REPOS.txt", help="a line a repository: NAME PATH-or-URL [REVISION]"
    )
    parser.add_argument(
        "--on",
        default="local",
        metavar="ENGINE",
        help="local (processes here, default), ray (workers started here) or ray=ADDRESS",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=jobs,
        metavar="N",
        help=f"at once, here (default: {jobs})",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="only the Ith of N parts of the list; env reads the number that Slurm, Kubernetes "
        "(env/N) or GitLab gives",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=minutes,
        metavar="MINUTES",
        help=f"for one repository (default: {minutes:g})",
    )
    parser.add_argument(
        "--tries",
        type=int,
        default=2,
        metavar="N",
        help="where the process of a repository is killed (default: 2)",
    )
    parser.add_argument("--again", action="store_true", help="also what has not changed")
    parser.add_argument(
        "--work", metavar="DIR", help="for clones (default: below homespun's own state)"
    )
    parser.add_argument(
        "--report", metavar="DIR", help="for the page and the outcomes (default: below --work)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")


def plan_of(
    args: argparse.Namespace,
    action: Action,
    *,
    publish: str = "",
    what: str = "definitions",
    arguments: tuple[str, ...] = (),
) -> FleetPlan:
    """Return what the flags ask for. Raises `UsageError`."""
    from homespun.cli.fleet.run import FleetPlan
    from homespun.cli.fleet.shards import shard_of
    from homespun.paths import state_home

    check_least("--jobs", args.jobs, 1)
    check_least("--tries", args.tries, 1)
    if not args.timeout > 0:
        raise UsageError(f"--timeout is {args.timeout:g}; give minutes above 0")
    work = Path(args.work) if args.work else state_home() / "fleet"
    report = Path(args.report) if args.report else work / "report" / action
    return FleetPlan(
        action,
        work.absolute(),
        report.absolute(),
        shard=shard_of(args.shard, os.environ),
        publish=publish,
        what=what,
        arguments=arguments,
        timeout_seconds=args.timeout * 60,
        tries=args.tries,
        again=args.again,
    )


def engine_of(args: argparse.Namespace) -> FleetEngine:
    """Return what `--on` names. Raises `UsageError`."""
    name, _, address = args.on.partition("=")
    if name == "local" and not address:
        from homespun.cli.fleet.engines import on_local

        return functools.partial(on_local, at_once=args.jobs)
    if name == "ray" and (address or "=" not in args.on):
        from homespun.cli.fleet.ray_engine import on_ray

        return functools.partial(on_ray, at_once=args.jobs, address=address)
    raise UsageError(f"--on {args.on!r} is unknown; choose local, ray or ray=ADDRESS")


def carry_out(args: argparse.Namespace, plan: FleetPlan) -> int:
    """Do it for every repository of the list; return the exit status."""
    from homespun.cli.fleet.repositories import read_list
    from homespun.cli.fleet.run import run_fleet
    from homespun.cli.progress import RichProgress

    engine = engine_of(args)
    repositories = read_list(Path(args.list))
    with RichProgress(quiet=args.json) as progress:
        report = run_fleet(plan, repositories, engine, progress)
    show(report, plan.report, as_json=args.json)
    return 0 if report.is_well else 1


def show(report: FleetReport, folder: Path | None, *, as_json: bool) -> None:
    """Print a report, and where its page is."""
    from homespun.cli.fleet.report import PAGE, lines

    if as_json:
        print(json.dumps(report.to_json(), indent=1))
        return
    print("\n".join(lines(report)))
    if folder is not None:
        print(f"report: {folder / PAGE}")
