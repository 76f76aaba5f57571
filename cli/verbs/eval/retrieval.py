"""`homespun eval retrieval`: the search, on queries whose answers are known."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.cli.errors import Unavailable, UsageError
from homespun.cli.numbers import check_least
from homespun.cli.output import say
from homespun.cli.progress import RichProgress
from homespun.cli.verbs.eval import accepted
from homespun.indexer.config import IndexConfig
from homespun.settings import settings_of

if TYPE_CHECKING:
    from homespun.indexer.evaluation.queries import Query
    from homespun.indexer.evaluation.report import RegressionVerdict, Report
    from homespun.indexer.index import Index
    from homespun.indexer.search.reranking import Reranking
    from homespun.models.types import Encoder


@dataclass(frozen=True, slots=True)
class _Tried:
    """What flags name in place of the settings; None leaves what is set."""

    encoder: str | None = None
    reranker: str | None = None


_NOTHING = _Tried()


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
    trying = parser.add_argument_group("to try", "both ways are measured, and compared")
    trying.add_argument("--encoder", help="another encoder, e.g. openai:MODEL@URL, which gets text")
    trying.add_argument(
        "--reranker", metavar="URL", help="a server or folder that looks at the best hits once more"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """Evaluate, compare, print; 1 where the search got worse or cannot be compared."""
    from homespun.indexer.errors import BadReport
    from homespun.indexer.evaluation import queries
    from homespun.indexer.evaluation import report as evaluation_report

    check_least("--limit", args.limit, 1)
    asked = queries.load(Path(args.queries))
    root = Path(args.path)
    if args.encoder is not None or args.reranker is not None:
        return _tried(root, asked, args)
    compared = accepted.ComparedPart(
        evaluation_report,
        BadReport,
        measure=lambda: _measured(root, asked, args, _NOTHING),
        show=lambda report, verdict: _print(report, verdict, args),
        drop_sentence=_drop_sentence,
    )
    return compared.run(args, root, f"{Path(args.queries).stem}-{args.mode}.json")


def _tried(root: Path, asked: tuple[Query, ...], args: argparse.Namespace) -> int:
    """Measure with what the flags name and without it, and say what it brings; 0 either way."""
    from homespun.cli.verbs.eval import retrieval_tables
    from homespun.indexer.evaluation.report import judge

    if args.accept or args.accepted:
        raise UsageError("--encoder and --reranker try something; --accept takes what is set")
    flags = _Tried(args.encoder, args.reranker)
    # What is set comes last: the index has its vectors afterwards, as it had before.
    tried = _measured(root, asked, args, flags)
    usual = _measured(root, asked, args, _NOTHING)
    verdict = judge(tried, usual)
    if args.json:
        comparison = retrieval_tables.verdict_json(verdict)
        body = {"with": tried.to_json(), "without": usual.to_json(), "comparison": comparison}
        print(json.dumps(body), flush=True)
        return 0
    retrieval_tables.print_report(usual)
    retrieval_tables.print_report(tried, below=args.below)
    retrieval_tables.print_verdict(verdict, tried, against="the search as it is set")
    return 0


def _measured(
    root: Path, asked: tuple[Query, ...], args: argparse.Namespace, flags: _Tried
) -> Report:
    from homespun.indexer.evaluation import evaluate
    from homespun.indexer.evaluation.report import Report, versions_of

    with RichProgress(quiet=args.json) as progress:
        index, encoder = _indexed(root, args.mode, flags.encoder, progress)
    reranking = _reranking(root, flags.reranker)
    index.use_reranking(reranking)
    index.fallbacks.say = lambda sentence: None  # it is no measurement then, as is said below
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
    for sentence, count in index.fallbacks.counts.items():
        raise Unavailable(
            f"searches went without what was to be measured ({count} times): {sentence}"
        )
    versions = versions_of(encoder, reranking.reranker.name if reranking else "")
    return Report(args.mode, args.limit, versions, (corpus,))


def _reranking(root: Path, flag: str | None) -> Reranking | None:
    """Open the reranker of the flag or the settings; one that does not work ends it."""
    from homespun.indexer.search.reranking import open_reranking

    said: list[str] = []
    found = open_reranking(workspace=root, flags={"reranker": flag}, say=said.append)
    for sentence in said:
        say(sentence)
    if flag and found is None:
        raise Unavailable("so there is nothing to measure; mend what --reranker names")
    return found


def _indexed(root: Path, mode: str, flag: str | None, progress: RichProgress) -> tuple[Index, str]:
    """Bring the index up to date, with vectors where the mode wants them; name the encoder."""
    from homespun.indexer.index import Index

    flags = {"encoder": flag}
    settings = settings_of(IndexConfig, "index", workspace=root, flags=flags, say=say)
    name = "none" if mode == "lexical" else settings.encoder
    if name == "none" and mode == "dense":
        raise UsageError("--mode dense needs an encoder, and index.encoder is 'none'")
    encoder = _encoder(name, root)
    index = Index.open(root, settings, create=True)
    index.update(progress=progress)
    if encoder is not None:
        index.use_encoder(encoder)
        index.embed(progress=progress)
    return index, encoder.name if encoder else "none"


def _encoder(name: str, root: Path) -> Encoder | None:
    from homespun.indexer.embedding.encoders import open_encoder
    from homespun.models.errors import ModelMissing

    try:
        return open_encoder(name, workspace=root, say=say)
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
