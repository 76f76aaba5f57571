"""`homespun complete`: one completion at FILE:LINE:COLUMN, or many from a file of rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.output import say
from homespun.indexer.languages import language_of
from homespun.indexer.roots import workspace_of
from homespun.models.remote.options import KindName, Route
from homespun.server.completion.source_file import offset_of, path_in, read_source, request_at
from homespun.server.errors import SourceUnreadable
from homespun.server.traces.trail import complete_traced
from homespun.server.types import Completion, CompletionRequest

if TYPE_CHECKING:
    from rich.console import Console

    from homespun.server.completion.completer import Completer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "position",
        nargs="?",
        metavar="FILE:LINE:COLUMN",
        help="the cursor; lines and columns count from 1, columns count characters",
    )
    parser.add_argument(
        "--batch",
        metavar="FILE.jsonl",
        help='a row a line: {"id", "path", "line", "column"} or {"id", "prefix", "suffix", "path"}',
    )
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        help="the indexed folder (default: the nearest one with an index, else the repository)",
    )
    parser.add_argument("--no-retrieval", action="store_true", help="do not use the index")
    parser.add_argument(
        "--adapter",
        metavar="ID",
        help="a trained adapter, champion (the promoted one), none (the model as shipped) or base "
        "(without its general adapter)",
    )
    parser.add_argument("--model", metavar="NAME", help="catalogue name or path of a model")
    parser.add_argument(
        "--route",
        choices=get_args(Route),
        help="who answers: the model here, a server of yours before it, the server where the "
        "model is in doubt, or whoever of both is first",
    )
    parser.add_argument("--remote", metavar="URL", help="address of the server; implies the route")
    parser.add_argument("--remote-kind", choices=get_args(KindName), help="what is there")
    parser.add_argument("--remote-model", metavar="NAME", help="the model's name there")
    parser.add_argument(
        "--sibling",
        action="append",
        metavar="NAME",
        help="look into what this repository published as well, e.g. acme/auth; may be repeated",
    )
    parser.add_argument("--siblings-root", metavar="URI", help="where the packs of siblings lie")
    parser.add_argument("--json", action="store_true", help="print JSON, a line a completion")


def run(args: argparse.Namespace) -> int:
    """Complete and print; 1 when a row of a batch was broken."""
    if (args.position is None) == (args.batch is None):
        raise UsageError("give FILE:LINE:COLUMN or --batch FILE, one of the two")
    if args.batch is not None:
        return _run_batch(args)
    position = parse_position(args.position)
    workspace = Path(args.workspace) if args.workspace else workspace_of(position.file)
    request = request_at(
        position.file, folder=workspace, line=position.line, column=position.column
    )
    completion = complete_traced(_completer(args, workspace), request)
    if args.json:
        print(json.dumps(completion.to_json()), flush=True)
    else:
        _print(position, request.text, completion)
    return 0


@dataclass(frozen=True, slots=True)
class FilePosition:
    """A cursor as compilers print it."""

    file: Path
    line: int  # 1-based
    column: int  # 1-based, in characters


def parse_position(text: str) -> FilePosition:
    r"""Read FILE:LINE:COLUMN from the right, so `C:\app.py:3:1` is a file on drive C."""
    parts = text.rsplit(":", 2)
    if len(parts) != 3 or not parts[0]:
        raise UsageError(f"{text!r} is no FILE:LINE:COLUMN, for example src/app.py:12:9")
    file, line, column = parts
    numbers = {"line": line, "column": column}
    for what, number in numbers.items():
        if not (number.isascii() and number.isdigit()) or int(number) < 1:
            raise UsageError(f"the {what} in {text!r} is {number!r}; give a number from 1 on")
    return FilePosition(Path(file), int(line), int(column))


def _run_batch(args: argparse.Namespace) -> int:
    if not args.json:
        raise UsageError("--batch answers a line of JSON a row; add --json")
    source = Path(args.batch)
    try:
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"--batch {args.batch!r} cannot be read: {error}") from error
    workspace = Path(args.workspace) if args.workspace else Path.cwd()
    completer = _completer(args, workspace)
    broken = 0
    for answer in _answers(lines, workspace, completer):
        broken += "error" in answer
        print(json.dumps(answer), flush=True)
    return 1 if broken else 0


def _answers(
    lines: list[str], workspace: Path, completer: Completer
) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row_id: object = None
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise Unavailable(f"row {number} is {row!r}, not an object")
            row_id = row.get("id")
            request = request_of(row, workspace)
        except (ValueError, RecursionError, Unavailable, SourceUnreadable) as error:
            yield {"id": row_id, "error": f"row {number}: {error}"}
            continue
        yield {"id": row_id} | complete_traced(completer, request).to_json()


def request_of(row: dict[str, object], workspace: Path) -> CompletionRequest:
    """Return what a row of a batch asks for. Raises `Unavailable`, `SourceUnreadable`."""
    if "prefix" in row:
        prefix, suffix = _text(row, "prefix"), _text(row, "suffix", default="")
        path = _text(row, "path", default="")
        shown = path_in(workspace / path, workspace) if path else ""
        return CompletionRequest(
            text=prefix + suffix,
            offset=len(prefix),
            path=shown,
            language=language_of(path) if path else "",
            explicit=True,
        )
    path = _text(row, "path")
    line, column = _number(row, "line"), _number(row, "column")
    file = workspace / path
    text = read_source(file)
    return CompletionRequest(
        text=text,
        offset=offset_of(text, line, column),
        path=path_in(file, workspace),
        language=language_of(path),
        explicit=True,
    )


def _text(row: dict[str, object], key: str, *, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        raise Unavailable(f"{key!r} is {value!r}; give a string")
    return value


def _number(row: dict[str, object], key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unavailable(f"{key!r} is {value!r}; give a whole number from 1 on")
    return value


def _completer(args: argparse.Namespace, workspace: Path) -> Completer:
    if not workspace.is_dir():
        raise Unavailable(f"the workspace {str(workspace)!r} is no folder; give --workspace DIR")
    from homespun.cli.progress import RichProgress
    from homespun.server.completion.completer import Completer
    from homespun.server.completion.open import open_index

    index, no_retrieval = None, args.no_retrieval
    if (args.sibling or args.siblings_root) and not no_retrieval:
        flags = {"siblings": args.sibling, "siblings_root": args.siblings_root}
        index = open_index(workspace, flags=flags, say=say)
        no_retrieval = index is None  # why has been said
    with RichProgress(quiet=args.json) as progress:
        return Completer.open(
            workspace,
            model=args.model,
            adapter=args.adapter,
            retrieval=False if no_retrieval else None,
            remote=remote_flags(args),
            index=index,
            progress=progress,
            say=say,
        )


def remote_flags(args: argparse.Namespace) -> dict[str, object]:
    """Return the settings of `model.remote` that were given; None is not given."""
    route = args.route or ("remote" if args.remote else None)
    return {
        "route": route,
        "url": args.remote,
        "kind": args.remote_kind,
        "model": args.remote_model,
    }


def _print(position: FilePosition, text: str, completion: Completion) -> None:
    from rich.console import Console
    from rich.text import Text

    from homespun.server.commands.why import sentence
    from homespun.server.licences.check import same_as_words
    from homespun.showable import showable_line

    console = Console(soft_wrap=True, highlight=False)
    where = f"{position.file}:{position.line}:{position.column}"
    console.print(Text(where, style="bold"), Text(completion.finish, style="dim"))
    lines = text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    if completion.text:
        _print_marked(console, line, position.column - 1, completion.text)
    else:
        console.print(Text(f"  {line}"))
        console.print(Text(f"  {sentence(completion)}", style="dim"))
    for place in completion.same_as:
        console.print(Text(f"  the same as {same_as_words([place])}", style="bold"))
    for source in completion.sources:
        span = f"{showable_line(source.path)}:{source.start_line}-{source.end_line}"
        console.print(Text(f"  from {span}  {source.score:.2f}", style="dim"))
    times = "  ".join(f"{stage} {ms:.0f}" for stage, ms in completion.timings_ms.items())
    tokens = "  ".join(f"{what} {count}" for what, count in completion.tokens.items())
    console.print(Text(f"  ms: {times}", style="dim"))
    console.print(Text(f"  tokens: {tokens}", style="dim"))


def _print_marked(console: Console, line: str, column: int, completion: str) -> None:
    """Show the line as it would be, what is new in colour and between marks."""
    from rich.text import Text

    first, *more = completion.split("\n")
    shown = Text.assemble("  ", line[:column])
    for number, part in enumerate([first, *more]):
        if number:
            shown.append("\n  ")
        begin = "«" if number == 0 else ""
        end = "»" if number == len(more) else ""
        shown.append(f"{begin}{part}{end}", style="black on green")
    shown.append(line[column:])
    console.print(shown)
