"""A fake server for rerankers."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.support.model_server import ModelServer


@pytest.fixture
def serving():
    """Start a fake server with replies; all end with the test."""
    with ExitStack() as stack:
        yield lambda replies, **more: stack.enter_context(ModelServer(replies, **more).running())
