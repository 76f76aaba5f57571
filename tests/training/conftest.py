"""What the tests of this room share: small git repositories, made on the spot."""

from __future__ import annotations

import pytest

from tests.support.scratch import Scratch


@pytest.fixture
def scratch(tmp_path):
    """An empty git repository in a folder named `repo`."""
    return Scratch(tmp_path / "repo")


@pytest.fixture(scope="session")
def new_scratch():
    """Make a repository in a folder, or take up the one that is there."""
    return Scratch
