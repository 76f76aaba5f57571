"""`--on ray=ADDRESS`: a cluster of Ray that somebody else has started; here one on this machine.

Its workers have the environment that it was started with, the store's keys among it; the driver
has the token alone.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.scale.steps.killed_workers import running
from tests.e2e.scale.steps.shared import Steps, command, homespun, is_sentence
from tests.e2e.scale.store import SeaweedStore, offered
from tests.support.processes import free_port, wait_until_it_listens

_PATIENCE_SECONDS = 300.0


def on_a_cluster(
    steps: Steps,
    store: SeaweedStore,
    words: Callable[[str, Sequence[str]], list[str]],
    truth: Mapping[str, tuple],
) -> None:
    """Do the fleet on the cluster and compare; then with another token, lost midway, and gone."""
    root = f"{store.root}/cluster"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**store.environment(), **token}
    port = free_port()
    asked = [*words(root, ("--on", f"ray=127.0.0.1:{port}")), "--json", "--again"]
    with _cluster(port, environment) as cluster:
        done = homespun(asked, environment)
        same = offered(root, list(truth), environment) == dict(truth)
        steps.check(
            done.returncode == 0 and same,
            "ray=ADDRESS: what is offered equals a single process's",
            done.stderr[-500:],
        )
        stranger = homespun(asked, {**environment, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
        steps.check(
            is_sentence(stranger, "Ray at"),
            "ray=ADDRESS: another token is refused",
            stranger.stderr,
        )
        _lost_midway(steps, cluster, asked, environment)
    gone = homespun(asked, environment)
    steps.check(is_sentence(gone, "Ray at"), "ray=ADDRESS: none there is a sentence", gone.stderr)


def _lost_midway(
    steps: Steps, cluster: int, asked: Sequence[str], environment: Mapping[str, str]
) -> None:
    """Kill the cluster while it works: Ray ends the driver by itself, a minute later."""
    driver = subprocess.Popen(
        command(asked),
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    while driver.poll() is None and not running(cluster, b"ray::attempted"):
        time.sleep(0.02)
    is_under_way = driver.poll() is None
    for process in (*running(cluster, b"gcs_server"), *running(cluster, b"raylet")):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    printed, _ = driver.communicate(timeout=_PATIENCE_SECONDS)
    holds = is_under_way and driver.returncode != 0 and not printed
    steps.check(holds, "ray=ADDRESS: killed while it works, the driver ends", driver.returncode)


@contextmanager
def _cluster(port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """Start one; yields the process that all of its own are below."""
    program = Path(sys.executable).with_name("ray")
    words = [str(program), "start", "--head", "--block", f"--port={port}", "--num-cpus=2"]
    words += ["--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    words += ["--disable-usage-stats", "--object-store-memory=100000000"]
    process = subprocess.Popen(
        words, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_it_listens(port, process, name="Ray", patience_seconds=_PATIENCE_SECONDS)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
