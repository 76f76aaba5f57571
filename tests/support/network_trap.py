"""Runs a command where nothing can be reached, and counts how often anything in it tried.

By the system's own counters of an empty network namespace, which need neither root nor a tracer and
see native code as well; where namespaces are forbidden, by strace.

    python network_trap.py REPORT COMMAND...      what runs inside the namespace
"""

from __future__ import annotations

import fcntl
import functools
import json
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

_NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "--"]
_STRACE = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg"]
_SET_FLAGS, _UP = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
_SENT = {  # counters that move when somebody sends, or finds no way to
    "Ip": ("OutRequests", "OutNoRoutes"),
    "Tcp": ("ActiveOpens", "AttemptFails"),
    "Udp": ("OutDatagrams",),
    "Ip6": ("OutRequests", "OutNoRoutes"),
    "Udp6": ("OutDatagrams",),
}


@functools.cache
def way():
    """Return "namespace", "strace", or "" where this machine allows neither."""
    if _works([*_NAMESPACE, "true"]):
        return "namespace"
    return "strace" if _works([*_STRACE, "true"]) else ""


def attempts(command, *, env, report):
    """Run a command, which must succeed; return what was tried, {} if nothing was."""
    if way() == "namespace":
        inside = [sys.executable, "-P", __file__, str(report), *command]
        done = _run([*_NAMESPACE, *inside], env)
        assert done.returncode == 0, done.stderr
        return json.loads(report.read_text())
    done = _run([*_STRACE, "-o", str(report), *command], env)
    assert done.returncode == 0, done.stderr
    lines = report.read_text(errors="replace").splitlines()
    return {line: 1 for line in lines if "AF_INET" in line}


def _works(command):
    return shutil.which(command[0]) is not None and _run(command, None).returncode == 0


def _run(command, env):
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def _bring_up_loopback():
    """Without any address the kernel refuses IPv6 before it counts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sH14s", b"lo", _UP, b""))


def _counters():
    """Return the counters of this network namespace that are not zero."""
    found = {}
    lines = Path("/proc/net/snmp").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        group = names.split(":")[0]
        for name, value in zip(names.split()[1:], values.split()[1:], strict=True):
            found[f"{group}{name}"] = int(value)
    for line in Path("/proc/net/snmp6").read_text().splitlines():
        name, value = line.split()
        found[name] = int(value)
    wanted = {f"{group}{name}" for group, names in _SENT.items() for name in names}
    return {name: value for name, value in found.items() if name in wanted and value}


def main():
    report, *command = sys.argv[1:]
    _bring_up_loopback()
    before = _counters()
    status = subprocess.run(command, check=False).returncode
    after = _counters()
    moved = {name: after[name] - before.get(name, 0) for name in after}
    Path(report).write_text(json.dumps({name: count for name, count in moved.items() if count}))
    sys.exit(status)


if __name__ == "__main__":
    main()
