"""Makes the helpers beside the tests importable: there is no `tests` package on purpose."""

from __future__ import annotations

import pytest

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from tests.support import rpc


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
    client = rpc.Client(env={"HOMESPUN_SERVER_REFRESH_SECONDS": "0.2"})
    client.initialize({"general": {"positionEncodings": ["utf-16"]}})
    client.wait_until_ready()
    yield client
    client.kill()


@pytest.fixture(scope="module")
def index(request, tmp_path_factory):
    """An index of the files that the test module lists as FILES: path -> text."""
    root = tmp_path_factory.mktemp("repository")
    for name, text in request.module.FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    return index


@pytest.fixture
def uri(request):
    """A document's name that no other test uses."""
    return f"untitled:{request.node.name}.py"
