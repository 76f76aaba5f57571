"""`homespun eval`: what is measured here, and whether it is still as good as it was.

`retrieval` is in this file; the other parts are in `completion.py` and `infilling.py`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.cli.verbs.eval import completion, infilling
from homespun.indexer.config import IndexConfig
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.evaluation.queries import Query
    from homespun.indexer.evaluation.report import RegressionVerdict, Report
    from homespun.indexer.index import Index
    from homespun.models.types import Encoder

_FOLDER = "eval"  # of accepted reports, beside the index


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
    _add_retrieval(actions)
    summary = "lines of later commits, completed by every arm: exact lines, style, failures, speed"
    part = actions.add_parser("completion", help=summary, description=summary)
    completion.add_arguments(part)
    part.set_defaults(part=completion.run)
    summary = "ordinary Python, a line at a time: exact lines, with and without an adapter"
    part = actions.add_parser("infilling", help=summary, description=summary)
    infilling.add_arguments(part)
    part.set_defaults(part=infilling.run)
    for part in actions.choices.values():
        part.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    return int(args.part(args))


def _add_retrieval(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    summary = "NDCG, recall and times of the search on queries whose answers are known"
    retrieval = actions.add_parser("retrieval", help=summary, description=summary)
    retrieval.add_argument(
        "queries", metavar="QUERIES.json", help='a list of {"query": …, "relevant": [path, …]}'
    )
    retrieval.add_argument("--path", default=".", metavar="DIR", help="folder (default: .)")
    retrieval.add_argument("--mode", choices=("hybrid", "lexical", "dense"), default="hybrid")
    retrieval.add_argument(
        "--limit", type=int, default=10, help="hits that count (default: 10, for NDCG@10)"
    )
    retrieval.add_argument("--accept", action="store_true", help="compare later runs with this one")
    retrieval.add_argument(
        "--accepted", metavar="FILE", help=f"accepted report (default: in DIR/.homespun/{_FOLDER}/)"
    )
    retrieval.add_argument(
        "--below", type=float, default=0.0, metavar="SCORE", help="list queries with less NDCG"
    )
    retrieval.add_argument("--json", action="store_true", help="print the report as JSON")
    retrieval.set_defaults(part=_run_retrieval)


def _run_retrieval(args: argparse.Namespace) -> int:
    """Evaluate, compare, print; 1 where the search got worse or cannot be compared."""
    from homespun.indexer.evaluation import queries
    from homespun.indexer.evaluation.report import judge, save

    if args.limit < 1:
        raise UsageError(f"--limit is {args.limit}; give 1 or more")
    asked = queries.load(Path(args.queries))
    root = Path(args.path)
    accepted_at = _accepted_at(args, root)
    accepted = None if args.accept and not accepted_at.exists() else _load(accepted_at, args)
    report = _measured(root, asked, args)
    verdict = None if accepted is None else judge(report, accepted)
    if args.accept:
        save(report, accepted_at, root=_sealed_in(args, root))
    _print(report, verdict, args)
    return _said(verdict, accepted_at, is_accepting=args.accept)


def _load(path: Path, args: argparse.Namespace) -> Report | None:
    """Read the accepted report; one that cannot be read does not stop its replacement."""
    from homespun.indexer.errors import BadReport
    from homespun.indexer.evaluation.report import load

    try:
        return load(path, root=_sealed_in(args, Path(args.path)))
    except BadReport:
        if args.accept:
            return None
        raise


def _accepted_at(args: argparse.Namespace, root: Path) -> Path:
    if args.accepted:
        return Path(args.accepted)
    from homespun.indexer import build

    return build.folder_of(root) / _FOLDER / f"{Path(args.queries).stem}-{args.mode}.json"


def _sealed_in(args: argparse.Namespace, root: Path) -> Path | None:
    """Return the folder whose state the report is part of; None for a file that the user names."""
    return None if args.accepted else root


def _measured(root: Path, asked: tuple[Query, ...], args: argparse.Namespace) -> Report:
    from homespun.indexer.evaluation import evaluate
    from homespun.indexer.evaluation.report import Report, versions_of

    with RichProgress(quiet=args.json) as progress:
        index, encoder = _indexed(root, args.mode, progress)
    corpus = evaluate.evaluate(
        lambda text: index.search(text, limit=args.limit, mode=args.mode),
        asked,
        name=Path(args.queries).stem,
        paths=index.paths(),
        below=index.root.as_posix().strip("/"),
        content=evaluate.content_of(index.root, index.paths()),
        chunks=index.info().chunks,
        limit=args.limit,
    )
    return Report(args.mode, args.limit, versions_of(encoder), (corpus,))


def _indexed(root: Path, mode: str, progress: RichProgress) -> tuple[Index, str]:
    """Bring the index up to date, with vectors where the mode wants them; name the encoder."""
    from homespun.indexer.index import Index

    settings = settings_of(IndexConfig, "index", workspace=root, say=say)
    name = "none" if mode == "lexical" else settings.encoder
    if name == "none" and mode == "dense":
        raise UsageError("--mode dense needs an encoder, and index.encoder is 'none'")
    encoder = _encoder(name)
    index = Index.open(root, settings, create=True)
    index.update(progress=progress)
    if encoder is not None:
        index.use_encoder(encoder)
        index.embed(progress=progress)
    return index, name


def _encoder(name: str) -> Encoder | None:
    from homespun.indexer.embedding.encoders import open_encoder
    from homespun.models.errors import ModelMissing

    try:
        return open_encoder(name)
    except ModelMissing as missing:
        raise Unavailable(f"{missing}; or measure words alone with --mode lexical") from missing


def _print(report: Report, verdict: RegressionVerdict | None, args: argparse.Namespace) -> None:
    from homespun.cli.verbs.eval import retrieval_tables

    if args.json:
        body = report.to_json() | {"comparison": retrieval_tables.verdict_json(verdict)}
        print(json.dumps(body), flush=True)
        return
    retrieval_tables.print_report(report, below=args.below)
    if verdict is not None:
        retrieval_tables.print_verdict(verdict, report)


def _said(verdict: RegressionVerdict | None, path: Path, *, is_accepting: bool) -> int:
    """Say how it ended, in one sentence on stderr; return the exit status."""
    if is_accepting:
        say(f"later runs are compared with this one ({str(path)!r})")
        return 0
    if verdict is None:
        say(f"there is no accepted report at {str(path)!r} yet; --accept makes this one it")
        return 0
    if verdict.obstacle:
        say(f"nothing can be compared: {verdict.obstacle}; --accept accepts this one instead")
        return 1
    if verdict.failed:
        from homespun.cli.verbs.eval import retrieval_tables

        say(retrieval_tables.drop_sentence(verdict))
        return 1
    return 0
