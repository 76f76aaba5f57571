"""`homespun models`: list, fetch, verify and export model weights; recommend some for a machine."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.output import say
from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.download.fetch import Downloader, verify_entry
from homespun.models.status import ModelState, state_of
from homespun.progress import Progress

if TYPE_CHECKING:
    from homespun.models.recommend.auto import Recommendation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "show the catalogue and what of it is on this machine")
    fetch = _action(actions, "fetch", "download, check and convert models")
    fetch.add_argument("names", nargs="*", metavar="NAME", help=_default_help())
    fetch.add_argument(
        "--no-convert", action="store_true", help="only download; the first use converts"
    )
    export = _action(actions, "export", "write a model as shipped for another server")
    export.add_argument("name", metavar="NAME", help="catalogue name or path of a model")
    export.add_argument("folder", metavar="DIR", help="where to write; made where it is not there")
    export.add_argument(
        "--form",
        choices=("safetensors", "gguf"),
        default="safetensors",
        help="safetensors: a folder for vLLM and transformers (default); gguf: a file for "
        "llama.cpp, Ollama and LM Studio, in 8 bits",
    )
    verify = _action(actions, "verify", "hash the files on this machine again")
    verify.add_argument(
        "names", nargs="*", metavar="NAME", help="model to verify; default: all that are here"
    )
    recommend = _action(actions, "recommend", "time this machine and name the model that suits it")
    recommend.add_argument(
        "--threads", type=int, metavar="N", help="default: the setting completion.threads"
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    actions = {
        "list": _list,
        "fetch": _fetch,
        "verify": _verify,
        "export": _export,
        "recommend": _recommend,
    }
    return actions[args.action](args)


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, nothing else")
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    return parser


def _default_help() -> str:
    return f"model to fetch; default: {catalogue.default_generator()}"


def _list(args: argparse.Namespace) -> int:
    states = [state_of(catalogue.get(name)) for name in catalogue.names()]
    if args.json:
        print(json.dumps([state.to_json() for state in states], indent=1))
        return 0
    for state in states:
        print(_line(state))
    return 0


def _line(state: ModelState) -> str:
    entry = state.entry
    where = f"  {state.served if state.state == 'ready' else state.source}"
    if state.state == "missing":
        arrived = f" ({_megabytes(state.arrived_bytes)} have arrived)" * bool(state.arrived_bytes)
        where = f"  homespun models fetch {entry.name}{arrived}"
    return (
        f"{entry.name:<20}  {entry.kind:<9}  {_megabytes(entry.total_bytes):>8}  "
        f"{entry.licence}  {state.state:<10}{where}"
    )


def _fetch(args: argparse.Namespace) -> int:
    from homespun.cli.progress import RichProgress

    wanted = args.names or [catalogue.default_generator()]
    entries = [catalogue.get(name) for name in dict.fromkeys(wanted)]
    reports: list[dict[str, object]] = []
    with RichProgress(quiet=args.json) as progress:
        downloader = Downloader(progress)
        for entry in entries:
            began = time.monotonic()
            source = downloader.fetch(entry)
            directory = source if args.no_convert else _served(entry.name, progress)
            seconds = round(time.monotonic() - began, 2)
            reports.append({**state_of(entry).to_json(), "seconds": seconds})
            if not args.json:
                print(f"{entry.name}: {reports[-1]['state']} in {directory} ({seconds} s)")
    if args.json:
        print(json.dumps(reports, indent=1))
    return 0


def _served(name: str, progress: Progress) -> object:
    from homespun.models.serve import ensure_served

    return ensure_served(name, progress)


def _export(args: argparse.Namespace) -> int:
    from homespun.cli.progress import RichProgress
    from homespun.models.export.export import export

    with RichProgress(quiet=args.json) as progress:
        written = export(args.name, Path(args.folder), form=args.form, progress=progress)
    if args.json:
        print(json.dumps({"name": args.name, "form": args.form, "written": str(written)}))
    else:
        print(f"{args.name}: {written}; docs/remote.md says how servers are started with it")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from homespun.cli.progress import RichProgress

    names = args.names or [name for name in catalogue.names() if _has_files(name)]
    entries = [catalogue.get(name) for name in dict.fromkeys(names)]
    reports: list[dict[str, object]] = []
    with RichProgress(quiet=args.json) as progress:
        for entry in entries:
            source = verify_entry(entry, progress)
            reports.append(
                {
                    "name": entry.name,
                    "source": str(source),
                    "sha256": {file.name: file.sha256 for file in entry.files},
                }
            )
            if not args.json:
                print(f"{entry.name}: all {len(entry.files)} files are the pinned ones ({source})")
    if args.json:
        print(json.dumps(reports, indent=1))
    elif not entries:
        print("no model is on this machine; `homespun models fetch` brings the default ones")
    return 0


def _recommend(args: argparse.Namespace) -> int:
    from homespun.models.recommend.auto import recommend
    from homespun.server.options import CompletionOptions
    from homespun.settings import settings_of

    flags = {"threads": args.threads}
    options = settings_of(CompletionOptions, "completion", workspace=None, flags=flags, say=say)
    found = recommend(threads=options.threads, anew=True, say=say)
    if args.json:
        print(json.dumps(found.to_json(), indent=1))
        return 0
    for line in _recommendation(found):
        print(line)
    return 0


def _recommendation(found: Recommendation) -> Iterator[str]:
    """Yield the lines for a person: the machine, a row a model, and what is recommended."""
    machine, speeds = found.machine, found.speeds
    free = f", {found.free_memory_mb:,} MB of memory free" * bool(found.free_memory_mb)
    yield (
        f"{machine.processor}, {machine.cores} cores{free}: {speeds.memory_gb_s:.1f} GB/s of "
        f"memory, {speeds.int8_gproducts_s:.0f}e9 int8 products/s"
    )
    yield f"{'':<20}  {'key to answer, p50':>18}  {'p95':>9}  {'memory':>8}"
    for row in found.models:
        yield (
            f"{row.name:<20}  {row.p50_ms:>15,.0f} ms  {row.p95_ms:>6,.0f} ms  "
            f"{row.memory_mb:>5,} MB  {state_of(catalogue.get(row.name)).state}"
        )
    if not found.choice.model:
        yield found.choice.reason
        return
    yield f"recommended: {found.choice.model}; {found.choice.reason}"
    if state_of(catalogue.get(found.choice.model)).state == "missing":
        yield f"homespun models fetch {found.choice.model}"


def _has_files(name: str) -> bool:
    entry = catalogue.get(name)
    return any(cache.file_path(entry, file).exists() for file in entry.files)


def _megabytes(count_bytes: int) -> str:
    return f"{count_bytes / 1e6:,.0f} MB"
