"""`homespun traces`: what the last completions, searches and trainings took, and why nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.storage import write_private, writing

if TYPE_CHECKING:
    from homespun.traces.kept import Trace

_OFF = (
    "nothing is kept: put `traces = true` into [observe] of your homespun.toml, or set "
    "HOMESPUN_OBSERVE_TRACES=1; it stays on this machine and holds no source text"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("id", nargs="?", help="show one trace whole; its identifier's beginning")
    parser.add_argument(
        "--limit", type=int, default=20, metavar="N", help="traces at most (default: 20)"
    )
    parser.add_argument("--name", default="", help="only these, e.g. completion or search")
    parser.add_argument("--html", type=Path, metavar="PAGE", help="write them as one page of HTML")
    parser.add_argument("--json", action="store_true", help="print JSON, a line a trace")
    parser.add_argument("--forget", action="store_true", help="remove all that is kept")


def run(args: argparse.Namespace) -> int:
    """Show what is kept; nothing kept is no failure."""
    from homespun.cli.verbs.traces import terminal
    from homespun.traces import kept

    check_least("--limit", args.limit, 1)
    if args.forget:
        print("forgotten" if kept.forget() else "there was nothing to forget")
        return 0
    found = kept.read(name=args.name, most=args.limit, beginning=args.id or "")
    if args.id and len(found.traces) != 1:
        count = len(found.traces)
        raise UsageError(f"{count} traces begin with {args.id!r}; `homespun traces` lists them")
    if found.broken:
        say(f"{found.broken} lines are no traces")
    if args.html is not None:
        _write_page(args.html, found.traces)
    if args.json:
        for trace in found.traces:
            print(json.dumps({"spans": [span.to_json() for span in trace.spans]}))
    elif not found.traces:
        print(_OFF)
    elif args.id:
        terminal.print_whole(found.traces[0])
    else:
        terminal.print_list(found.traces)
    return 0


def _write_page(path: Path, traces: tuple[Trace, ...]) -> None:
    from homespun.cli.verbs.traces.page import page_of

    with writing(path.parent):
        write_private(path, page_of(traces))
    say(f"{str(path)!r} shows {len(traces)} traces")
