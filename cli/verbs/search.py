"""`homespun search`: ask the index, or a table of many, one question or a file of them."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.cli.verbs.fleet import asked
from homespun.errors import in_words
from homespun.indexer.config import IndexConfig
from homespun.indexer.types import Hit
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.parsing import parse_json
from homespun.settings import settings_of
from homespun.showable import showable_line

if TYPE_CHECKING:
    from homespun.indexer.index import Index
    from homespun.indexer.table.search import TableHit

_PREVIEW_LINES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("query", nargs="?", help="a question, a name, a path or some code")
    parser.add_argument("--queries", metavar="FILE", help='JSON list of {"query": …}')
    parser.add_argument("--path", default=".", metavar="DIR", help="indexed folder (default: .)")
    parser.add_argument(
        "--limit", "--top-k", type=int, default=10, metavar="N", help="hits at most (default: 10)"
    )
    parser.add_argument(
        "--max-snippet-lines",
        type=int,
        metavar="N",
        help=f"lines shown of a hit (default: {_PREVIEW_LINES}; with --json all of them)",
    )
    parser.add_argument("--mode", choices=("hybrid", "lexical", "dense"), default="hybrid")
    parser.add_argument("--language", help="only this language, e.g. python")
    parser.add_argument("--glob", help="only paths like this, e.g. 'src/**/*.py'")
    parser.add_argument("--kind", help="only this kind of chunk, e.g. function, method or class")
    parser.add_argument("--symbol", help="only definitions of this name, e.g. Session.send")
    parser.add_argument(
        "--json", action="store_true", help='print {"query", "hits", "ms"} as one line a query'
    )
    parser.add_argument(
        "--encoder", help="encoder at an address, as `homespun index --encoder` was given it"
    )
    parser.add_argument(
        "--reranker", metavar="URL", help="server or folder that looks at the best hits once more"
    )
    parser.add_argument("--explain", action="store_true", help="show what each score is made of")
    asked.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, print hits; no hit is no failure."""
    queries = _queries(args)
    check_least("--limit", args.limit, 1)
    most_lines = args.max_snippet_lines
    check_least("--max-snippet-lines", most_lines, 0)
    asked.check_arguments(args)
    find = _finder(args) if args.table is None else asked.finder(args)
    for query in queries:
        began = time.perf_counter()
        hits = find(query)
        ms = (time.perf_counter() - began) * 1000
        if args.json:
            shown = [_cut(hit.to_json(), most_lines) for hit in hits]
            answer = {"query": query, "hits": shown, "ms": round(ms, 3)}
            print(json.dumps(answer), flush=True)
        else:
            lines = _PREVIEW_LINES if most_lines is None else most_lines
            with_query = args.queries is not None
            _print(query, hits, explain=args.explain, with_query=with_query, most_lines=lines)
    return 0


def _finder(args: argparse.Namespace) -> Callable[[str], list[Hit]]:
    """Open the index of the folder; return what answers a question."""
    return partial(
        _opened(Path(args.path), args).search,
        limit=args.limit,
        mode=args.mode,
        language=args.language,
        glob=args.glob,
        kind=args.kind,
        symbol=args.symbol,
    )


def _cut(body: dict[str, object], most_lines: int | None) -> dict[str, object]:
    """Return a hit's JSON object with so many lines of its text, None for all."""
    if most_lines is None:
        return body
    return body | {"text": "".join(str(body["text"]).splitlines(keepends=True)[:most_lines])}


def _queries(args: argparse.Namespace) -> list[str]:
    if (args.query is None) == (args.queries is None):
        raise UsageError("give a query or --queries FILE, one of the two")
    queries = [args.query] if args.queries is None else _from_file(Path(args.queries))
    for number, query in enumerate(queries, start=1):
        if not query.strip():
            where = f"entry {number} of {args.queries!r}" if args.queries else "the query"
            raise UsageError(f"{where} is empty; give a question, a name, a path or some code")
    return queries


def _from_file(path: Path) -> list[str]:
    try:
        entries = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--queries {str(path)!r} cannot be read as JSON: {in_words(error)}"
        ) from error
    if not isinstance(entries, list):
        raise UsageError(f'--queries {str(path)!r} holds no list; it wants [{{"query": …}}, …]')
    queries = []
    for number, entry in enumerate(entries, start=1):
        query = entry.get("query") if isinstance(entry, dict) else entry
        if not isinstance(query, str):
            raise UsageError(
                f"entry {number} of {str(path)!r} is {entry!r}; it wants an object with "
                'a string "query"'
            )
        queries.append(query)
    return queries


def _opened(root: Path, args: argparse.Namespace) -> Index:
    """Open the index, with what the settings and flags name to search with."""
    from homespun.indexer.index import Index
    from homespun.indexer.search.reranking import open_reranking

    flags = {"encoder": args.encoder}
    settings = settings_of(IndexConfig, "index", workspace=root, flags=flags, say=say)
    index = _with_vectors(Index.open(root, settings), settings, root, args.mode)
    index.fallbacks.say = say
    flags = {"reranker": args.reranker}
    index.use_reranking(open_reranking(workspace=root, flags=flags, say=say))
    return index


def _with_vectors(index: Index, settings: IndexConfig, root: Path, mode: str) -> Index:
    """Give the index the encoder that its vectors come from, where that is wanted."""
    if mode == "lexical" or (settings.encoder == "none" and mode != "dense"):
        return index
    stamp = index.encoder_stamp
    if stamp is None:
        say(
            "the index has no vectors yet, so search goes by words alone; "
            f"`homespun index {root}` computes them"
        )
        return index
    from homespun.indexer.embedding.encoders import open_encoder
    from homespun.models.errors import ModelsError

    name = stamp.name
    if is_address(name):  # it stands in the folder: what is asked is what the user named
        name = settings.encoder
        if not is_address(name):
            say(
                f"the index has vectors of {stamp.name!r} and index.encoder is {name!r}, so "
                "nothing is sent and search goes by words alone; "
                f"`homespun index {root}` computes others"
            )
            return index
    try:
        index.use_encoder(open_encoder(name, workspace=root, say=say))
    except ModelsError as error:
        say(f"search goes by words alone: {error}")
        return index
    if index.why_not_dense():
        say(index.why_not_dense())
    return index


def _print(
    query: str,
    hits: Sequence[Hit | TableHit],
    *,
    explain: bool,
    with_query: bool,
    most_lines: int,
) -> None:
    if with_query:
        print(f"== {query}")
    if not hits:
        print("no hits")
    for found in hits:
        hit, place = (found, "") if isinstance(found, Hit) else (found.hit, f"{found.repository}:")
        name = f"  {showable_line(hit.symbol)}" if hit.symbol else ""
        place += f"{showable_line(hit.path)}:{hit.start_line}-{hit.end_line}"  # line ends in names
        print(f"{place}{name}  {showable_line(hit.kind)}  {hit.score:.4f}")
        if explain:
            print("    " + ", ".join(f"{part} {share:+.4f}" for part, share in hit.why.items()))
        lines = [line for line in hit.text.splitlines() if line.strip()]
        for line in lines[:most_lines]:
            print(f"    {line[:110]}")
