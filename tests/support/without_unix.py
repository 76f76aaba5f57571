"""A Python as on Windows, as far as its names go; a simulation, for a process of its own.

    python -c "from tests.support import without_unix; without_unix.run()" VERB …

homespun cannot import modules that only Unix has, its `os`, `signal` and `socket` lack the names of
Unix, processes begin anew, and what is printed is cp1252.
"""

from __future__ import annotations

import builtins
import io
import multiprocessing
import os  # noqa: F401
import signal  # noqa: F401
import socket  # noqa: F401
import sys
import types

MODULES = frozenset({"fcntl", "grp", "pwd", "pty", "resource", "termios", "tty"})
_NAMES = {
    "os": """O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC chown chroot fchmod fork forkpty getegid
        geteuid getgid getgroups getloadavg getpgid getpgrp getuid killpg lchown mkfifo nice pread
        preadv pwrite sched_getaffinity sched_setaffinity setpgid setsid sysconf uname wait3 wait4
        posix_fadvise posix_fallocate sync""".split(),
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1".split(),
    "socket": ["AF_UNIX"],
}
_import = builtins.__import__


def run() -> None:
    """Take Unix away and run the command with this process's words."""
    take_away()
    from homespun.cli.main import main

    sys.exit(main(sys.argv[1:]))


def take_away() -> None:
    """Take Unix away from homespun in this process, for good; libraries keep what they need."""
    builtins.__import__ = _without
    multiprocessing.set_start_method("spawn", force=True)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        wrapped = io.TextIOWrapper(stream.buffer, encoding="cp1252", line_buffering=True)
        setattr(sys, name, wrapped)


def _bare(name: str) -> types.ModuleType:
    """Return a module without the names that only Unix has."""
    bare = types.ModuleType(name)
    whole = vars(sys.modules[name])
    bare.__dict__.update({key: whole[key] for key in whole if key not in _NAMES[name]})
    if name == "os":
        bare.__dict__["name"] = "nt"  # homespun asks it; `sys.platform` stays, for system calls
    return bare


_bared = {name: _bare(name) for name in _NAMES}


def _without(name, globals=None, locals=None, fromlist=(), level=0):
    if (globals or {}).get("__name__", "").startswith("homespun"):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in _bared:
            return _bared[name]
    return _import(name, globals, locals, fromlist, level)
