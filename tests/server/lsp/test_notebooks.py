"""Cells of a notebook: in the folder of their notebook, behind the cells above them."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from homespun.server.lsp.documents import Documents
from homespun.server.lsp.notebooks import are_together, file_of, text_above
from homespun.server.lsp.workspaces import path_of


def cell(fragment, path="/work/a b.ipynb"):
    return f"vscode-notebook-cell:{path.replace(' ', '%20')}#{fragment}"


@pytest.fixture
def documents():
    """Open documents by URI; `documents(uri, text)` opens one more."""
    workspace = Documents(None, lsp.TextDocumentSyncKind.Incremental, [], "utf-16")

    def opened(uri, text, language="python"):
        workspace.put_text_document(lsp.TextDocumentItem(uri, language, 1, text))
        return workspace.text_documents

    return opened


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        (cell("W0sZmlsZQ=="), "file:///work/a%20b.ipynb"),
        ("vscode-notebook-cell:///c%3A/a.ipynb#X", "file:///c%3A/a.ipynb"),
        ("vscode-notebook-cell://ssh-remote%2Bhost/work/a.ipynb#X", "file:///work/a.ipynb"),
        ("file:///work/a.ipynb", "file:///work/a.ipynb"),
        ("untitled:Untitled-1", "untitled:Untitled-1"),
    ],
)
def test_a_cell_belongs_to_the_file_of_its_notebook(uri, file):
    assert file_of(uri) == file


def test_the_path_of_a_cell_is_that_of_its_notebook():
    assert path_of(cell("X")).as_posix() == "/work/a b.ipynb"
    assert path_of("untitled:a.py") is None


def test_the_cells_above_stand_before_a_cell_in_the_order_of_their_opening(documents):
    documents(cell("one"), "import os\n")
    documents(cell("two"), "\nx = os.sep")
    known = documents(cell("three"), "y = ")
    documents(cell("four"), "z = 4")
    assert text_above(cell("three"), known) == "import os\n\nx = os.sep\n\n"
    assert text_above(cell("one"), known) == ""


def test_other_notebooks_other_languages_and_other_documents_do_not_stand_above(documents):
    documents(cell("one", "/work/other.ipynb"), "other = 1")
    documents(cell("prose"), "# Title", language="markdown")
    documents(cell("shell"), "%%bash\nls", language="python")
    documents(cell("blank"), "  \n", language="python")
    documents("file:///work/a%20b.ipynb", "{}")
    documents(cell("code"), "x = 1")
    known = documents(cell("last"), "y = ")
    documents("untitled:a.py", "y = ")
    assert text_above(cell("last"), known) == "x = 1\n\n"
    assert text_above("untitled:a.py", known) == ""
    assert text_above(cell("unknown"), known) == ""


def test_cells_of_the_same_notebook_are_together():
    assert are_together(cell("one"), cell("two"))
    assert not are_together(cell("one"), cell("two", "/work/other.ipynb"))
    assert not are_together("file:///a.py", "file:///a.py")
