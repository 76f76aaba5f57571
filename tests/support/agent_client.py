"""The SDK's own client of `homespun mcp`, in a thread, so that a test reads from top to bottom."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager


class AgentClient:
    """A client that is connected."""

    def __init__(self, portal, client):
        self._portal = portal
        self._client = client
        self.instructions = client.instructions

    def tools(self):
        """The tools by their names."""
        return {tool.name: tool for tool in self._portal.call(self._client.list_tools).tools}

    def call(self, name, /, **arguments):
        """The text of an answer; a tool's error fails the test."""
        is_error, text = self.try_call(name, **arguments)
        assert not is_error, text
        return text

    def try_call(self, name, /, **arguments):
        """Whether it is an error, and the text."""
        result = self._portal.call(self._client.call_tool, name, arguments)
        (content,) = result.content
        return bool(result.is_error), content.text


@contextmanager
def connected(folder, *, environment=None, cwd=None):
    """Start the real server on a folder, as an agent does, and connect."""
    from anyio.from_thread import start_blocking_portal
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "homespun.cli", "mcp", str(folder)],
        env=dict(os.environ if environment is None else environment),
        cwd=cwd,
    )
    with start_blocking_portal() as portal:
        with portal.wrap_async_context_manager(Client(server)) as client:
            yield AgentClient(portal, client)
