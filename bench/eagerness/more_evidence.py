"""Would more evidence say better what is right? The pace of typing, and what was typed over.

    python -m bench.eagerness.more_evidence --rows FILE.jsonl [FILE.jsonl ...]

Reads rows of `bench.eagerness.run` on packages to work with. A logistic regression of the shipped
log-odds alone is compared with one that has further features beside them; each package is judged by
a model of the others. Prints the log-loss, and by how much each group changes it, with an interval
for which whole packages are drawn. Below nought it helps.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.common.rows import read_rows
from bench.typing.judge import interval
from bench.typing.offline import OfflineKey
from bench.typing.stats import SETTLED_MS, markdown
from homespun.server.confidence.probability import Calibration, shipped
from homespun.stats import cluster_mean
from homespun.training.shipped.confidence.collect import CollectedKey, read
from homespun.training.shipped.confidence.dataset import Cuts, Floats, cuts_of
from homespun.training.shipped.confidence.fit import held_out, probabilities

PACE = ("log ms since the last key", "keys since a pause")
DISMISSED = ("refuted on the line", "refuted lately", "agreed of them", "refuted as it is")
GROUPS: dict[str, tuple[str, ...]] = {
    "pace of typing": PACE,
    "what was typed over": DISMISSED,
    "both": (*PACE, *DISMISSED),
}
_LATELY = 12  # answers
_PLAIN = Calibration(1.0, 0.0)


@dataclass(slots=True)
class Past:
    """What was typed and answered before a key of a session."""

    ms: float = 0.0
    keys: int = 0  # since the last pause
    line: int = -1
    on_line: int = 0  # answers of the line that were typed over
    answer: str = ""  # as far as it is not typed yet
    agreed: int = 0  # its characters that were typed along
    refuted: str = ""  # what was left of the last one that was typed over
    lately: deque[tuple[bool, int]] = field(default_factory=lambda: deque(maxlen=_LATELY))

    def typed(self, key: OfflineKey) -> None:
        """Take in the key that is pressed: the answer before it was right so far, or was not."""
        if key.line != self.line:
            self.line, self.on_line = key.line, 0
        added = key.before[-1:] if key.kind == "char" else "\n"
        if self.answer and self.answer.startswith(added):
            self.answer, self.agreed = self.answer.removeprefix(added), self.agreed + 1
        elif self.answer:
            self.lately.append((True, self.agreed))
            self.on_line += 1
            self.refuted, self.answer, self.agreed = self.answer, "", 0

    def answered(self, key: OfflineKey) -> None:
        """Take in what the model says at this key, where nothing was typed along."""
        if not self.answer and key.fresh:
            if self.agreed:
                self.lately.append((False, self.agreed))
            self.answer, self.agreed = key.fresh, 0
        self.ms = key.gap_ms
        self.keys = 0 if key.gap_ms >= SETTLED_MS else self.keys + 1

    def features(self, text: str) -> list[float]:
        """Return the numbers in the order of `PACE` and `DISMISSED`."""
        refuted = sum(is_refuted for is_refuted, _ in self.lately)
        agreed = sum(chars for _, chars in self.lately)
        return [
            *(np.log1p(self.ms), np.log1p(self.keys)),
            *(float(self.on_line), float(refuted), float(np.log1p(agreed))),
            float(bool(self.refuted) and text.startswith(self.refuted[:4])),
        ]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    files = parser.parse_args().rows
    rows = [OfflineKey(**row) for file in files for row in _offline(file)]
    keys = [replace(key, weight=1.0) for file in files for key in read(file)]
    print(markdown(table(cuts_of(keys), further(rows, keys))))
    return 0


def further(rows: Sequence[OfflineKey], keys: Sequence[CollectedKey]) -> Floats:
    """Return the further features `(keys, len(PACE) + len(DISMISSED))` of each key."""
    found, past, session = [], Past(), ""
    for row, key in zip(rows, keys, strict=True):
        if row.session != session:
            past, session = Past(), row.session
        past.typed(row)
        found.append(past.features(key.suggestion.text if key.suggestion else ""))
        past.answered(row)
    return np.array(found, np.float64)


def table(cuts: Cuts, more: Floats) -> list[tuple[str, ...]]:
    """Return rows to print: log-losses of packages that the model judging them has not seen."""
    log_odds = np.array(shipped().log_odds(cuts.rows.tolist()))[:, None]
    alone = _losses(cuts, log_odds)
    header = ("evidence", "log-loss", "change")
    found = [header, ("as shipped", f"{np.average(alone, weights=cuts.weight):.4f}", "")]
    for name, features in GROUPS.items():
        columns = [(*PACE, *DISMISSED).index(each) for each in features]
        losses = _losses(cuts, np.hstack([log_odds, more[cuts.owner][:, columns]]))
        change = (losses - alone) * cuts.weight * len(cuts.weight) / cuts.weight.sum()
        mean = f"{np.average(losses, weights=cuts.weight):.4f}"
        found.append((name, mean, interval(cluster_mean(change.tolist(), cuts.package), digits=4)))
    return found


def _losses(cuts: Cuts, rows: Floats) -> Floats:
    likely = np.clip(probabilities(held_out(replace(cuts, rows=rows), "logistic"), _PLAIN), 1e-6, 1)
    likely = np.minimum(likely, 1 - 1e-6)
    found: Floats = -(cuts.right * np.log(likely) + (1 - cuts.right) * np.log(1 - likely))
    return found


def _offline(file: Path) -> Iterator[dict[str, object]]:
    return (row["offline"] for row in read_rows(file) if row["row"] == "key")


if __name__ == "__main__":
    sys.exit(main())
