"""The router: is the large model needed at few places, and does the small one know where.

    python -m bench.completion.router.run --count 44            # asks what is missing, then judges
    python -m bench.completion.router.run --judge               # of the answers that are there
    python -m bench.completion.router.run --judge --write       # and writes the coefficients
    python -m bench.completion.router.run --remote http://gpu-box:8000 --remote-kind vllm

Both models are asked at the same places of packages that neither adapter nor encoder has learned
from, with retrieval as a user has it. The large one stands for a server's: it is another embedded
model, or a server. Every answer is a line of `--answers`, so fitting can be done again. Figures of
a package come from coefficients and a threshold that were fitted on the others; the tables, the
coefficients and the drawing (exact lines by share escalated) go to bench/results/.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from bench.common.provenance import RESULTS, facts, write
from bench.common.tokenizer import tokenizer_of
from bench.completion.router.ask import PlaceAnswer, ask, read
from bench.completion.router.fit import (
    Coefficients,
    RoutedPlace,
    fit,
    held_out,
    paired,
    threshold_for,
)
from bench.completion.router.report import figures, plot, table
from bench.context.packages import CORPORA
from homespun.models.remote.options import KindName, RemoteOptions
from homespun.models.remote.route import probability
from homespun.models.types import Generator
from homespun.server.completion.open import context_length, open_generator, with_remote
from homespun.server.options import CompletionOptions


def main() -> int:
    """Ask, fit, judge, print."""
    args = _arguments()
    if not args.judge:
        corpora = [c for c in CORPORA if not args.packages or c.name in args.packages]
        ask(corpora, _generators(args), file=args.answers, count=args.count, seed=args.seed)
    tokenizer = tokenizer_of(args.small)
    places = paired(list(read(args.answers)), tokenizer)
    found = figures(places, held_out(places))
    fitted = fit(places)
    threshold = threshold_for([fitted.probability(place) for place in places])
    names = _names(places)
    print(table(found, names))
    print(f"fitted on all: {fitted}, threshold {threshold}")
    body = facts(names["small"], 0) | {"large": names["large"]}
    report = body | found | {"fitted": asdict(fitted) | {"threshold": threshold}}
    print(f"rows: {write(f'router{args.label}', report)}", file=sys.stderr)
    drawing = RESULTS / f"router{args.label}.svg"
    drawing.write_text(plot(found, names), encoding="utf-8")
    if args.write:
        _write(fitted, threshold, places, body)
    return 0


def _generators(args: argparse.Namespace) -> dict[str, Generator]:
    small = _open(args.small, threads=args.threads)
    if not args.remote:
        return {"small": small, "large": _open(args.large, threads=args.threads)}
    options = RemoteOptions(
        route="remote",
        url=args.remote,
        kind=args.remote_kind,
        model=args.remote_model,
        timeout_ms=60_000,
    )
    router = with_remote(
        options, small, context_tokens=context_length(CompletionOptions()), say=print
    )
    return {"small": small, "large": router.remote}


def _open(model: str, *, threads: int) -> Generator:
    """Load a model as shipped, as it serves."""
    options = CompletionOptions()
    return open_generator(
        model,
        adapter="none",
        workspace=None,
        threads=threads,
        context_tokens=context_length(options),
        cache_mb=options.cache_mb,
    )


def _names(places: list[RoutedPlace]) -> dict[str, str]:
    def name(answer: PlaceAnswer) -> str:
        return answer.model

    small, large = name(places[0].small), name(places[0].large)
    return {"small": small, "large": large, "router": f"{small}, {large} in doubt"}


def _write(
    fitted: Coefficients, threshold: float, places: list[RoutedPlace], known: dict[str, Any]
) -> None:
    """Write the coefficients to where they are served from."""
    packages = sorted({place.small.package for place in places})
    body = {
        "about": "Logistic regression of `features` in probability.py: is the line of the model on "
        "this machine exactly its author's? By `python -m bench.completion.router.run --write`; "
        "the report is bench/results/router.json.",
        "fitted": {
            "model": known["model"],
            "large": known["large"],
            "places": len(places),
            "packages": packages,
            "date": known["date"],
        },
        "intercept": fitted.intercept,
        "weights": fitted.weights,
        "threshold": threshold,
    }
    path = Path(probability.__file__).with_suffix(".json")
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(f"coefficients: {path}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--answers", type=Path, default=RESULTS / "router-answers.jsonl")
    parser.add_argument("--small", default="qwen2.5-coder-0.5b")
    parser.add_argument("--large", default="qwen2.5-coder-1.5b", help="another embedded model")
    parser.add_argument("--remote", metavar="URL", default="", help="a server in its place")
    parser.add_argument("--remote-kind", choices=get_args(KindName), default="auto")
    parser.add_argument("--remote-model", metavar="NAME", default="")
    parser.add_argument("--packages", nargs="+", default=[])
    parser.add_argument("--count", type=int, default=44, help="lines of each package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--label", default="", help="added to the result files' names")
    parser.add_argument("--judge", action="store_true", help="ask nothing")
    parser.add_argument("--write", action="store_true", help="write the served coefficients")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
