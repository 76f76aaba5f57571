"""A real server process with a fake model, over a small repository."""

from __future__ import annotations

import pytest

from tests.support.running_openai import FILES, RunningServer
from tests.support.scratch import Scratch


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work") / "depot-repository"
    scratch = Scratch(folder)
    scratch.write_files(FILES)
    scratch.commit()
    return folder


@pytest.fixture(scope="module")
def openai_server(repository, tmp_path_factory):
    server = RunningServer(repository, tmp_path_factory.mktemp("log") / "asked.jsonl")
    try:
        server.until_indexed()
        yield server
    finally:
        server.close()
