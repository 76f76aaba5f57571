"""`homespun index`: build or update a repository's index, once or for as long as one works."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.cli.verbs import packs
from homespun.indexer.config import IndexConfig
from homespun.models.types import AskedEncoder
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.indexer.types import IndexReport

_FOREVER_SECONDS = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument("--watch", action="store_true", help="go on and follow changes of files")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--encoder",
        help='encoder for vectors, "none" for words alone, or openai:MODEL@URL, which sends text',
    )
    parser.add_argument("--rebuild", action="store_true", help="throw the old index away first")
    packs.add_arguments(parser)
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", help="wait for another writer to end")
    waiting.add_argument("--no-wait", action="store_true", help="fail at once if there is one")


def run(args: argparse.Namespace) -> int:
    """Index, print what was done."""
    from homespun.indexer.embedding.encoders import encoder_at_hand
    from homespun.indexer.index import Index

    if args.retract:
        return packs.retract(args)
    packs.check_arguments(args)
    root = Path(args.dir)
    wait_seconds = _FOREVER_SECONDS if args.wait else 0.0 if args.no_wait else None
    flags = {"encoder": args.encoder, "lock_wait_seconds": wait_seconds}
    settings = settings_of(IndexConfig, "index", workspace=root, flags=flags, say=say)
    if args.encoder == "":
        raise UsageError(
            '--encoder wants a name: "homespun-static-1", one of `homespun models list`, or "none"'
        )
    index = Index.open(root, settings, create=True)
    with RichProgress(quiet=args.json) as progress:
        report = (
            index.rebuild(progress=progress) if args.rebuild else index.update(progress=progress)
        )
        note = report.notes.append
        encoder = encoder_at_hand(settings.encoder, workspace=root, say=note)
        if encoder is not None:
            index.use_encoder(encoder)
            report.embedded = index.embed(progress=progress, say=note)
            if isinstance(encoder, AskedEncoder) and report.embedded:
                note(f"{report.embedded} texts went to {encoder.where()}, without their secrets")
    published = None if args.publish is None else packs.publish(args, index)
    if args.json:
        more = {"published": published.to_json()} if published else {}
        print(json.dumps(asdict(report) | more), flush=True)
    else:
        _print(report, index)
        if published:
            packs.show(args, published)
    return _watch(index, as_json=args.json) if args.watch else 0


def _watch(index: Index, *, as_json: bool) -> int:
    """Follow the files until Ctrl-C."""
    from homespun.indexer.watch import watch

    say(f"watching {str(index.root)!r}; Ctrl-C ends")
    try:
        watch(
            index,
            stop=threading.Event(),
            on_update=lambda report: _print_update(report, as_json=as_json),
            on_trouble=lambda error: say(str(error)),
        )
    except KeyboardInterrupt:
        say("stopped watching")
    return 0


def _print_update(report: IndexReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report)), flush=True)
        return
    print(
        f"{report.added} added, {report.changed} changed, {report.removed} removed; "
        f"{report.files} files ({report.seconds * 1000:.0f} ms)",
        flush=True,
    )


def _print(report: IndexReport, index: Index) -> None:
    print(
        f"{index.root}: {report.files} files, {report.chunks} chunks, {report.symbols} symbols "
        f"({report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged) in {report.seconds:.1f} s"
    )
    if report.embedded:
        print(f"{report.embedded} vectors computed")
    if report.partial:
        print(f"{report.partial} files with syntax errors were parsed in part")
    if report.skipped:
        counts = ", ".join(
            f"{reason} {count} ({report.skipped_examples[reason][0]}{', …' if count > 1 else ''})"
            for reason, count in report.skipped.items()
        )
        print(f"{sum(report.skipped.values())} files skipped: {counts}")
    for note in report.notes:
        print(f"note: {note}")
    sys.stdout.flush()
