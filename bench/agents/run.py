"""What an agent reads until it sees the right lines: with homespun's search, and with grep.

    python -m bench.agents.run              # 60 questions about packages that nothing is tuned on
    python -m bench.agents.run --write      # and keep the rows in bench/results/agents.json

The questions are the first of each held set of bench/queries/, turn by turn. Both arms open places
until one of them shows what answers (bench/agents/trail.py); the words are compared, nothing is
asked of a model. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from bench.agents.grep_arm import grep
from bench.agents.search_arm import search
from bench.agents.trail import MAX_OPENED, Trail
from bench.common.provenance import RESULTS, facts
from bench.common.tokenizer import tokenizer_of
from bench.retrieval.corpora import QueryCorpus, corpora
from homespun.indexer.evaluation.queries import Query
from homespun.indexer.index import Index
from homespun.server.agents.knowledge import Knowledge
from homespun.stats import wilson

_MODEL = "qwen2.5-coder-0.5b"  # whose tokenizer counts
_ARMS = ("search", "grep")


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One question in one arm."""

    corpus: str
    language: str
    query: str
    arm: str
    is_found: bool
    opened: int
    calls: int
    tokens: int
    ms: float


def main() -> int:
    """Ask, print; exit status 1 where no package can be had."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=60, help="questions (default: 60)")
    parser.add_argument("--write", action="store_true", help="keep the rows in bench/results/")
    args = parser.parse_args()
    asked = chosen(corpora(("own",), split="held"), args.count)
    rows = list(_rows(asked))
    print(table(rows))
    if args.write:
        body = {**facts(_MODEL, 1), "rows": [asdict(row) for row in rows]}
        (RESULTS / "agents.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0 if rows else 1


def chosen(
    available: Sequence[QueryCorpus], count: int
) -> list[tuple[QueryCorpus, tuple[Query, ...]]]:
    """Return each corpus with its share of the questions: the first ones, turn by turn."""
    turns = zip_longest(*(corpus.queries for corpus in available))
    in_turn = [
        (number, query) for turn in turns for number, query in enumerate(turn) if query is not None
    ][:count]
    return [
        (corpus, tuple(query for owner, query in in_turn if owner == number))
        for number, corpus in enumerate(available)
    ]


def table(rows: Sequence[AgentRow]) -> str:
    """Return the comparison as Markdown; tokens and calls of all questions, found or not."""
    lines = [
        f"| | found within {MAX_OPENED} places | calls | tokens, median | tokens, mean | "
        "ms in searching |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for arm in _ARMS:
        mine = [row for row in rows if row.arm == arm]
        if not mine:
            continue
        found = sum(row.is_found for row in mine)
        low, high = wilson(found, len(mine))
        lines.append(
            f"| {arm} | {found} of {len(mine)} [{low:.2f}, {high:.2f}] | "
            f"{statistics.median(row.calls for row in mine):g} | "
            f"{statistics.median(row.tokens for row in mine):,.0f} | "
            f"{statistics.mean(row.tokens for row in mine):,.0f} | "
            f"{statistics.median(row.ms for row in mine):.1f} |"
        )
    return "\n".join(lines)


def _rows(asked: Sequence[tuple[QueryCorpus, tuple[Query, ...]]]) -> Iterator[AgentRow]:
    tokenizer = tokenizer_of(_MODEL)
    with tempfile.TemporaryDirectory() as folder:
        for corpus, questions in asked:
            root = corpus.copied(Path(folder))
            knowledge = Knowledge(root, Index.open(root))
            knowledge.search(questions[0].text)  # what is read once is no question's
            print(corpus.name, file=sys.stderr)
            for query in questions:
                for arm in _ARMS:
                    trail = Trail(lambda text: len(tokenizer.encode(text)))
                    if arm == "search":
                        search(trail, knowledge, root, query, corpus.below)
                    else:
                        grep(trail, root, query, corpus.below)
                    yield AgentRow(
                        corpus.name,
                        corpus.language,
                        query.text,
                        arm,
                        trail.is_found,
                        trail.opened,
                        trail.calls,
                        trail.tokens,
                        round(trail.ms, 2),
                    )


if __name__ == "__main__":
    sys.exit(main())
