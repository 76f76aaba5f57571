"""The search on all corpora of bench/queries/, and the gate against what was accepted.

    python -m bench.retrieval.run                        # development sets, words alone and hybrid
    python -m bench.retrieval.run --keep --below 0.7   # to try things: indexes stay, worst rows
    python -m bench.retrieval.run --accept               # later runs must not fall behind this one
    python -m bench.retrieval.run --split held           # the sets that nothing is tuned on
    python -m bench.retrieval.run --split all --write    # tables and plot of bench/README.md
    python -m bench.retrieval.run --split reference      # the public benchmark, beside its figures

Packages are fetched once, by sha256. Each is copied to a temporary folder and indexed anew. It ends
with status 1 where a mode is significantly worse than its accepted report (bench/accepted/, paired
bootstrap over queries within corpora), or where the two cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.common.accepted import ACCEPTED
from bench.retrieval import reference
from bench.retrieval.corpora import SETS, SPLITS, QueryCorpus, corpora, split_of
from homespun.cli.verbs.eval import retrieval_tables
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.evaluation import evaluate
from homespun.indexer.evaluation.evaluate import CorpusResult
from homespun.indexer.evaluation.report import (
    RegressionVerdict,
    Report,
    judge,
    load,
    save,
    versions_of,
)
from homespun.indexer.index import Index
from homespun.indexer.search.retrieve import Mode
from homespun.models.errors import DownloadFailed
from homespun.models.types import Encoder
from homespun.paths import home

MODES: tuple[Mode, ...] = ("lexical", "hybrid", "dense")
LIMIT = 10


def main() -> int:
    """Evaluate, compare with what was accepted, print; return the exit status."""
    args = _arguments()
    began = time.monotonic()
    chosen = split_of(corpora(args.sets, only=args.only), args.split)
    if not chosen:
        print("no corpus has these names, sets and split; bench/queries/ lists them")
        return 2
    reports = _measured(chosen, args)
    if not reports:
        print("no package can be had, so nothing was measured; check the network and run again")
        return 1
    status = 0
    for report in reports:
        retrieval_tables.print_report(report, below=args.below)
        if args.split == "dev":
            status |= _gate(report, is_accepting=args.accept)
    if args.split == "reference":
        print(reference.table(reports, reference.published()))
    if args.write:
        _write(chosen, reports, args.split)
    print(f"{len(reports[0].corpora)} corpora in {time.monotonic() - began:.0f} s")
    return status


def _write(chosen: Sequence[QueryCorpus], reports: Sequence[Report], split: str) -> None:
    if split == "reference":
        reference.write(chosen, reports)
        return
    from bench.retrieval import tables

    tables.write(chosen, reports)


def _measured(chosen: Sequence[QueryCorpus], args: argparse.Namespace) -> list[Report]:
    """Return a report for each mode; packages that cannot be had are named and left out."""
    needs_vectors = any(mode != "lexical" for mode in args.modes) and args.encoder != "none"
    encoder = open_encoder(args.encoder) if needs_vectors else None
    results: dict[Mode, list[CorpusResult]] = {mode: [] for mode in args.modes}
    with tempfile.TemporaryDirectory(prefix="homespun-eval-") as scratch:
        folder = home() / "bench" / "eval" if args.keep else Path(scratch)
        for corpus in chosen:
            try:
                root = corpus.copied(folder)
            except DownloadFailed as failure:
                print(f"{corpus.name} is left out: {failure}", file=sys.stderr)
                continue
            index = _indexed(root, encoder)
            for mode in args.modes:
                results[mode].append(_evaluated(corpus, index, mode))
    return [
        Report(
            mode=mode,
            limit=LIMIT,
            versions=versions_of("none" if mode == "lexical" else args.encoder),
            corpora=tuple(found),
        )
        for mode, found in results.items()
        if found
    ]


def _indexed(root: Path, encoder: Encoder | None) -> Index:
    index = Index.open(root, IndexConfig(), create=True, encoder=encoder)
    index.update()
    index.embed()
    return index


def _evaluated(corpus: QueryCorpus, index: Index, mode: Mode) -> CorpusResult:
    return evaluate.evaluate(
        lambda text: index.search(text, limit=LIMIT, mode=mode),
        corpus.queries,
        name=corpus.name,
        paths=index.paths(),
        below=corpus.below,
        content=corpus.content,
        chunks=index.info().chunks,
        limit=LIMIT,
    )


def _gate(report: Report, *, is_accepting: bool) -> int:
    """Compare with the accepted report of the mode, or become it; 1 where the gate closes."""
    path = ACCEPTED / f"retrieval-{report.mode}.json"
    accepted = load(path)
    verdict = None if accepted is None else judge(report, accepted)
    if verdict is not None:
        retrieval_tables.print_verdict(verdict, report)
    if is_accepting:
        save(report, path)
        print(f"accepted: {path.name}; commit it with the change that it measures")
        return 0
    return _status(verdict, report.mode)


def _status(verdict: RegressionVerdict | None, mode: str) -> int:
    if verdict is None:
        print(f"there is no accepted report for {mode} yet; --accept makes this one it")
    elif verdict.obstacle:
        print(f"{mode}: nothing can be compared: {verdict.obstacle}; --accept accepts this one")
    elif verdict.failed:
        print(f"{mode}: {retrieval_tables.drop_sentence(verdict)}")
    return int(verdict is not None and verdict.failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--split", choices=SPLITS, default="dev")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these corpora")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=["lexical", "hybrid"])
    parser.add_argument("--encoder", default=IndexConfig().encoder)
    parser.add_argument("--accept", action="store_true", help="later runs are compared with this")
    parser.add_argument("--keep", action="store_true", help="keep the indexes for the next run")
    parser.add_argument("--below", type=float, default=0.0, help="list queries with less NDCG")
    parser.add_argument("--write", action="store_true", help="write tables into bench/README.md")
    args = parser.parse_args()
    is_part = args.only or args.split in {"dev", "held"} or args.sets != list(SETS)
    if args.write and is_part:
        parser.error(
            "--write wants all corpora: give --split all or reference, leave out --only and --sets"
        )
    if args.accept and (args.only or args.split != "dev" or args.sets != list(SETS)):
        parser.error(
            "--accept wants the whole development split: leave out --only, --sets, --split"
        )
    return args


if __name__ == "__main__":
    sys.exit(main())
