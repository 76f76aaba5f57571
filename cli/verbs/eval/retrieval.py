"""`homespun eval retrieval`: the search, on queries whose answers are known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.cli.verbs.eval import accepted
from homespun.indexer.config import IndexConfig
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.evaluation.queries import Query
    from homespun.indexer.evaluation.report import RegressionVerdict, Report
    from homespun.indexer.index import Index
    from homespun.models.types import Encoder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "queries", metavar="QUERIES.json", help='a list of {"query": …, "relevant": [path, …]}'
    )
    parser.add_argument("--path", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument("--mode", choices=("hybrid", "lexical", "dense"), default="hybrid")
    parser.add_argument(
        "--limit", type=int, default=10, help="hits that count (default: 10, for NDCG@10)"
    )
    accepted.add_arguments(parser, default=f"in DIR/.homespun/{accepted.FOLDER}/")
    parser.add_argument(
        "--below", type=float, default=0.0, metavar="SCORE", help="list queries with less NDCG"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, compare, print; 1 where the search got worse or cannot be compared."""
    from homespun.indexer.errors import BadReport
    from homespun.indexer.evaluation import queries
    from homespun.indexer.evaluation import report as evaluation_report

    if args.limit < 1:
        raise UsageError(f"--limit is {args.limit}; give 1 or more")
    asked = queries.load(Path(args.queries))
    root = Path(args.path)
    compared = accepted.ComparedPart(
        evaluation_report,
        BadReport,
        measure=lambda: _measured(root, asked, args),
        show=lambda report, verdict: _print(report, verdict, args),
        drop_sentence=_drop_sentence,
    )
    return compared.run(args, root, f"{Path(args.queries).stem}-{args.mode}.json")


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


def _drop_sentence(verdict: RegressionVerdict) -> str:
    from homespun.cli.verbs.eval import retrieval_tables

    return retrieval_tables.drop_sentence(verdict)
