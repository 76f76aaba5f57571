"""Makes the server: its class, its handlers, its commands."""

from __future__ import annotations

from collections.abc import Mapping

from lsprotocol import types as lsp

from homespun.server import handlers
from homespun.server.app import HomespunServer
from homespun.server.background.factories import Factories
from homespun.server.commands import registry


def create_server(
    factories: Factories | None = None, *, flags: Mapping[str, object] | None = None
) -> HomespunServer:
    """Make a server; `factories` replaces the expensive ones, `flags` are completion settings."""
    from importlib.metadata import version

    server = HomespunServer(factories or Factories(), flags or {}, version("homespun"))
    _register(server)
    return server


def _register(server: HomespunServer) -> None:
    """Register the handlers."""
    feature = server.feature
    feature(lsp.INITIALIZE)(handlers.initialize)
    feature(lsp.INITIALIZED)(handlers.initialized)
    feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())(
        handlers.inline_completion
    )
    feature(lsp.TEXT_DOCUMENT_DID_OPEN)(handlers.did_open)
    feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(handlers.did_change)
    feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(handlers.did_close)
    feature(lsp.TEXT_DOCUMENT_DID_SAVE, lsp.SaveOptions(include_text=False))(handlers.did_save)
    feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)(handlers.did_change_watched_files)
    feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(handlers.did_change_folders)
    feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(handlers.did_change_configuration)
    feature("textDocument/didShowCompletion")(handlers.did_show)
    feature("textDocument/didPartiallyAcceptCompletion")(handlers.did_accept_in_part)
    registry.register(server.command)
