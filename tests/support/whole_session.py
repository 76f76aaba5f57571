"""A day with homespun in a minute, by its commands: index, search, complete, serve, train.

    python whole_session.py WORKSPACE MODEL

The server goes on for as long as the rest takes: what a library sends late, it sends then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.support import rpc, train_small

HOMESPUN = [sys.executable, "-P", "-m", "homespun.cli"]
LATE_SECONDS = 20  # ONNX Runtime first sends some 9 s after its import
FILE = "shop/part_00.py"


def homespun(*arguments, expected=0, **environment):
    done = subprocess.run(
        [*HOMESPUN, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def opened_server(workspace, model):
    client = rpc.Client([*HOMESPUN, "serve", "--stdio", "--model", str(model)])
    client.initialize(rootUri=workspace.as_uri())
    client.wait_until_ready()
    path = workspace / FILE
    client.open(path.as_uri(), path.read_text())
    return client


def train(workspace, model):
    script = train_small.__file__
    command = [sys.executable, "-P", str(script), str(workspace), str(model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def main():
    workspace, model = Path(sys.argv[1]), Path(sys.argv[2])
    started = time.monotonic()
    homespun("index", str(workspace))
    homespun("search", "where is the price checked", "--path", str(workspace))
    homespun("complete", f"{workspace / FILE}:8:1", "--model", str(model))
    homespun("doctor", str(workspace), "--measure", HOMESPUN_COMPLETION_MODEL=str(model))
    client = opened_server(workspace, model)
    uri = (workspace / FILE).as_uri()
    client.complete(uri, line=10, kind=1)
    train(workspace, model)
    homespun("models", "list")
    said = homespun("models", "fetch", expected=1, HOMESPUN_OFFLINE="1")
    assert "no connection was opened" in said, said
    time.sleep(max(0.0, started + LATE_SECONDS - time.monotonic()))
    client.complete(uri, line=11, kind=1)
    assert client.stop() == 0, client.log()


if __name__ == "__main__":
    main()
