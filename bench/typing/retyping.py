"""Retypes the sessions of packages that a file of rows lacks; each program has rows of its own."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.completion.router.ask import RecordingGenerator
from bench.typing.corpus import RetypedPackage, add_use, copy_with, source_files
from bench.typing.sessions import Session, make_sessions
from homespun.indexer.index import Index
from homespun.indexer.secrets.mask import mask
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.models.types import MODEL_AS_SHIPPED, Generator
from homespun.server.completion.open import context_length, open_generator
from homespun.server.options import CompletionOptions

_TIMEOUT_MS = 60_000  # of a server: all of an answer is wanted
_DEADLINE_MS = 10_000  # a busy machine must not cut what is retrieved

RowsOf = Callable[
    [Session, RetypedPackage, Index, RecordingGenerator, CompletionOptions],
    Iterator[Mapping[str, object]],
]


def add_arguments(
    parser: argparse.ArgumentParser, *, sessions: int, keys: int = 60, threads: int = 1
) -> None:
    """Add what `retype_all` and `corpus` are told, with these defaults."""
    parser.add_argument("--rows", type=Path, required=True, help="JSON lines, added to")
    add_use(parser)
    parser.add_argument("--judge", action="store_true", help="ask nothing")
    parser.add_argument("--packages", nargs="+", default=[])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--threads", type=int, default=threads)
    parser.add_argument("--sessions", type=int, default=sessions, help="of each package")
    parser.add_argument("--keys", type=int, default=keys, help="of a session, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--remote", default="", help="address of a server that is asked in place")


def retype_all(
    packages: Sequence[RetypedPackage],
    args: argparse.Namespace,
    *,
    done: Collection[str],
    rows_of: RowsOf,
) -> None:
    """Add the rows of each session that is not `done` to `args.rows`, as JSON lines.

    `args` has what `add_arguments` added.
    """
    options = replace(
        CompletionOptions(),
        model=args.model,
        threads=args.threads,
        retrieve_deadline_ms=_DEADLINE_MS,
    )
    generator = RecordingGenerator(_generator(options, args.remote))
    for package in packages:
        sessions = make_sessions(
            package.name,
            source_files(package.folder(), package.language),
            language=package.language,
            count=args.sessions,
            keys=args.keys,
            seed=args.seed,
        )
        missing = [session for session in sessions if session.name not in done]
        print(f"{package.name}: {len(missing)} of {len(sessions)} sessions", file=sys.stderr)
        if not missing:
            continue
        with tempfile.TemporaryDirectory(prefix="typing-") as scratch:
            root = Path(scratch).resolve() / package.name
            copy_with(package.folder(), root, {session.path: session.text for session in sessions})
            index = Index.open(root)
            for number, session in enumerate(missing, start=1):
                rows = list(rows_of(session, package, index, generator, options))
                with args.rows.open("a", encoding="utf-8") as out:
                    out.writelines(json.dumps(row) + "\n" for row in rows)
                print(f"{package.name}: {number}/{len(missing)}, {len(rows)} rows", file=sys.stderr)


def _generator(options: CompletionOptions, url: str) -> Generator:
    """Return the model, or a server at an address by prompts that were made for the model."""
    context_tokens = context_length(options)
    local = open_generator(
        options.model,
        adapter=MODEL_AS_SHIPPED,
        workspace=None,
        threads=options.threads,
        context_tokens=context_tokens,
        cache_mb=options.cache_mb,
    )
    if not url:
        return local
    asked = RemoteOptions(route="remote", url=url, timeout_ms=_TIMEOUT_MS)
    return open_remote(asked, local, context_tokens=context_tokens, mask=mask)
