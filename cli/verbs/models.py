"""`homespun models`: list, fetch, verify and export model weights."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from homespun.models import catalogue
from homespun.models.download import cache
from homespun.models.download.fetch import Downloader, verify_entry
from homespun.models.status import ModelState, state_of
from homespun.progress import Progress


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


def run(args: argparse.Namespace) -> int:
    """Do what was asked; return the exit status."""
    actions = {"list": _list, "fetch": _fetch, "verify": _verify, "export": _export}
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


def _has_files(name: str) -> bool:
    entry = catalogue.get(name)
    return any(cache.file_path(entry, file).exists() for file in entry.files)


def _megabytes(count_bytes: int) -> str:
    return f"{count_bytes / 1e6:,.0f} MB"
