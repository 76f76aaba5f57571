from __future__ import annotations

import pytest

from homespun.indexer.packs.sharing.stores import FolderStore
from tests.support.team import TeamRepository


@pytest.fixture
def auth(tmp_path):
    return TeamRepository(tmp_path / "auth")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def store(place):
    return FolderStore(place)
