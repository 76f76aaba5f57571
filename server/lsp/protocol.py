"""JSON-RPC with the rules that pygls leaves out: every request is answered, whatever it holds."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, cast

import attrs
from cattrs import Converter
from lsprotocol import types as lsp
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import JsonRPCNotification, LanguageServerProtocol, default_converter
from pygls.protocol import lsp_method as lsp_method_untyped

from homespun.server.lsp.documents import Documents

logger = logging.getLogger(__name__)

MAX_DEPTH = 100  # of a message; the protocol's own are below 20, and what reads them recurses
lsp_method: Callable[[str], Callable[[Any], Any]] = lsp_method_untyped


@attrs.define
class DocumentVersion:
    """A document as newer clients name it: with the version that they mean."""

    uri: str
    version: int | None = None


@attrs.define
class InlineContext:
    """How a completion was asked for."""

    trigger_kind: Any = None  # as sent: LSP 3.18 counts 1, 2, older clients count 0, 1
    selected_completion_info: lsp.SelectedCompletionInfo | None = None


class TriggerKinds:
    """Tells asked-for from automatic requests in both dialects.

    LSP 3.18 sends 1 and 2, older clients send 0 and 1: what a 1 means shows once a client has sent
    one of the others. Until then it counts as automatic, which only means that filters hold.
    """

    def __init__(self) -> None:
        self._explicit: int | None = None

    def is_explicit(self, kind: object) -> bool:
        """Say whether the user asked for this completion."""
        if kind == 0:
            self._explicit = 0
        elif kind == 2:
            self._explicit = 1
        return self._explicit is not None and kind == self._explicit


@attrs.define
class InlineParams:
    """Parameters of textDocument/inlineCompletion, with what clients send beyond LSP 3.18."""

    text_document: DocumentVersion
    position: lsp.Position
    context: InlineContext
    formatting_options: lsp.FormattingOptions | None = None
    work_done_token: int | str | None = None


@attrs.define
class InlineRequest:
    """The request around `InlineParams`."""

    id: int | str
    params: InlineParams
    method: str = lsp.TEXT_DOCUMENT_INLINE_COMPLETION
    jsonrpc: str = "2.0"


def make_converter() -> Converter:
    """Return pygls' converter with our own requests in it."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]
    for cls in (DocumentVersion, InlineContext, InlineParams, InlineRequest):
        converter.register_structure_hook(cls, _camel_case_hook(cls, converter))
    return converter


def _is_deep(message: object) -> bool:
    """Say whether a parsed message has more than `MAX_DEPTH` levels; level by level, no recursion.

    How deep the parser itself goes differs between versions of Python, from 1,000 to 100,000.
    """
    level = [message]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _camel_case_hook(cls: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    """Structure an attrs class from an object with camelCase keys; other keys are ignored."""
    from cattrs.gen import make_dict_structure_fn, override

    fields = attrs.fields(attrs.resolve_types(cls))
    renames = {field.name: override(rename=_camel(field.name)) for field in fields}
    return make_dict_structure_fn(cls, converter, **renames)  # type: ignore[arg-type]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


class Leaves(Protocol):
    """What the protocol asks of the server that it belongs to."""

    def leave(self) -> None:
        """End soon."""


class HomespunProtocol(LanguageServerProtocol):
    """Answers what pygls drops: malformed parameters, requests out of season, broken JSON."""

    def receive(self, body: bytes) -> None:
        """Handle one message body."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            self.refuse_bytes(f"{len(body)} bytes are no JSON ({type(error).__name__})")
            return
        if _is_deep(message):
            self.refuse_bytes(f"{len(body)} bytes of JSON are nested deeper than {MAX_DEPTH}")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._refuse(None, JsonRpcInvalidRequest("a message must be a JSON-RPC 2.0 object"))
            return
        if "method" in message and not self._in_season(message):
            return
        self.handle_message(self.structure_message(message))

    def refuse_bytes(self, reason: str) -> None:
        """Answer bytes that hold no message; the id is null, as JSON-RPC has it."""
        self._refuse(None, JsonRpcParseError(reason))

    def structure_message(self, data: dict[str, Any]) -> Any:  # noqa: ANN401 - as in pygls
        """Structure a message; a request with bad parameters is answered here."""
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "method" in data and "id" in data:
                self._refuse(data["id"], error)
            elif "id" in data:  # an answer to our own request: whoever waits must hear of it
                self._handle_response(data["id"], None, error.to_response_error())
            return JsonRPCNotification(method="$/unparsable", jsonrpc="2.0", params=None)

    @lru_cache  # noqa: B019 - one protocol lives as long as the process, as in pygls
    def get_message_type(self, method: str) -> type[Any] | None:
        """Return the type of a message; our own for inline completions."""
        if method == lsp.TEXT_DOCUMENT_INLINE_COMPLETION:
            return InlineRequest
        return super().get_message_type(method)

    def use_documents(self) -> None:
        """Replace pygls' workspace by ours; to be called while handling `initialize`."""
        self._workspace = Documents.replacing(self.workspace)

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *_: object) -> None:
        """End the process: status 0 after shutdown, else 1."""
        cast(Leaves, self._server).leave()

    @property
    def was_shut_down(self) -> bool:
        """Whether the client has sent `shutdown`."""
        return self._shutdown

    def _in_season(self, message: dict[str, Any]) -> bool:
        """Refuse what may not be asked now; say whether to go on."""
        method = message["method"]
        if "id" in message and not (
            isinstance(method, str) and isinstance(message["id"], int | str)
        ):
            self._refuse(None, JsonRpcInvalidRequest("an id is a number or a string"))
        elif method == lsp.EXIT:
            return True
        elif self._shutdown:
            self._refuse_request(message, JsonRpcInvalidRequest("the server was shut down"))
        elif method == lsp.INITIALIZE:
            if self._workspace is None:
                return True
            self._refuse_request(message, JsonRpcInvalidRequest("already initialized"))
        elif self._workspace is None:
            text = "the server has not been initialized"
            self._refuse_request(message, JsonRpcServerNotInitialized(text))
        else:
            return True
        return False

    def _refuse_request(self, message: dict[str, Any], error: JsonRpcException) -> None:
        if "id" in message:
            self._refuse(message["id"], error)

    def _refuse(self, msg_id: int | str | None, error: JsonRpcException) -> None:
        logger.warning("message refused: %s", error.message)
        # As plain JSON: the converter leaves out an id that is null, and it must be there.
        body = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": "2.0", "id": msg_id, "error": body})

    def _execute_handler(self, msg_id: int | str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Start a handler, and forget it when it is done.

        pygls (2.1.1) keeps the task, with its answer, of every handler that one of its own handlers
        yields to, a command's for one: 16 KB for each search.
        """
        super()._execute_handler(msg_id, *args, **kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda done: self._forget(msg_id, done))

    def _forget(self, msg_id: int | str, done: object) -> None:
        if self._request_futures.get(msg_id) is done:
            del self._request_futures[msg_id]

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        if msg_id not in self._request_futures:  # answered already: a daily race, no news
            logger.debug("cancel for the answered request %r", msg_id)
            return
        super()._handle_cancel_notification(msg_id)
