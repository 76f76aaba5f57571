"""What each part of the ranking brings: NDCG@10 as parts are added, and without each of them.

    python -m bench.retrieval.ablation                  # the development sets of bench/queries/
    python -m bench.retrieval.ablation --encoder none   # words alone

Parts are switched off by weights (indexer/search/weights.py); the index is the same for all rows.
The differences in the second table are to the full ranking, with 95 % intervals (paired bootstrap
over queries within corpora).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.retrieval.corpora import QueryCorpus, corpora
from homespun import stats
from homespun.indexer.config import IndexConfig
from homespun.indexer.embedding.encoders import open_encoder
from homespun.indexer.evaluation import evaluate
from homespun.indexer.index import Index
from homespun.indexer.search import penalties
from homespun.indexer.search.retrieve import Mode
from homespun.indexer.search.weights import WEIGHTS, Weights
from homespun.models.types import Encoder

LIMIT = 10
Scores = dict[str, dict[str, float]]  # corpus -> query -> NDCG@10

PARTS: dict[str, dict[str, object]] = {  # what the weights are without the part
    "repeats of a file count half": {"repeat": 1.0},
    "endings": {"ending": 0.0},
    "abbreviations": {"abbreviation": 0.0},
    "definition of the queried name": {"definition": 0.0},
    "names in prose, names made of words": {"mentioned": 0.0, "compound": 0.0},
    "words of the path": {"path": 0.0},
    "square root of the text score": {"text_power": 1.0},
    "whole files": {"whole_file": 0.0},
    "coherent files": {"coherence": 0.0},
    "lesser files down": {"penalties": dict.fromkeys(penalties.NAMES, 1.0)},
}


@dataclass(frozen=True, slots=True)
class SearchVariant:
    """A row of the tables."""

    name: str
    weights: Weights
    mode: Mode = "lexical"


def main() -> int:
    """Index, evaluate every row, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--encoder", default=IndexConfig().encoder)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these corpora")
    args = parser.parse_args()
    chosen = corpora(split="dev", only=args.only)
    encoder = open_encoder(args.encoder)
    added, without = _arms(has_vectors=encoder is not None)
    with tempfile.TemporaryDirectory(prefix="homespun-ablation-") as scratch:
        scores = _measured(chosen, [*added, *without], Path(scratch), encoder)
    groups = _groups(chosen)
    print(f"{'':<38}" + "".join(f"{name:>12}" for name in groups))
    for arm in added:
        print(f"{arm.name:<38}" + _means(scores[arm.name], groups))
    full = scores[added[-1].name]
    print("\nwithout")
    for arm in without:
        estimate = stats.compare(full, scores[arm.name]).difference
        print(
            f"{arm.name:<38}{_means(scores[arm.name], groups)}   {estimate.mean:+.4f} "
            f"[{estimate.low:+.4f}, {estimate.high:+.4f}]"
        )
    return 0


def _arms(*, has_vectors: bool) -> tuple[list[SearchVariant], list[SearchVariant]]:
    """Return rows that add one part after the other, and rows that lack one."""
    off = {field: value for values in PARTS.values() for field, value in values.items()}
    added = [SearchVariant("BM25", replace(WEIGHTS, **off))]  # type: ignore[arg-type]
    for part, values in PARTS.items():
        on = {field: getattr(WEIGHTS, field) for field in values}
        added.append(SearchVariant(f"+ {part}", replace(added[-1].weights, **on)))  # type: ignore[arg-type]
    mode: Mode = "hybrid" if has_vectors else "lexical"
    without = [
        SearchVariant(part, replace(WEIGHTS, **values), mode)  # type: ignore[arg-type]
        for part, values in PARTS.items()
    ]
    if has_vectors:
        added.append(SearchVariant("+ vectors", WEIGHTS, "hybrid"))
        without += [
            SearchVariant("vectors", WEIGHTS, "lexical"),
            SearchVariant("words (vectors and rules alone)", WEIGHTS, "dense"),
        ]
    return added, without


def _measured(
    chosen: Sequence[QueryCorpus],
    arms: Sequence[SearchVariant],
    scratch: Path,
    encoder: Encoder | None,
) -> dict[str, Scores]:
    scores: dict[str, Scores] = {arm.name: {} for arm in arms}
    for corpus in chosen:
        index = Index.open(corpus.copied(scratch), IndexConfig(), create=True, encoder=encoder)
        index.update()
        index.embed()
        for arm in arms:
            found = evaluate.evaluate(
                lambda text, arm=arm, index=index: index.search(  # type: ignore[misc]
                    text, limit=LIMIT, mode=arm.mode, weights=arm.weights
                ),
                corpus.queries,
                name=corpus.name,
                paths=index.paths(),
                below=corpus.below,
                limit=LIMIT,
            )
            scores[arm.name][corpus.name] = found.by_id("ndcg")
        print(f"{corpus.name} done", file=sys.stderr, flush=True)
    return scores


def _groups(chosen: Sequence[QueryCorpus]) -> dict[str, list[str]]:
    """Return the columns of the tables: which corpora each is the mean of."""
    groups: dict[str, list[str]] = {}
    for corpus in chosen:
        name = corpus.language if corpus.set == "semble-dev" else corpus.set
        groups.setdefault(name, []).append(corpus.name)
        groups.setdefault("all", [])
    groups["all"] = [corpus.name for corpus in chosen]
    return {name: groups[name] for name in sorted(groups, key=lambda name: name == "all")}


def _means(scores: Scores, groups: dict[str, list[str]]) -> str:
    by_corpus = {name: statistics.fmean(found.values()) for name, found in scores.items()}
    return "".join(
        f"{statistics.fmean(by_corpus[name] for name in names):>12.3f}" for names in groups.values()
    )


if __name__ == "__main__":
    sys.exit(main())
