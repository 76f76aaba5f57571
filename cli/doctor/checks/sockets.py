"""Which servers of homespun run for this user, and where they listen.

Linux tells it of each process of the user's own (proc(5)); other systems do not without a program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem

_PROCESSES = Path("/proc")
_LISTENS = "0A"  # TCP_LISTEN
_MAX_FILE_BYTES = 4_000_000  # of a table of the kernel
_MAX_LINE_BYTES = 65_536  # of a command line
_FLAGS = {"--openai": "http", "--tcp": "tcp", "--socket": "unix"}


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A `homespun serve` of this user."""

    pid: int
    how: str  # "stdio", "http", "tcp" or "unix"
    addresses: tuple[str, ...]  # "127.0.0.1:7777", or the path of a socket
    is_open: bool  # whether other machines can reach one of them


def check_sockets(_patient: Patient) -> Finding:
    """Look for servers among the user's processes; connects to none."""
    if not (_PROCESSES / "self" / "net").is_dir():
        return Finding("not known on this system", {"servers": None})
    servers = list(running_servers())
    listening = [address for server in servers for address in server.addresses]
    line = f"{len(servers)} servers run" if servers else "no server runs"
    return Finding(
        line=f"{line}, listening on {', '.join(listening)}" if listening else line,
        facts={"servers": [asdict(server) for server in servers]},
        problems=tuple(
            Problem(
                f"process {server.pid} listens on {', '.join(server.addresses)}, which other "
                "machines reach, and nothing is encrypted",
                "end it, and let it listen on 127.0.0.1, behind a tunnel where others need it",
                is_broken=False,
            )
            for server in servers
            if server.is_open
        ),
    )


def running_servers(processes: Path = _PROCESSES) -> Iterator[RunningServer]:
    """Yield the servers of this user, by process number."""
    numbers = sorted(int(entry.name) for entry in processes.iterdir() if entry.name.isdigit())
    for pid in numbers:
        folder = processes / str(pid)
        try:
            if folder.stat().st_uid != os.geteuid():
                continue
            words = _beginning(folder / "cmdline", _MAX_LINE_BYTES).split("\0")
        except OSError:  # it has ended
            continue
        if _is_server(words):
            yield _server(pid, folder, words)


def _is_server(words: list[str]) -> bool:
    """Tell whether a command line is `homespun serve`, by the program or by the module."""
    if "serve" not in words:
        return False
    before = words[: words.index("serve")]
    return bool(before) and (
        os.path.basename(before[-1]) in ("homespun", "homespun.exe")
        or before[-2:] == ["-m", "homespun.cli"]
    )


def _server(pid: int, folder: Path, words: list[str]) -> RunningServer:
    options = {word.partition("=")[0] for word in words}
    how = next((name for flag, name in _FLAGS.items() if flag in options), "stdio")
    try:
        inodes = set(_inodes(folder / "fd"))
        found = [*_tcp(folder / "net", inodes), *_unix(folder / "net", inodes)]
    except OSError:  # it has ended meanwhile
        found = []
    return RunningServer(
        pid, how, tuple(address for address, _ in found), any(is_open for _, is_open in found)
    )


def _inodes(descriptors: Path) -> Iterator[str]:
    for entry in descriptors.iterdir():
        try:
            target = os.readlink(entry)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]


def _tcp(net: Path, inodes: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield (address, whether it is no loopback) of each listening port."""
    for name in ("tcp", "tcp6"):
        for line in _beginning(net / name, _MAX_FILE_BYTES).splitlines()[1:]:
            cells = line.split()
            if len(cells) > 9 and cells[3] == _LISTENS and cells[9] in inodes:
                host, _, port = cells[1].partition(":")
                address = _address(host)
                shown = f"[{address}]" if address.version == 6 else str(address)
                mapped = getattr(address, "ipv4_mapped", None) or address
                yield f"{shown}:{int(port, 16)}", not mapped.is_loopback


def _address(digits: str) -> IPv4Address | IPv6Address:
    """Read the kernel's hexadecimal: words of four bytes in the order of the processor."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = b"".join(word.to_bytes(4, sys.byteorder) for word in words)
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)


def _unix(net: Path, inodes: set[str]) -> Iterator[tuple[str, bool]]:
    for line in _beginning(net / "unix", _MAX_FILE_BYTES).splitlines()[1:]:
        cells = line.split(maxsplit=7)
        if len(cells) == 8 and cells[6] in inodes and int(cells[3], 16) & 0x10000:  # it listens
            yield cells[7], False


def _beginning(path: Path, max_bytes: int) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(max_bytes).decode("utf-8", "replace")
    except FileNotFoundError:  # a system without IPv6
        return ""
