"""`--on ray=ADDRESS`: a cluster of Ray that somebody else has started; here one on this machine.

Its workers have the environment that it was started with, the store's keys among it; the driver
has the token alone.
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.scale.steps.shared import Steps, homespun, is_sentence
from tests.e2e.scale.store import SeaweedStore, offered

_PATIENCE_SECONDS = 300.0


def on_a_cluster(
    steps: Steps,
    store: SeaweedStore,
    words: Callable[[str, Sequence[str]], list[str]],
    truth: Mapping[str, tuple],
) -> None:
    """Do the fleet on the cluster, compare, and ask for one that is not there."""
    root = f"{store.root}/cluster"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**store.environment(), **token}
    port = _free_port()
    asked = [*words(root, ("--on", f"ray=127.0.0.1:{port}")), "--json", "--again"]
    with _cluster(port, environment):
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
    gone = homespun(asked, environment)
    steps.check(is_sentence(gone, "Ray at"), "ray=ADDRESS: none there is a sentence", gone.stderr)


@contextmanager
def _cluster(port: int, environment: Mapping[str, str]) -> Iterator[None]:
    program = Path(sys.executable).with_name("ray")
    command = [str(program), "start", "--head", "--block", f"--port={port}", "--num-cpus=2"]
    command += ["--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    command += ["--disable-usage-stats", "--object-store-memory=100000000"]
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "Ray did not start"
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError("Ray does not listen")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
