"""Processes that begin where the heavy libraries are imported: forked from one that did only that.

Each is a process of its own that can be killed, as good as one that has begun anew: the process it
is forked from has imported and run nothing, and has a single thread. It takes none of homespun,
whose database starts a thread when it is imported. Where that is not safe each begins anew.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
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


def threads_of_parent():
    """Return how many threads the process has that this one was forked from."""
    return len(list(Path(f"/proc/{os.getppid()}/task").iterdir()))


def _in_environment(environment, work, arguments):
    os.environ.update(environment)
    work(*arguments)
