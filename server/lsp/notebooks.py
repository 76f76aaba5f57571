"""Cells of a notebook: documents of their own in the protocol, one program for who writes them.

A cell's URI is its notebook's with another scheme and the cell in the fragment. The notebook's
path decides the folder, and the cells above a cell are what stands before its text. In which order
they stand the protocol does not say; a client opens them in the notebook's.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from pygls.workspace import TextDocument

SCHEME = "vscode-notebook-cell"
_FOREIGN = "%%"  # the first line of a cell in another language: %%bash, %%sql


def file_of(uri: str) -> str:
    """Return the file URI of a cell's notebook, and any other URI as it is."""
    if not _is_cell(uri):
        return uri
    # The authority names a remote machine, the one that this server runs on.
    return urlunsplit(("file", "", urlsplit(uri).path, "", ""))


def are_together(one: str, other: str) -> bool:
    """Say whether two documents are cells of the same notebook."""
    return _is_cell(one) and _is_cell(other) and _notebook(one) == _notebook(other)


def text_above(uri: str, documents: Mapping[str, TextDocument]) -> str:
    """Return the text of the cells above a cell, "" for any other document.

    `documents` are the open ones in the order in which they were opened. Cells of another language
    are left out.
    """
    document = documents.get(unquote(uri))
    if document is None or not _is_cell(uri):
        return ""
    texts = []
    for other in documents.values():
        if other is document:
            break
        if are_together(uri, other.uri) and other.language_id == document.language_id:
            text = other.source.strip("\r\n")
            if text.strip() and not text.startswith(_FOREIGN):
                texts.append(text + "\n\n")
    return "".join(texts)


def _is_cell(uri: str) -> bool:
    return uri.startswith(SCHEME + ":")


def _notebook(uri: str) -> str:
    return unquote(uri).partition("#")[0]
