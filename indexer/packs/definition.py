"""What a pack holds: rows of definitions, files and imports. Standard library only.

`kind` says what a row is. "file": a Python file; its `name` is the module that others import.
"import": a name that a file binds to another's (`name`), taken from the module `signature` under
the name `qualified`. "field" and "attribute": what a class has beside its methods. All else is a
definition as the index has it.
"""

from __future__ import annotations

from dataclasses import dataclass

FILE, IMPORT, FIELD, ATTRIBUTE = "file", "import", "field", "attribute"
KINDS = (
    *(FILE, IMPORT, FIELD, ATTRIBUTE),
    *("class", "function", "method", "type", "variable", "constant"),
)
# What stands above a definition and changes what it is; other decorators are not published.
LEADS = (
    *("property", "cached_property", "classmethod", "staticmethod"),
    *("contextmanager", "asynccontextmanager", "dataclass", "overload"),
)


@dataclass(frozen=True, slots=True)
class PackRow:
    """One row; every text is one line, but `body`."""

    path: str  # in its repository
    kind: str  # one of KINDS
    name: str
    qualified: str  # "Session.request"
    start_line: int  # 1-based, inclusive
    end_line: int
    signature: str
    doc: str  # first line of its documentation
    lead: str = ""  # of LEADS, parted by spaces
    body: str = ""  # the lines themselves, where bodies are published and it is short


# Bounds of a pack, of what is published and of what is believed.
MAX_PACK_BYTES = 32_000_000  # as it lies at its place; of 500,000 lines 0.3 MB
MAX_PACK_TEXT = 256_000_000  # characters of all rows
MAX_ROWS = 400_000
MAX_LINE = 10_000_000
MAX_BODY_LINES = 30  # what a prompt would show whole
MAX_CHARS = {
    "path": 500,
    "kind": 20,
    "name": 300,
    "qualified": 600,
    "signature": 500,
    "doc": 500,
    "lead": 100,
    "body": 6_000,
}
