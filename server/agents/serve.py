"""`homespun mcp`: the tools over the Model Context Protocol, on standard input and output.

The SDK is an extra of the package, so nothing of it is imported before somebody serves.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from homespun.server.agents.tools import INSTRUCTIONS, TOOLS, Toolbox

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

INSTALL = "pip install 'homespun[agents]'"
_AT_ONCE = 4  # calls; of more the others wait


def is_installed() -> bool:
    """Tell whether the SDK is there; imports nothing."""
    return importlib.util.find_spec("mcp") is not None


def serve(toolbox: Toolbox, *, version: str) -> None:
    """Answer until the client closes our input."""
    import anyio
    from mcp.server.stdio import stdio_server

    server = build_server(toolbox, version=version)

    async def run() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)


def build_server(toolbox: Toolbox, *, version: str) -> Server[Any]:
    """Return the SDK's server with our tools."""
    import anyio
    import mcp_types as types
    from mcp.server.lowlevel import Server

    limiter: anyio.CapacityLimiter | None = None

    async def list_tools(_context: object, _params: object) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool.name,
                    title=tool.title,
                    description=tool.description,
                    input_schema=tool.schema(),
                    annotations=types.ToolAnnotations(
                        read_only_hint=True, idempotent_hint=True, open_world_hint=False
                    ),
                )
                for tool in TOOLS
            ]
        )

    async def call_tool(_context: object, params: Any) -> types.CallToolResult:  # noqa: ANN401
        nonlocal limiter
        limiter = limiter or anyio.CapacityLimiter(_AT_ONCE)  # it belongs to a running loop
        # A client that cancels is not waited for; the thread ends with its answer to nobody.
        answer = await anyio.to_thread.run_sync(
            toolbox.call,
            params.name,
            params.arguments or {},
            abandon_on_cancel=True,
            limiter=limiter,
        )
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=answer.text)], is_error=answer.is_error
        )

    server = Server(
        "homespun",
        version=version,
        title="homespun",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.clear()  # spans for OpenTelemetry: a call's name and errors are nobody's
    return server
