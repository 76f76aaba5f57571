"""EDGE ray: the repositories of a fleet on the workers of Ray Core, one task around our function.

Ray brings what a list of processes has not: machines, and a task that is tried again on another one
where a worker is lost. It knows nothing of repositories and we know nothing of its machines.
Without an address it is started here, without its dashboard and its reports. It listens on the
machine's own address whatever it is told, so only who has a token of this run is answered.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from homespun.cli.errors import Unavailable
from homespun.cli.fleet.attempt import attempted, killed
from homespun.cli.fleet.engines import Tell, by_size
from homespun.cli.fleet.states import FleetJob
from homespun.errors import in_words
from homespun.models.telemetry import keep_ray_silent

_START_SECONDS = "300"  # on a machine that has other work; Ray itself gives up after 30
_CONNECT_SECONDS = 10.0
_STORE_BYTES = 100_000_000  # of objects, at least 75 MB for Ray; ours are a line each


def on_ray(jobs: Sequence[FleetJob], tell: Tell, *, at_once: int, address: str = "") -> None:
    """Do jobs in Ray, at an address or in workers started here. Raises `Unavailable`."""
    with _connected(at_once, address) as ray:
        # A task that ends well is not done again; one whose worker is lost is, as often as a
        # process of ours that is killed.
        task = ray.remote(num_cpus=1, max_retries=max(job.tries for job in jobs) - 1)(attempted)
        pending = {task.remote(job): job for job in by_size(jobs)}
        while pending:
            ready, _ = ray.wait(list(pending), num_returns=1)
            for one in ready:
                job = pending.pop(one)
                try:
                    outcome = ray.get(one)
                except ray.exceptions.RayError as error:
                    said = str(error).strip().partition("\n")[0]
                    outcome = killed(job, f"its worker in Ray was lost: {said}")
                tell(outcome)


@contextmanager
def _connected(at_once: int, address: str) -> Iterator[Any]:
    """Give the library, connected; what was started here ends with the block."""
    _check_listens(address)
    keep_ray_silent()
    if not address:  # read where the library is imported
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
        os.environ.setdefault("RAY_raylet_start_wait_time_s", _START_SECONDS)
    try:
        import ray
    except ImportError as error:
        raise Unavailable(
            "--on ray wants the library Ray, which is not here: `pip install 'homespun[fleet]'`, "
            "or take --on local"
        ) from error
    started: dict[str, Any] = {
        "num_cpus": at_once,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
    }
    # Else an address in the environment would be taken for the one that was given.
    os.environ.pop("RAY_ADDRESS", None)
    try:
        ray.init(
            address or "local",
            log_to_driver=False,
            logging_level="ERROR",
            **({} if address else started),
        )
    except Exception as error:  # also of no type of its own, where it does not start in time
        raise _no_answer(address or "this machine", error) from error
    with redirect_stdout(sys.stderr):  # it prints which workers were lost; stdout is our JSON's
        try:
            yield ray
        finally:
            ray.shutdown()


def _check_listens(address: str) -> None:
    """Raise `Unavailable` where nothing is at HOST:PORT: Ray itself tries that for minutes."""
    host, _, port = address.rpartition(":")
    if "/" in address or not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(address, error) from error


def _no_answer(place: str, error: Exception) -> Unavailable:
    said = in_words(error).strip().partition("\n")[0][:300]
    return Unavailable(f"Ray at {place!r} does not answer: {said}")
