"""Judge the rows of a replay once more: no server is asked, nothing is typed.

    python -m bench.typing.again [--report typing-qwen2.5-coder-0.5b-held] [--write]

Reads the rows that `bench.typing.replay` has written down and prints its second table of them, as
it is counted now. With `--write` the report has these figures from then on, its rows as they were.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from bench.common.provenance import RESULTS
from bench.typing.judge import ShownFigures, judged_key, shown_figures, table
from bench.typing.stats import KeyResult, markdown, seen_ms
from homespun.stats import Estimate

_KNOWN = "side session takes kind at_ms gap_ms answer_ms cached right_chars verdict cut_chars"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--report", default="typing-qwen2.5-coder-0.5b-held", help="in results/")
    parser.add_argument("--write", action="store_true", help="write the figures into the report")
    args = parser.parse_args()
    path = RESULTS / f"{args.report}.json"
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    shown = judged_again(report)
    print(markdown(table(shown)))
    if args.write:
        report["shown"] = {name: asdict(found) for name, found in shown.items()}
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


def judged_again(report: Mapping[str, Any]) -> dict[str, ShownFigures]:
    """Return the figures of each side, of the sessions in which nothing is taken."""
    if report["row_fields"] != _KNOWN.split():
        raise SystemExit(f"the rows have {report['row_fields']}, and {_KNOWN.split()} are needed")
    kept = [dict(zip(report["row_fields"], row, strict=True)) for row in report["rows"]]
    found = {}
    for side in report["sides"]:
        rows = rows_of([each for each in kept if each["side"] == side])
        figures = shown_figures([judged_key(row) for row in rows if not row.takes])
        # No text is kept, so what share of a cut one is right stays as it was found.
        known = report["shown"][side]["kept_of_cut"]
        found[side] = replace(figures, kept_of_cut=Estimate(**known) if known else None)
    return found


def rows_of(kept: Sequence[Mapping[str, Any]]) -> Iterator[KeyResult]:
    """Yield one side's rows; lines, and what is still to be typed of them, are counted anew."""
    line, before = 0, None
    for place, values in enumerate(kept):
        is_new = before is None or before.session != values["session"]
        before = None if is_new else before
        line = 0 if is_new else line + (values["kind"] == "enter")
        row = KeyResult(
            **values,
            line=line,
            upcoming_chars=_rest_of_line(kept, place),
            text="?" * max(values["cut_chars"], values["verdict"] != "nothing"),
            package=values["session"].partition("/")[0],
        )
        row.seen_ms = seen_ms(row, before)
        before = row
        yield row


def _rest_of_line(kept: Sequence[Mapping[str, Any]], place: int) -> int:
    """Return how many characters of the line come behind a key, everything being typed."""
    count = 0
    for values in kept[place + 1 :]:
        if values["session"] != kept[place]["session"] or values["kind"] == "enter":
            break
        count += values["kind"] == "char"
    return count


if __name__ == "__main__":
    sys.exit(main())
