"""Makes the helpers beside the tests importable: there is no `tests` package on purpose."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest  # noqa: E402
import rpc  # noqa: E402


@pytest.fixture
def start():
    """Start a server process; it is killed at the end of the test."""
    clients = []

    def start(argv=None, **environment):
        clients.append(rpc.Client(argv, env=environment))
        return clients[-1]

    yield start
    for client in clients:
        client.kill()


@pytest.fixture(scope="module")
def server():
    """One server for all tests of a module; each test brings its own documents."""
    client = rpc.Client()
    client.initialize({"general": {"positionEncodings": ["utf-16"]}})
    client.wait_until_ready()
    yield client
    client.kill()


@pytest.fixture
def uri(request):
    """A document's name that no other test uses."""
    return f"untitled:{request.node.name}.py"
