"""Nothing leaves the machine and nothing is left on it but homespun's own, whatever is used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support import network_trap, small_house, whole_session
from tests.support.scratch import Scratch
from tests.support.tiny import save_roomy_qwen2

pytestmark = pytest.mark.skipif(
    not network_trap.way(), reason="neither network namespaces nor strace work on this machine"
)
SWITCHES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "HF_HUB_OFFLINE")
# A proxy nobody answers: with it a library connects, and needs no name server before.
PROXY = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://203.0.113.1:9")


@pytest.fixture
def user(tmp_path):
    """The environment of somebody who has just come: an empty home, no switch set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOMESPUN_", "XDG_")) and name not in SWITCHES
    }
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    return {
        **kept,
        **PROXY,
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def model(tmp_path):
    """A folder with a tiny random model that has room for whole prompts."""
    return save_roomy_qwen2(tmp_path / "tiny")


@pytest.fixture
def workspace(tmp_path):
    return small_house.build(Scratch(tmp_path / "shop")).folder


def test_a_whole_session_opens_no_connection_and_leaves_nothing(user, workspace, model, tmp_path):
    tracked = files_below(workspace)
    command = [sys.executable, "-P", whole_session.__file__, str(workspace), str(model)]
    tried = network_trap.attempts(command, env=user, report=tmp_path / "report")
    own = {Path(".cache", "homespun"), Path(".local", "state", "homespun")}
    strangers = [p for p in files_below(Path(user["HOME"])) if not own & set(p.parents)]
    assert (tried, strangers) == ({}, [])
    assert files_below(Path(user["TMPDIR"])) == []
    beside = [p for p in files_below(workspace) if p.parts[0] not in (".homespun", ".git")]
    assert beside == [p for p in tracked if p.parts[0] != ".git"]


NATIVE = """
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
there = struct.pack("=HH4s8x", 2, 0x0900, bytes([203, 0, 113, 1]))
libc.connect(libc.socket(2, 1, 0), there, len(there))
"""
WAYS_OUT = {
    "a connection": "import socket; socket.socket().connect_ex(('203.0.113.1', 9))",
    "a connection over IPv6": (
        "import socket as s; s.socket(s.AF_INET6).connect_ex(('2001:db8::1', 9))"
    ),
    "a datagram": (
        "import socket as s, contextlib\n"
        "with contextlib.suppress(OSError): "
        "s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('203.0.113.1', 9))"
    ),
    "this machine": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "native code": NATIVE,
    "the product's own download": (
        "import contextlib\n"
        "from homespun.models.errors import DownloadFailed\n"
        "from homespun.models.download.fetch import fetch\n"
        "with contextlib.suppress(DownloadFailed): fetch('qwen2.5-coder-0.5b')"
    ),
}


@pytest.mark.parametrize("code", WAYS_OUT.values(), ids=WAYS_OUT)
def test_the_trap_sees(code, user, tmp_path):
    command = [sys.executable, "-P", "-c", code]
    assert network_trap.attempts(command, env=user, report=tmp_path / "report")


def test_the_trap_is_quiet_where_nobody_tries(user, tmp_path):
    command = [sys.executable, "-P", "-c", "import socket; socket.socketpair()"]
    assert network_trap.attempts(command, env=user, report=tmp_path / "report") == {}


def files_below(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
