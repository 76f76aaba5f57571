"""Processes that begin where the heavy libraries are imported: forked from one that did only that.

Each is a process of its own that can be killed, as good as one that has begun anew: the process it
is forked from has imported and run nothing, and has a single thread. It takes none of homespun,
whose database starts a thread when it is imported. Where that is not safe each begins anew.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import sys
from functools import partial
from pathlib import Path

METHOD = "forkserver" if sys.platform == "linux" else "spawn"
_LIBRARIES = (
    "accelerate",
    "jinja2",
    "numpy",
    "peft",
    "safetensors.torch",
    "torch.distributed.elastic.multiprocessing",
    "transformers.models.qwen2.modeling_qwen2",
)


def method():
    """Return how multiprocessing starts such processes; the first of them does the imports."""
    if METHOD == "forkserver":
        multiprocessing.get_context(METHOD).set_forkserver_preload(list(_LIBRARIES))
    return METHOD


def started(work, *arguments, environment):
    """Return a running process that does `work`, which can be pickled."""
    context = multiprocessing.get_context(method())
    process = context.Process(target=_in_environment, args=(environment, work, arguments))
    process.start()
    return process


def instead_of_spawned(monkeypatch):
    """Have processes that learn together begin warm where the product starts them anew."""
    from torch.multiprocessing import start_processes

    module = importlib.import_module("torch.multiprocessing.spawn")  # a function has that name
    monkeypatch.setattr(module, "spawn", partial(start_processes, start_method=method()))


def by_torchrun(work, *arguments, logs):
    """Do `work` in two processes that torchrun's agent starts; return rank -> what it returned.

    What they print goes to files below `logs`. Raises `ChildFailedError` of torch.
    """
    from torch.distributed.launcher.api import elastic_launch
    from torch.distributed.run import config_from_args, parse_args

    asked = ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--nproc-per-node=2"]
    config, *_ = config_from_args(
        parse_args([*asked, "--redirects=3", f"--log-dir={logs}", "no script"])
    )
    config.start_method = method()
    taken = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    handlers = {number: signal.getsignal(number) for number in taken}
    try:
        return elastic_launch(config, work)(*arguments)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def threads_of_parent():
    """Return how many threads the process has that this one was forked from."""
    return len(list(Path(f"/proc/{os.getppid()}/task").iterdir()))


def _in_environment(environment, work, arguments):
    os.environ.update(environment)
    work(*arguments)
