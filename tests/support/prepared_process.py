"""A script or code of the tests in a process that has imported already what such scripts import.

The imports of a server take a second of processor time, and two hundred tests start one. So one
process beside each process of tests imports them once, and a start is a copy of it, with arguments,
environment, folder and streams of its own. For a test of what a server says and does; one of how a
process begins or ends (its command line, imports, signals) starts a real one.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from multiprocessing import forkserver, reduction
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "tests.support.prepared_process",
    "tests.support.fake_server",  # leaves out the REST client, so it comes before LanceDB
    "tests.support.fake_openai",
    "homespun.indexer.index",
    "homespun.indexer.storage.lance",
)
# A copy of LanceDB is in doubt if the original was working; ours has never opened anything.
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),  # Python 3.11 does not tell it our path
    "PYTHONWARNINGS": "ignore:lancedb fork support:RuntimeWarning",
}


def start(script: Path | str, *arguments: str, env=None, text=False):
    """Start a script, or code, with pipes; return what is like a `subprocess.Popen`, or is one."""
    if sys.platform == "linux":
        return PreparedProcess(script, arguments, env=os.environ if env is None else env, text=text)
    program = [str(script)] if isinstance(script, Path) else ["-c", script]
    command = [sys.executable, "-P", *program, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, text=text)


class PreparedProcess:
    """What tests use of `subprocess.Popen`, for a copy of the process that has imported."""

    def __init__(self, script, arguments, *, env, text):
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_err, theirs_err = os.pipe()
        theirs = (theirs_in, theirs_out, theirs_err)
        given = (script, arguments, dict(env), os.getcwd(), _Streams(theirs))
        self._process = _preparing().Process(target=_run, args=given, daemon=True)
        self._process.start()
        for descriptor in theirs:
            os.close(descriptor)
        kind = "" if text else "b"
        self.stdin = os.fdopen(ours_in, f"w{kind}")
        self.stdout = os.fdopen(ours_out, f"r{kind}")
        self.stderr = os.fdopen(ours_err, f"r{kind}")
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()
        self.wait()

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


class _Streams:
    """Descriptors that go with a process when it is started."""

    def __init__(self, descriptors):
        self.descriptors = descriptors

    def __getstate__(self):
        return [reduction.DupFd(descriptor) for descriptor in self.descriptors]

    def __setstate__(self, state):
        self.descriptors = [duplicate.detach() for duplicate in state]


@functools.cache
def _preparing():
    forkserver.set_forkserver_preload(list(IMPORTED))
    with mock.patch.dict(os.environ, ENVIRONMENT):
        forkserver.ensure_running()
    return multiprocessing.get_context("forkserver")


def _run(script, arguments, environment, folder, streams):
    """Be the script, in the copy."""
    for number, descriptor in enumerate(streams.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the process's own, to its end
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if isinstance(script, Path):
        sys.argv = [str(script), *arguments]
        runpy.run_path(str(script), run_name="__main__")
    else:
        sys.argv = ["-c", *arguments]
        exec(compile(script, "<string>", "exec"), {"__name__": "__main__"})
