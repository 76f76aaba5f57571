"""A script or code of the tests in a process that has imported already what such programs import.

The imports of a server take a second of processor time, and two hundred tests start one. So one
process beside each process of tests imports them once, and a start is a copy of it, with arguments,
environment, folder and streams of its own. For a test of what a server says and does; one of how a
process begins or ends (its command line, imports, signals) starts a real one.

Not by multiprocessing: its one such process is that of `warm_start`, which takes none of homespun.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "tests.support.fake_server",  # leaves out the REST client, so it comes before LanceDB
    "tests.support.fake_openai",
    "homespun.indexer.index",
    "homespun.indexer.storage.lance",
)
# A copy of LanceDB is in doubt if the original was working; ours has never opened anything.
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "PYTHONWARNINGS": "ignore:lancedb fork support:RuntimeWarning",
}
MAX_BYTES = 1 << 20  # of arguments, environment and code


def start(program: Path | str, *arguments: str, env=None, text=False):
    """Start a script, or code, with pipes; return what is like a `subprocess.Popen`, or is one."""
    environment = dict(os.environ if env is None else env)
    if sys.platform == "linux":
        return PreparedProcess(program, arguments, environment, text=text)
    words = [str(program)] if isinstance(program, Path) else ["-c", program]
    command = [sys.executable, "-P", *words, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=text
    )


class PreparedProcess:
    """What tests use of `subprocess.Popen`, for a copy of the process that has imported."""

    def __init__(self, program, arguments, environment, *, text):
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_err, theirs_err = os.pipe()
        ours_told, theirs_told = os.pipe()
        theirs = [theirs_in, theirs_out, theirs_err, theirs_told]
        is_script = isinstance(program, Path)
        asked = [is_script, str(program), arguments, environment, os.getcwd()]
        socket.send_fds(_original(), [json.dumps(asked).encode()], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        kind = "" if text else "b"
        self.stdin = os.fdopen(ours_in, f"w{kind}")
        self.stdout = os.fdopen(ours_out, f"r{kind}")
        self.stderr = os.fdopen(ours_err, f"r{kind}")
        self.returncode = None
        with os.fdopen(os.dup(ours_told), "rb", buffering=0) as told:
            self.pid = int(told.readline())
        self._told = ours_told

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()
        self.wait()

    def poll(self):
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._hear()
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            self._hear()
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def _hear(self):
        with os.fdopen(self._told, "rb") as told:
            self.returncode = int(told.readline())


@functools.cache
def _original():
    """Start the process that imports; return the way to ask it for copies."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_BYTES)
    number = theirs.fileno()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.support.prepared_process", str(number)],
        stdin=subprocess.DEVNULL,
        pass_fds=[number],
        env=os.environ | ENVIRONMENT,
    )
    theirs.close()

    def end():
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _copies(asking):
    """Fork a copy whenever one is asked for; return what it shall be, in the copy."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the tests' to end what they started
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    telling = {}
    while True:
        ready, _, _ = select.select([asking, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_of_ended(telling)
        if asking not in ready:
            continue
        asked, descriptors, _, _ = socket.recv_fds(asking, MAX_BYTES, 4)
        if not asked:
            sys.exit()  # the tests have ended
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            asking.close()
            for descriptor in (woken, wakes, *telling.values()):
                os.close(descriptor)
            return json.loads(asked), descriptors
        *streams, telling[pid] = descriptors
        os.write(telling[pid], b"%d\n" % pid)
        for descriptor in streams:
            os.close(descriptor)


def _tell_of_ended(telling):
    while telling:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with os.fdopen(telling.pop(pid), "wb") as told:
            told.write(b"%d\n" % os.waitstatus_to_exitcode(status))


def _be(asked, descriptors):
    """Be the program, in the copy."""
    is_script, program, arguments, environment, folder = asked
    *streams, telling = descriptors
    os.close(telling)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [program if is_script else "-c", *arguments]
    if is_script:
        runpy.run_path(program, run_name="__main__")
    else:
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    _be(*_copies(socket.socket(fileno=int(sys.argv[1]))))
