"""Open documents, mirrored exactly: lines as the protocol splits them, edits by splicing lines."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.workspace import TextDocument, Workspace

from homespun.server.lsp.edits import TextChange, whole
from homespun.server.lsp.positions import line_and_column, split_lines


class Document(TextDocument):
    r"""An open document whose lines end at \r\n, \n and \r only.

    An edit re-splits only the lines that it touches; the whole text is joined when asked for.
    """

    _split: list[str] | None = None
    _changes: list[TextChange] | None = None

    @property
    def source(self) -> str:
        """The whole text."""
        if self._source is None and self._split is not None:
            self._source = "".join(self._split)
        return super().source

    @property
    def lines(self) -> Sequence[str]:
        """The lines with their ends; the last one has none and may be empty."""
        if self._split is None:
            self._split = split_lines(self.source)
        return self._split

    def take_changes(self) -> list[TextChange]:
        """Return the edits since this was last asked."""
        changes, self._changes = self._changes or [], None
        return changes

    def apply_change(self, change: lsp.TextDocumentContentChangeEvent) -> None:
        """Apply an edit of a range, or replace the whole text where the client sends no range."""
        if isinstance(change, lsp.TextDocumentContentChangePartial):
            self._splice(change.range, change.text)
        else:
            self._note(whole(self.source, change.text))
            self._source, self._split = change.text, None

    def _splice(self, region: lsp.Range, text: str) -> None:
        lines = split_lines(self.source) if self._split is None else self._split
        encoding = str(self.position_codec.encoding)
        first, start = line_and_column(lines, region.start, encoding)
        last, end = line_and_column(lines, region.end, encoding)
        if (last, end) < (first, start):
            first, start, last, end = last, end, first, start
        self._note(
            TextChange(_offset(lines, first, start), _between(lines, first, start, last, end), text)
        )
        text = lines[first][:start] + text + lines[last][end:]
        if first > 0 and lines[first - 1].endswith("\r"):  # an edit may complete a \r\n
            first -= 1
            text = lines[first] + text
        replacement = split_lines(text)
        if last < len(lines) - 1:
            replacement.pop()  # the open end: `text` kept the end of its last line
        lines[first : last + 1] = replacement
        self._split, self._source = lines, None

    def _note(self, change: TextChange) -> None:
        if self._changes is None:
            self._changes = []
        self._changes.append(change)


class Documents(Workspace):
    """A workspace that makes `Document`s."""

    def is_open(self, uri: str) -> bool:
        """Say whether an editor has opened the document and not closed it."""
        return unquote(uri) in self.text_documents

    def update_text_document(
        self,
        text_doc: lsp.VersionedTextDocumentIdentifier,
        change: lsp.TextDocumentContentChangeEvent,
    ) -> None:
        """Apply an edit; pass over one of a document that is closed, as VS Code sends on revert."""
        if self.is_open(text_doc.uri):
            super().update_text_document(text_doc, change)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> Document:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )

    @classmethod
    def replacing(cls, workspace: Workspace) -> Documents:
        """Make one with the root, folders, sync kind and encoding of `workspace`."""
        return cls(
            workspace.root_uri,
            workspace._sync_kind,  # pygls has no public name for it
            list(workspace.folders.values()),
            workspace.position_encoding,
        )


def _offset(lines: Sequence[str], line: int, column: int) -> int:
    return sum(map(len, lines[:line])) + column


def _between(lines: Sequence[str], first: int, start: int, last: int, end: int) -> str:
    """Return the text from one line and column to another."""
    if first == last:
        return lines[first][start:end]
    return lines[first][start:] + "".join(lines[first + 1 : last]) + lines[last][:end]
