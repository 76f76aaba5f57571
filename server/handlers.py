"""What the server answers: a function a method."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from homespun.server.acceptance.outcomes import tells_each_key
from homespun.server.app import HomespunServer
from homespun.server.lsp.positions import chars_in_units, offset_at
from homespun.server.lsp.protocol import InlineParams
from homespun.server.lsp.workspaces import path_of
from homespun.server.transport.parent_process import watch

logger = logging.getLogger(__name__)


def initialize(ls: HomespunServer, params: lsp.InitializeParams) -> None:
    """Take what the client says of itself."""
    ls.protocol.use_documents()
    ls.settings.initialize(params.initialization_options)
    ls.suggestions.infers_parts = tells_each_key(params.client_info)


def initialized(ls: HomespunServer, _: lsp.InitializedParams) -> None:
    """Begin the work."""
    if ls.process_id is not None:
        ls.client.spawn(watch(ls.process_id, ls.leave))
    ls.client.spawn(_begin(ls))


async def _begin(ls: HomespunServer) -> None:
    """Register what the client lets be registered, ask for settings, then start the work."""
    ls.observe()
    ls.backend.start(ls.settings.current(), _folders(ls))
    ls.client.spawn(ls.outcomes.keep())
    if ls.client.shows_status():
        ls.status.start()
    registrations = []
    if ls.client.can("workspace", "did_change_watched_files", "dynamic_registration"):
        watchers = [lsp.FileSystemWatcher(glob_pattern="**/*")]
        registrations.append(
            lsp.Registration(
                id="homespun-watch",
                method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                register_options=lsp.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
            )
        )
    if ls.client.can("workspace", "did_change_configuration", "dynamic_registration"):
        registrations.append(
            lsp.Registration(
                id="homespun-settings",
                method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
                register_options=lsp.DidChangeConfigurationRegistrationOptions(section="homespun"),
            )
        )
    if registrations:
        try:
            await ls.client_register_capability_async(
                lsp.RegistrationParams(registrations=registrations)
            )
        except JsonRpcException as error:
            logger.warning("the editor registers nothing: %s", error)
    await ls.settings.pull()


async def inline_completion(ls: HomespunServer, params: InlineParams) -> lsp.InlineCompletionList:
    """Suggest."""
    return await ls.inline.complete(params)


def did_open(ls: HomespunServer, params: lsp.DidOpenTextDocumentParams) -> None:
    """Know a document."""
    ls.inline.opened(params.text_document.uri)


def did_change(ls: HomespunServer, params: lsp.DidChangeTextDocumentParams) -> None:
    """Follow an edit, and what became of suggestions."""
    uri, documents = params.text_document.uri, ls.documents()
    if not documents.is_open(uri):
        return
    document = documents.get_text_document(uri)
    encoding = str(document.position_codec.encoding)
    match params.content_changes:
        case [*_, lsp.TextDocumentContentChangePartial() as last]:
            start = offset_at(document.lines, last.range.start, encoding)
            end = None if start is None else start + len(last.text)
            changes = [each for each in params.content_changes if hasattr(each, "range")]
            first = min(each.range.start.line for each in changes)
            final = max(each.range.start.line + each.text.count("\n") for each in changes)
            ls.inline.edited(uri, end, first, final)
        case _:
            ls.inline.edited(uri, None)
    ls.outcomes.edited(uri, document)


def did_close(ls: HomespunServer, params: lsp.DidCloseTextDocumentParams) -> None:
    """Forget a document."""
    ls.inline.closed(params.text_document.uri)
    ls.outcomes.closed(params.text_document.uri)


def did_save(ls: HomespunServer, params: lsp.DidSaveTextDocumentParams) -> None:
    """Bring the index up to date."""
    ls.backend.changed(_paths(params.text_document.uri))


def did_change_watched_files(ls: HomespunServer, params: lsp.DidChangeWatchedFilesParams) -> None:
    """Bring the index up to date with what changed on the disk."""
    ls.backend.changed(_paths(*(change.uri for change in params.changes)))


def did_change_folders(ls: HomespunServer, params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Open and leave workspace folders."""
    for folder in params.event.removed:
        ls.backend.remove_folder(folder.uri)
    for folder in params.event.added:
        if (path := path_of(folder.uri)) is not None:
            ls.backend.add_folder(folder.uri, path)


def did_change_configuration(ls: HomespunServer, params: lsp.DidChangeConfigurationParams) -> None:
    """Take new settings."""
    ls.settings.pushed(params.settings)


def did_show(ls: HomespunServer, params: Any) -> None:  # noqa: ANN401 - no schema for these
    """Note that a suggestion was seen."""
    ls.suggestions.shown(_suggestion_id(params))


def did_accept_in_part(ls: HomespunServer, params: Any) -> None:  # noqa: ANN401
    """Note that a part of a suggestion was taken."""
    units = getattr(params, "acceptedLength", None)
    text = getattr(getattr(params, "item", None), "insertText", None)
    if isinstance(units, int) and isinstance(text, str):
        chars = chars_in_units(text, units, lsp.PositionEncodingKind.Utf16)
        ls.suggestions.accepted_in_part(_suggestion_id(params), chars)


def _suggestion_id(params: Any) -> str:  # noqa: ANN401
    """Return the id in `params.item.command.arguments`, "" where there is none."""
    command = getattr(getattr(params, "item", None), "command", None)
    arguments = getattr(command, "arguments", None)
    return str(arguments[0]) if isinstance(arguments, list) and arguments else ""


def _folders(ls: HomespunServer) -> dict[str, Path]:
    """Return the workspace folders by URI; the root where the client knows no folders."""
    uris = [folder.uri for folder in ls.workspace.folders.values()]
    if not uris and ls.workspace.root_uri:
        uris = [ls.workspace.root_uri]
    return {uri: path for uri in uris if (path := path_of(uri)) is not None}


def _paths(*uris: str) -> list[Path]:
    return [path for uri in uris if (path := path_of(uri)) is not None]
