"""Draw the frontier: the share of what is shown that is right against the keys that are served.

    python -m bench.eagerness.frontier [--model qwen2.5-coder-0.5b]

Reads reports on the held packages. `eagerness-MODEL-held.json` has the same answers as each
eagerness shows them, asked at every key without a clock: a line. `typing-MODEL-held.json` has the
replay in time, ours and llama.cpp's builds: a point each, for llama.vim has no threshold. A later
replay of ours alone (`typing-MODEL-held-alone.json`) is one more point. Prints all as one table and
draws them to bench/results/frontier-MODEL.svg.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from bench.common.plot import frontier
from bench.common.provenance import RESULTS
from bench.typing.stats import markdown

WITHOUT_CLOCK = "homespun, asked at every key"
LATER = "homespun alone"


def main() -> int:
    """Print the table, write the drawing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    model = parser.parse_args().model
    eagerness = _report(f"eagerness-{model}-held.json")
    replay = _report(f"typing-{model}-held.json")
    shown = dict(replay["shown"])
    if (RESULTS / f"typing-{model}-held-alone.json").is_file():
        shown[LATER] = _report(f"typing-{model}-held-alone.json")["shown"]["homespun"]
    print(markdown(table(eagerness["figures"], shown)))
    drawing = frontier(
        curves(eagerness["figures"], shown),
        across="share of keys behind which a right suggestion stood",
        up="share of the shown suggestions that are right",
        title=f"Right suggestions against keys served, {model}, held packages",
    )
    (RESULTS / f"frontier-{model}.svg").write_text(drawing, encoding="utf-8")
    return 0


def curves(
    eagerness: Mapping[str, Mapping[str, Any]], replay: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[tuple[float, float]]]:
    """Return points (keys served, right of the shown) of each line; a side in time is one point."""
    found = {name: [_point(figures)] for name, figures in replay.items()}
    return {WITHOUT_CLOCK: [_point(figures) for figures in eagerness.values()], **found}


def table(
    eagerness: Mapping[str, Mapping[str, Any]], replay: Mapping[str, Mapping[str, Any]]
) -> list[Sequence[str]]:
    """Return the rows of both reports, the heading first."""
    named = {f"{WITHOUT_CLOCK}: {name}": figures for name, figures in eagerness.items()}
    named |= {f"{name}, in time": figures for name, figures in replay.items()}
    head = ("side", "right of the shown", "keys behind a right one", "characters saved", "shown")
    rows: list[Sequence[str]] = [head]
    for name, figures in named.items():
        shares = [figures[key]["mean"] for key in ("right", "served", "saved")]
        shown = figures["shown_per_hundred"]["mean"]
        rows.append((name, *(f"{share:.2f}" for share in shares), f"{shown:.0f}"))
    return rows


def _point(figures: Mapping[str, Any]) -> tuple[float, float]:
    return figures["served"]["mean"], figures["right"]["mean"]


def _report(name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((RESULTS / name).read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
