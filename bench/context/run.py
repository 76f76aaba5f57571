"""The completion context (`make bench-context`): is what is needed there, and does it help.

    python -m bench.context.run --parts recall              # minutes, no model
    python -m bench.context.run --parts recall model        # and the 0.5B model, `--count` cursors
    python -m bench.context.run --held …                    # the packages that only report
    python -m bench.context.run --ablate                    # recall without one part each

Prints Markdown tables and writes them with all rows to bench/results/.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench.common.accepted import gate
from bench.common.provenance import RESULTS
from bench.context.cursors import STATES, NameCursor, load
from bench.context.model import ARMS, AnsweredCursor, answers, sampled
from bench.context.packages import CursorCorpus, chosen
from bench.context.recall import TOP, Bench, Gather, Prompts, asked, bm25_only, product
from bench.context.tables import Rows, how_table, model_table, recall_table
from homespun.models.load import load_generator
from homespun.server.context.retriever import ALL_PARTS, Retriever


def main() -> int:
    """Run the parts and print their tables."""
    args = _arguments()
    corpora = chosen(held=args.held, names=args.packages)
    report: dict[str, object] = {
        "date": time.strftime("%Y-%m-%d"),
        "model": args.model,
        "adapter": args.adapter,
        "packages": [f"{corpus.name} {corpus.package.version}" for corpus in corpora],
    }
    status = 0
    name = f"context{'-held' if args.held else ''}{args.label and '-' + args.label}"
    if "recall" in args.parts:
        rows = [row for corpus in corpora for row in recall_rows(corpus, args)]
        arms = list(dict.fromkeys(row.arm for _, row in rows))
        tables = [recall_table(rows, arms), how_table(rows, arms)]
        _finish(f"{name}-recall", report | {"rows": _recall_json(rows)}, tables)
        if args.misses:
            _print_misses(rows)
        if not args.held and not args.sample:
            status = _gated(rows, is_accepting=args.accept)
    if "model" in args.parts:
        found = [answer for corpus in corpora for answer in model_answers(corpus, args)]
        body = report | {"answers": [asdict(answer) for answer in found]}
        _finish(f"{name}-model", body, [model_table(found, args.arms)])
    return status


def _gated(rows: Rows, *, is_accepting: bool) -> int:
    """Compare recall cursor by cursor with what was accepted; 1 where it is worse."""
    scores: dict[str, dict[str, float]] = {}
    for cursor, row in rows:
        if row.arm == "homespun" and cursor.is_cross:
            place = f"{cursor.path}:{cursor.line}:{cursor.column} {cursor.state}"
            scores.setdefault(cursor.package, {})[place] = float(0 < row.rank <= TOP)
    return gate("context-recall", scores, is_accepting=is_accepting)


def recall_rows(corpus: CursorCorpus, args: argparse.Namespace) -> Rows:
    """Return what each arm showed at each cursor of a package."""
    prompts = Prompts(args.model)
    cursors = _cursors(corpus, args)
    rows: Rows = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(corpus.name, corpus.folder(), Path(scratch))
        arms = _recall_arms(bench, ablate=args.ablate)
        for cursor in bench.without_file(cursors):
            for arm, gather in arms.items():
                rows.append((cursor, asked(prompts, bench, cursor, arm, gather)))
    return rows


def _recall_arms(bench: Bench, *, ablate: bool) -> Mapping[str, Gather]:
    arms: dict[str, Gather] = {"BM25 only": partial(bm25_only, bench.index)}
    arms["homespun"] = partial(product, Retriever(bench.index))
    if ablate:
        for part in ALL_PARTS:
            kept = [other for other in ALL_PARTS if other != part]
            arms[f"without {part}"] = partial(product, Retriever(bench.index, parts=kept))
    return arms


def model_answers(corpus: CursorCorpus, args: argparse.Namespace) -> list[AnsweredCursor]:
    """Return what the model wrote in each arm at a sample of a package's cursors."""
    generator = load_generator(args.model, adapter=args.adapter, threads=args.threads)
    cursors = sampled(_cursors(corpus, args), args.count, args.seed)
    found: list[AnsweredCursor] = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(corpus.name, corpus.folder(), Path(scratch))
        for answer in answers(bench, cursors, generator, args.arms):
            found.append(answer)
            if len(found) % (10 * len(args.arms)) == 0:
                done = len(found) // len(args.arms)
                print(f"{corpus.name}: {done}/{len(cursors)}", file=sys.stderr)
    return found


def _cursors(corpus: CursorCorpus, args: argparse.Namespace) -> list[NameCursor]:
    loaded = load(corpus.name, corpus.cursors, corpus.folder())
    cursors = [cursor for cursor in loaded if cursor.state in args.states]
    places = sorted({_place(cursor) for cursor in cursors})
    if not args.sample or args.sample >= len(places):
        return cursors
    kept = set(random.Random(args.seed).sample(places, args.sample))
    return [cursor for cursor in cursors if _place(cursor) in kept]


def _place(cursor: NameCursor) -> tuple[str, int, int]:
    return (cursor.path, cursor.line, cursor.column)


def _recall_json(rows: Rows) -> list[list[object]]:
    """Return short rows: package, path, line, column, state, group, how, then the arm's row."""
    return [
        [c.package, c.path, c.line, c.column, c.state, c.group, c.how, *asdict(row).values()]
        for c, row in rows
    ]


def _finish(name: str, body: dict[str, object], tables: Sequence[str]) -> None:
    print("\n\n".join(tables), end="\n\n")
    RESULTS.mkdir(exist_ok=True)
    rows = {key: value for key, value in body.items() if isinstance(value, list)}
    facts = {key: value for key, value in body.items() if not isinstance(value, list)}
    facts["tables"] = list(tables)
    text = json.dumps(facts, indent=1).removesuffix("\n}")
    for key, found in rows.items():
        text += f',\n "{key}": [\n  ' + ",\n  ".join(json.dumps(row) for row in found) + "\n ]"
    path = RESULTS / f"{name}.json"
    path.write_text(text + "\n}\n", encoding="utf-8")
    print(f"rows: {path}", file=sys.stderr)


def _print_misses(rows: Rows) -> None:
    for cursor, row in rows:
        if row.arm == "homespun" and cursor.is_cross and not 0 < row.rank <= TOP:
            line = cursor.before.rpartition("\n")[2].strip()
            needs = f"{cursor.needs_path}:{cursor.needs_line}"
            print(
                f"{cursor.state} {cursor.group} {cursor.how} {cursor.path}:{cursor.line} "
                f"{line}‸{cursor.rest}  needs {needs}, {row}"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=("recall", "model"), default=["recall"])
    parser.add_argument("--packages", nargs="+", default=[])
    parser.add_argument("--held", action="store_true", help="the packages that only report")
    parser.add_argument("--sample", type=int, default=0, help="places of each package; 0 = all")
    parser.add_argument("--ablate", action="store_true", help="recall without one part each")
    parser.add_argument("--count", type=int, default=60, help="cursors of a package and state")
    parser.add_argument("--states", nargs="+", default=["written"], choices=STATES)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="for the model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--adapter", default="none", help="base: the model's original weights")
    parser.add_argument("--label", default="", help="added to the result files' names")
    parser.add_argument("--misses", action="store_true", help="print what was not found")
    parser.add_argument("--accept", action="store_true", help="later runs are compared with this")
    args = parser.parse_args()
    if args.accept and (args.packages or args.held or args.sample):
        parser.error("--accept wants all packages and places that may be tuned on")
    return args


if __name__ == "__main__":
    sys.exit(main())
