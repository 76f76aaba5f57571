"""`make e2e-scale`: a fleet over real packages against a real store, killed at several points.

A store that is not as it should be, and two who publish at once, are in `steps/`.

Each step says what it wants and whether it was so. What a single process offers in a folder is the
truth; a pack is named by its bytes, so equal names are equal rows.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.scale.packages import COUNT, repositories, twelve, write_list
from tests.e2e.scale.proxy import StoreProxy, proxied
from tests.e2e.scale.steps.bad_packs import bad_packs
from tests.e2e.scale.steps.conditions import without_conditions
from tests.e2e.scale.steps.full import full_store
from tests.e2e.scale.steps.killed_workers import WORKERS, WorkersToKill
from tests.e2e.scale.steps.ray_cluster import on_a_cluster
from tests.e2e.scale.steps.shared import Steps, Team, command, homespun, last_line
from tests.e2e.scale.steps.slow import slow_and_away
from tests.e2e.scale.steps.two_publishers import two_publishers
from tests.e2e.scale.store import SeaweedStore, offered, seaweed

ROOT = Path(__file__).resolve().parents[3]
_KILLS = (3.0, 8.0, 15.0)  # seconds after which the driver of a run is killed


def main(arguments: Sequence[str] | None = None) -> int:
    """Go through the steps; 1 where one was not so."""
    parser = argparse.ArgumentParser(prog="make e2e-scale")
    parser.add_argument("--packages", type=int, default=COUNT)
    parser.add_argument("--on", nargs="+", default=["local", "ray"], choices=("local", "ray"))
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "e2e-scale")
    args = parser.parse_args(arguments)
    run = args.folder.absolute() / time.strftime("%H%M%S")
    run.mkdir(parents=True)
    found = repositories(args.folder.absolute() / "sources", twelve()[: args.packages])
    names = list(found)
    path = write_list(run / "repos.txt", found)
    steps = Steps()
    alone = run / "alone"
    alone.mkdir()
    for name, folder in found.items():
        words = ["index", str(folder), "--encoder=none", f"--publish={alone}", f"--name={name}"]
        homespun(words, os.environ)
    truth = offered(str(alone), names, os.environ)
    steps.check(len(truth) == len(names), f"a single process offers {len(names)} packs")
    with seaweed(run / "store") as store:
        for engine in args.on:
            _killed_and_done(steps, store, engine, path, names, truth)
        for worker in WORKERS:
            if worker.engine in args.on:
                words = partial(_fleet, path, more=("--on", worker.engine, "--jobs", "2"))
                fleet = WorkersToKill(store, worker, words, list(found.values()), truth)
                fleet.killed_and_done(steps)
        if "ray" in args.on:
            on_a_cluster(steps, store, partial(_fleet, path), truth)
        _of_one_repository(steps, store, run)
        _troubles(steps, store, path)
    return 1 if steps.failed else 0


def _killed_and_done(
    steps: Steps,
    store: SeaweedStore,
    engine: str,
    path: Path,
    names: list[str],
    truth: Mapping[str, tuple],
) -> None:
    """Kill the driver of a run three times, let the fourth end, and compare."""
    root = f"{store.root}/{engine}"
    words = _fleet(path, root, ("--on", engine, "--jobs", "2"))
    for seconds in _KILLS:
        process = subprocess.Popen(
            command(words),
            env=store.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
    done = homespun([*words, "--json"], store.environment())
    what = f"{engine}: done after {len(_KILLS)} kills of the driver"
    steps.check(done.returncode == 0, what, last_line(done.stderr))
    same = offered(root, names, store.environment()) == dict(truth)
    steps.check(same, f"{engine}: what is offered equals a single process's")
    again = homespun([*words, "--json"], store.environment())
    counts = json.loads(again.stdout)["counts"] if again.stdout else {}
    holds = counts.get("unchanged") == len(names)
    steps.check(holds, f"{engine}: all unchanged the next time", last_line(again.stderr))


def _of_one_repository(steps: Steps, store: SeaweedStore, run: Path) -> None:
    """Two publishers, and a store that is not as it should be."""
    (run / "teams").mkdir()
    with proxied(StoreProxy(store.port, store.write)) as proxy:
        team = Team(run / "teams", store, proxy, f"{store.root}/one")
        for step in (two_publishers, without_conditions, slow_and_away, full_store, bad_packs):
            step(steps, team)


def _troubles(steps: Steps, store: SeaweedStore, path: Path) -> None:
    """Wrong credentials, and a store that is away: a failing line each, and a sentence."""
    words = [*_fleet(path, store.root, ("--on", "local")), "--json", "--again"]
    done = homespun(words, store.environment(secret="wrong"))
    steps.check(_all_failed(done), "wrong credentials: each repository is a failed line")
    store.stop()
    done = homespun(words, store.environment())
    steps.check(_all_failed(done), "the store away: each repository is a failed line")
    store.start()


def _all_failed(done: subprocess.CompletedProcess[str]) -> bool:
    if done.returncode != 1 or not done.stdout:
        return False
    rows = json.loads(done.stdout)["repositories"]
    return all(row["status"] == "failed" and "does not answer" in row["why"] for row in rows)


def _fleet(path: Path, root: str, more: Sequence[str] = ()) -> list[str]:
    words = ["fleet", "index", str(path), f"--publish={root}", "--encoder=none"]
    return [*words, f"--work={path.parent / 'work'}", *more]


if __name__ == "__main__":
    sys.exit(main())
