"""What is asked: the editor's documents as they are now, as a request, and who completes it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from lsprotocol import types as lsp

from homespun.models.types import Cancellation
from homespun.server.context.recent_edits import RecentEdits
from homespun.server.lsp.documents import Document, Documents
from homespun.server.lsp.notebooks import are_together, text_above
from homespun.server.lsp.positions import offset_at
from homespun.server.lsp.protocol import InlineParams, TriggerKinds
from homespun.server.requests.prefetch import View
from homespun.server.requests.target import Completes, CompletionTarget, key_of
from homespun.server.types import Completion, CompletionRequest, Edited

_OTHERS = 2  # answers to choose from beside the best, for who asks by hand
_MAX_RECENT = 3  # edits in other documents that a request brings along


@dataclass(frozen=True, slots=True)
class RequestSnapshot:
    """A document at its cursor when a request came."""

    uri: str
    version: int | None
    request: CompletionRequest
    target: CompletionTarget
    completer: Completes  # the target's
    region: lsp.Range  # what the item replaces
    above_chars: int  # of a notebook's cells above, which stand before the document's text
    lead: str  # text of the selected entry of the suggest widget; the item begins with it

    @property
    def offset(self) -> int:
        """The cursor in the document, behind `lead`."""
        return self.request.offset - self.above_chars


class Snapshots:
    """Looks at the open documents, and at who completes them; on the event loop."""

    def __init__(
        self, documents: Callable[[], Documents], target: Callable[[str, str], CompletionTarget]
    ) -> None:
        """Ask `target`, with a document's uri and language id, who completes it."""
        self._documents = documents
        self._target = target
        self.recent = RecentEdits()
        self.kinds = TriggerKinds()

    def uris(self) -> list[str]:
        """Return the open documents."""
        return [document.uri for document in self._documents().text_documents.values()]

    def document(self, uri: str) -> Document | None:
        """Return an open document."""
        document = self._documents().text_documents.get(unquote(uri))
        return document if isinstance(document, Document) else None

    def taken(self, params: InlineParams) -> RequestSnapshot | Completion:
        """Look at what a request is about; a completion says why nothing can be asked."""
        document = self.document(params.text_document.uri)
        if document is None:
            return because("filtered:not-open")
        if params.text_document.version not in (None, document.version):
            return because("filtered:stale-version")
        encoding = str(document.position_codec.encoding)
        offset = offset_at(document.lines, params.position, encoding)
        if offset is None:
            return because("filtered:cursor-out-of-range")
        is_explicit = self.kinds.is_explicit(params.context.trigger_kind)
        text, lead = document.source, ""
        region = lsp.Range(_copy(params.position), _copy(params.position))
        selected = params.context.selected_completion_info
        if selected is not None:
            start = offset_at(document.lines, selected.range.start, encoding)
            end = offset_at(document.lines, selected.range.end, encoding)
            if start is None or end is None or not start <= offset <= end:
                return because("filtered:selection-out-of-range")
            region, lead = selected.range, selected.text
            text = text[:start] + lead + text[end:]
            offset = start + len(lead)
        target = self._target_of(document)
        if target.completer is None:
            return because(target.because, target.facts)
        request = replace(
            self._request(document, target, text, offset),
            id=uuid.uuid4().hex,
            explicit=is_explicit,
            others=_OTHERS if is_explicit else 0,
        )
        return RequestSnapshot(
            uri=params.text_document.uri,
            version=document.version,
            request=request,
            target=target,
            completer=target.completer,
            region=region,
            above_chars=request.offset - offset,
            lead=lead,
        )

    def view(self, uri: str, offset: int | None) -> View | None:
        """Look at a document, to prepare it; None for the offset is its end."""
        document = self.document(uri)
        if document is None:
            return None
        target = self._target_of(document)
        completer = target.completer
        if completer is None:
            return None
        text = document.source
        cursor = len(text) if offset is None else min(offset, len(text))
        request = self._request(document, target, text, cursor)

        def prepare(request: CompletionRequest, accepted: str, stop: Cancellation) -> bool:
            return completer.prepare(request, accepted=accepted, cancelled=stop)

        return View(prepare, request, key_of(uri, completer, request))

    def is_stale(self, snapshot: RequestSnapshot) -> bool:
        """Say whether the document is another than when the request came."""
        document = self.document(snapshot.uri)
        return document is None or document.version != snapshot.version

    def is_current(self, snapshot: RequestSnapshot) -> bool:
        """Say whether an answer still counts: the document is open, its completer the same."""
        is_open = self.document(snapshot.uri) is not None
        return is_open and snapshot.target.is_still_current(snapshot.request)

    def _request(
        self, document: Document, target: CompletionTarget, text: str, offset: int
    ) -> CompletionRequest:
        """Return what stands at `offset` of a document's text, with a notebook's cells above it."""
        above = text_above(document.uri, self._documents().text_documents)
        return CompletionRequest(
            above + text,
            len(above) + offset,
            path=target.path,
            language=target.language,
            recent=self._edited_elsewhere(document.uri, target),
        )

    def _edited_elsewhere(self, uri: str, target: CompletionTarget) -> tuple[Edited, ...]:
        """Return the last edits in other documents of the same folder."""

        def located(other: str) -> tuple[str, str]:
            document = self.document(other)
            if document is None or are_together(uri, document.uri):
                return "", ""
            there = self._target_of(document)
            return (there.path, there.language) if there.is_with(target) else ("", "")

        def lines_of(other: str) -> Sequence[str]:
            document = self.document(other)
            return document.lines if document is not None else ()

        return self.recent.elsewhere(unquote(uri), lines_of, located, most=_MAX_RECENT)

    def _target_of(self, document: Document) -> CompletionTarget:
        return self._target(document.uri, document.language_id or "")


def because(finish: str, facts: Mapping[str, object] | None = None) -> Completion:
    """Return a completion that shows nothing."""
    return Completion("", finish, model="", facts=facts or {})


def _copy(position: lsp.Position) -> lsp.Position:
    return lsp.Position(position.line, position.character)
