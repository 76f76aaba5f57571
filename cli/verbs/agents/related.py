"""`homespun related`: code elsewhere that is like the definition around a line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.indexer.config import IndexConfig
from homespun.indexer.roots import workspace_of
from homespun.settings import settings_of

_TOP_K = 5
_SNIPPET_LINES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("place", metavar="FILE:LINE", help="a line of an indexed file, from 1")
    parser.add_argument(
        "--path",
        metavar="DIR",
        help="the indexed folder (default: the nearest one with an index, else the repository)",
    )
    parser.add_argument(
        "--top-k",
        "--limit",
        type=int,
        default=_TOP_K,
        metavar="N",
        help=f"places at most (default: {_TOP_K})",
    )
    parser.add_argument(
        "--max-snippet-lines",
        type=int,
        default=_SNIPPET_LINES,
        metavar="N",
        help=f"lines shown of each (default: {_SNIPPET_LINES})",
    )
    parser.add_argument("--json", action="store_true", help="print the places as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is alike; nothing alike is no failure. Raises `ArgumentRefused`."""
    file, line = _place(args.place)
    check_least("--top-k", args.top_k, 1)
    check_least("--max-snippet-lines", args.max_snippet_lines, 0)
    from homespun.indexer.index import Index
    from homespun.server.agents.knowledge import Knowledge

    root = Path(args.path) if args.path else workspace_of(file)
    index = Index.open(root, settings_of(IndexConfig, "index", workspace=root, say=say))
    # A file is named from where the user is, also with --path; in an index by its path in there.
    found = Knowledge(root, index).related(
        str(file.absolute() if file.exists() else file),
        line,
        top_k=args.top_k,
        max_snippet_lines=args.max_snippet_lines,
    )
    print(json.dumps(found.to_json()) if args.json else found.to_text(), flush=True)
    return 0


def _place(text: str) -> tuple[Path, int]:
    """Read FILE:LINE from the right, as compilers print it."""
    file, _, line = text.rpartition(":")
    if not file or not (line.isascii() and line.isdigit()) or not 0 < int(line) < 10**9:
        raise UsageError(f"{text!r} is no FILE:LINE, for example src/app.py:12")
    return Path(file), int(line)
