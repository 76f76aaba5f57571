"""What is kept of an evaluation of completions, and what it says.

A report holds ids, scores, hashes and versions, never source text or paths: it can be kept
anywhere. All figures are computed from the rows; `to_json` writes the main ones beside them.

The primary endpoint is declared here and nowhere else: the first line exactly as written, over all
items, with production retrieval, the repository adapter against the model as shipped ("general").
The stratum "new file" and "novel" is reported next to it; all else is descriptive.

Shape of the JSON (`FORMAT` 1):

    {"format", "repo", "window": {"since", "until"}, "versions": {name: value},
     "models": {"general": {"adapter", "weights"}, …}, "arms": ["general/retrieval", …],
     "items": {"count", "commits", "files", "strata": {name: count}},
     "primary": PAIRED | null, "headline": PAIRED | null,
     "summary": {stratum: {arm: {metric: {"mean", "low", "high"}}}},
     "comparisons": [{"metric", "stratum", "first", "second", …PAIRED}],
     "speed": {arm: {"items", "prompt_tokens", "prefill_ms", "decode_ms", "total_ms", "tokens_s"}},
     "failures": {arm: {"K": count, …}}, "missing": {name: count},
     "infilling": … | null (forgetting.py), "memorised": … | null (memorisation.py),
     "habits": [ROW, …],
     "rows": [ROW = {"id", "commit", "file", "kind", "strata": [name, …], "scores": {arm: SCORE}}]}

PAIRED is {"n", "first", "second", "difference": {"mean", "low", "high"},
"discordance": {"wins", "losses", "p", "odds_ratio"} | null}; a bound of null is infinite. SCORE is
`completion_metrics.Score`.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from homespun.parsing import read_json
from homespun.stats import Estimate, Paired, cluster_mean, paired
from homespun.storage import (
    check_workspace_folder,
    make_private_folder,
    workspace_folder,
    write_private,
)
from homespun.training.errors import BadCompletionReport
from homespun.training.evaluation.metrics import Score
from homespun.training.safety.forgetting import Infilling
from homespun.training.safety.memorisation import Memorised
from homespun.trust import has_seal, with_seal

FORMAT = 1  # raise it when the fields, or what a score means, change
_MAX_BYTES = 500_000_000  # an item has some kilobytes
_PURPOSE = "accepted report of completions"
PRIMARY = ("repository/retrieval", "general/retrieval")  # first arm against second
PRIMARY_METRIC = "exact_line"
HEADLINE = ("new-file", "novel")  # strata that an item of the headline has, both
ALL = "all"
METRICS = (  # of a `Score`; each is a number or a yes or no
    "exact_line",
    "exact",
    "similarity",
    "identifiers",
    "overrun",
    "runs_on",
    "stopped",
    "length_ratio",
    "parses",
    "findings",
    "loss",
)
_MIN_SHARED = 50  # items that a report and the accepted one must both have


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One item and how each arm did."""

    id: str
    commit: str  # "" without git; else the cluster of the bootstrap
    file: str  # hash of the path; the cluster without git
    kind: str  # of `training/dataset/holes.py`
    strata: tuple[str, ...]
    scores: Mapping[str, Score]  # by arm

    @property
    def cluster(self) -> str:
        """What is drawn as a whole by the bootstrap."""
        return self.commit or self.file


@dataclass(frozen=True, slots=True)
class CompletionReport:
    """One evaluation. Build it with `evaluate.evaluate`; read one with `load`."""

    repo: str
    window: Mapping[str, str]  # "since", "until": commits, "" without git
    versions: Mapping[str, str]  # what shapes results: prompt, layout, chunker, settings
    models: Mapping[str, Mapping[str, str]]  # "general" -> {"adapter", "weights"}
    arms: tuple[str, ...]  # "MODEL/CONTEXT", e.g. "general/retrieval"
    rows: tuple[ScoredItem, ...]
    missing: Mapping[str, int] = field(default_factory=dict)  # names that no prompt showed
    infilling: Infilling | None = None  # the first arm is the model as shipped
    memorised: Memorised | None = None
    habits: tuple[ScoredItem, ...] = ()  # of `PRIMARY`: only the forms, of one rule each

    def of(self, *strata: str) -> list[ScoredItem]:
        """Return the rows that belong to all of the strata."""
        return [row for row in self.rows if set(strata) <= {*row.strata, ALL}]

    def strata(self) -> list[str]:
        """Return the strata that have items, the most frequent first, behind "all"."""
        counts = Counter(name for row in self.rows for name in row.strata)
        return [ALL, *sorted(counts, key=lambda name: (-counts[name], name))]

    def estimate(self, arm: str, metric: str, *strata: str) -> Estimate | None:
        """Return an arm's mean and its 95 % interval, None where nothing was measured."""
        values = self._values((arm,), metric, strata)
        if not values:
            return None
        return cluster_mean([row[1] for row in values], [row[0] for row in values])

    def compare(self, first: str, second: str, metric: str, *strata: str) -> Paired | None:
        """Compare two arms over the items that both have; None where there are none."""
        values = self._values((first, second), metric, strata)
        if not values:
            return None
        clusters, ours, theirs = zip(*values, strict=True)
        return paired(ours, theirs, clusters)

    @property
    def primary(self) -> Paired | None:
        """The primary endpoint; None when one of its arms was not run."""
        return self.compare(*PRIMARY, PRIMARY_METRIC)

    @property
    def headline(self) -> Paired | None:
        """The same in new files, for lines that the training text does not have."""
        return self.compare(*PRIMARY, PRIMARY_METRIC, *HEADLINE)

    def failures(self, arm: str) -> dict[str, int]:
        """Return how many items failed for which reason (`training/evaluation/failures.py`)."""
        found = Counter(row.scores[arm].failure for row in self.rows if arm in row.scores)
        return {sort: count for sort, count in sorted(found.items()) if sort}

    def speed(self, arm: str) -> dict[str, float]:
        """Return medians over the items, in milliseconds, and tokens written in a second."""
        scores = [row.scores[arm] for row in self.rows if arm in row.scores]
        if not scores:
            return {}
        decoding = sum(score.decode_ms for score in scores)
        written = sum(score.tokens for score in scores)
        return {
            "items": len(scores),
            "prompt_tokens": statistics.median(score.prompt_tokens for score in scores),
            "prefill_ms": statistics.median(score.prefill_ms for score in scores),
            "decode_ms": statistics.median(score.decode_ms for score in scores),
            "total_ms": statistics.median(s.prefill_ms + s.decode_ms for s in scores),
            "tokens_s": written / decoding * 1000 if decoding else 0.0,
        }

    def _values(
        self, arms: Sequence[str], metric: str, strata: Sequence[str]
    ) -> list[tuple[Any, ...]]:
        """Return (cluster, a number for each arm) of the rows that have them all."""
        found = []
        for row in self.of(*strata):
            if not all(arm in row.scores for arm in arms):
                continue
            values = [getattr(row.scores[arm], metric) for arm in arms]
            if None not in values:
                found.append((row.cluster, *map(float, values)))
        return found

    def to_json(self, *, kept: bool = False) -> dict[str, Any]:
        """Return a JSON object; what is `kept` to compare with has no names of the repository."""
        shown = [stratum for stratum in self.strata() if len(self.of(stratum)) > 1]
        return {
            "format": FORMAT,
            "repo": self.repo,
            "window": dict(self.window),
            "versions": dict(self.versions),
            "models": {name: dict(facts) for name, facts in self.models.items()},
            "arms": list(self.arms),
            "items": self.counts(),
            "primary": paired_json(self.primary),
            "headline": paired_json(self.headline),
            "summary": {stratum: self._summary(stratum) for stratum in shown},
            "comparisons": list(self._comparisons(shown)),
            "speed": {arm: self.speed(arm) for arm in self.arms},
            "failures": {arm: self.failures(arm) for arm in self.arms},
            "missing": {} if kept else dict(self.missing),
            "infilling": self.infilling.to_json() if self.infilling else None,
            "memorised": self.memorised.to_json() if self.memorised else None,
            "habits": [_row_to_json(row) for row in self.habits],
            "rows": [_row_to_json(row) for row in self.rows],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> CompletionReport:
        """Read what `to_json` returned. Raises KeyError, TypeError on anything else."""
        return cls(
            repo=str(body["repo"]),
            window=body["window"],
            versions=body["versions"],
            models=body["models"],
            arms=tuple(body["arms"]),
            rows=tuple(_row_from_json(row) for row in body["rows"]),
            missing=body["missing"],
            infilling=Infilling.from_json(body["infilling"]) if body["infilling"] else None,
            memorised=Memorised.from_json(body["memorised"]) if body["memorised"] else None,
            habits=tuple(_row_from_json(row) for row in body.get("habits", ())),
        )

    def counts(self) -> dict[str, Any]:
        """Return how many items there are, of how many commits and files, and of each stratum."""
        return {
            "count": len(self.rows),
            "commits": len({row.commit for row in self.rows if row.commit}),
            "files": len({row.file for row in self.rows}),
            "strata": {name: len(self.of(name)) for name in self.strata()},
        }

    def contrasts(self) -> list[tuple[str, str]]:
        """Return the pairs of arms worth comparing: another model or another context, not both."""
        found = []
        for first in self.arms:
            for second in self.arms:
                ours, theirs = first.split("/"), second.split("/")
                is_next = sum(a != b for a, b in zip(ours, theirs, strict=True)) == 1
                if is_next and self.arms.index(first) > self.arms.index(second):
                    found.append((first, second))
        return found

    def _summary(self, stratum: str) -> dict[str, dict[str, Any]]:
        return {
            arm: {
                metric: estimate_json(found)
                for metric in METRICS
                if (found := self.estimate(arm, metric, stratum)) is not None
            }
            for arm in self.arms
        }

    def _comparisons(self, strata: Iterable[str]) -> Iterable[dict[str, Any]]:
        for first, second in self.contrasts():
            for stratum in strata:
                metrics = METRICS if stratum == ALL else (PRIMARY_METRIC,)
                for metric in metrics:
                    found = self.compare(first, second, metric, stratum)
                    if found is not None:
                        names = {"metric": metric, "stratum": stratum}
                        arms = {"first": first, "second": second}
                        yield {**names, **arms, **(paired_json(found) or {})}


@dataclass(frozen=True, slots=True)
class CompletionVerdict:
    """What a comparison with the accepted report says."""

    arm: str  # whose exact lines were compared
    change: Paired | None  # this report against the accepted one
    obstacle: str  # why they cannot be compared, "" where they can
    notes: tuple[str, ...]  # sentences: what else is not the same

    @property
    def failed(self) -> bool:
        """Whether it is worse beyond chance, or nothing can be said."""
        return bool(self.obstacle) or (self.change is not None and self.change.is_worse)


def judge(report: CompletionReport, accepted: CompletionReport) -> CompletionVerdict:
    """Compare with the accepted report, over the items that both have."""
    notes = tuple(_notes(report, accepted))
    arm = next((arm for arm in PRIMARY if arm in report.arms and arm in accepted.arms), "")
    arm = arm or next((arm for arm in report.arms if arm in accepted.arms), "")
    if not arm:
        return CompletionVerdict("", None, "the accepted report has none of these arms", notes)
    before = {row.id: row for row in accepted.rows if arm in row.scores}
    shared = [row for row in report.rows if arm in row.scores and row.id in before]
    least = min(_MIN_SHARED, len(accepted.rows))
    if not shared or len(shared) < least:
        obstacle = (
            f"{len(shared)} items are the same as in the accepted report, {max(least, 1)} are "
            "needed; give the same --since, --until and --items"
        )
        return CompletionVerdict(arm, None, obstacle, notes)
    change = paired(
        [float(row.scores[arm].exact_line) for row in shared],
        [float(before[row.id].scores[arm].exact_line) for row in shared],
        [row.cluster for row in shared],
    )
    return CompletionVerdict(arm, change, "", notes)


def load(path: Path, *, root: Path | None = None) -> CompletionReport | None:
    """Read a report, None where there is none. Raises `BadCompletionReport`.

    With `root`, the folder that it lies in as part of the state, only one of this machine counts.
    """
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadCompletionReport(f"the report {str(path)!r} cannot be read: {error}") from error
    if root is not None and not _is_ours(body, root):
        raise BadCompletionReport(
            f"the report {str(path)!r} was not accepted on this machine and in this place, so "
            "nothing is compared with it; make a new one with --accept"
        )
    found = body.get("format") if isinstance(body, dict) else type(body).__name__
    if found != FORMAT:
        raise BadCompletionReport(
            f"the report {str(path)!r} has the format {found!r}, this version reads {FORMAT}; "
            "make a new one with --accept"
        )
    try:
        return CompletionReport.from_json(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadCompletionReport(
            f"the report {str(path)!r} is not one of ours ({type(error).__name__}: {error}); "
            "make a new one with --accept"
        ) from error


def save(report: CompletionReport, path: Path, *, root: Path | None = None) -> None:
    """Write a report, a line an item, by rename; its folder is made. Raises `BadCompletionReport`.

    With `root`, the folder that it lies in as part of the state, it is sealed.
    """
    body = report.to_json(kept=True)
    try:
        if root is not None:
            body = with_seal(json.loads(json.dumps(body)), purpose=_PURPOSE, folder=root)
            check_workspace_folder(root)
            workspace_folder(root)
        rows = ",\n".join("  " + json.dumps(row) for row in body.pop("rows"))
        make_private_folder(path.parent)
        write_private(path, json.dumps(body)[:-1] + ', "rows": [\n' + rows + "\n]}\n")
    except OSError as error:
        raise BadCompletionReport(f"cannot write the report {str(path)!r}: {error}") from error


def _is_ours(body: object, root: Path) -> bool:
    return isinstance(body, dict) and has_seal(body, purpose=_PURPOSE, folder=root)


def paired_json(found: Paired | None) -> dict[str, Any] | None:
    """Return a comparison as a JSON object."""
    if found is None:
        return None
    body = asdict(found)
    return body | {"difference": estimate_json(found.difference)}


def estimate_json(found: Estimate) -> dict[str, float | None]:
    """Return a mean with its interval; an infinite bound, of a single cluster, is null."""
    return {
        name: round(value, 6) if math.isfinite(value) else None
        for name, value in asdict(found).items()
    }


def _notes(report: CompletionReport, accepted: CompletionReport) -> Iterable[str]:
    ours, theirs = dict(report.versions), dict(accepted.versions)
    for model in sorted({*report.models, *accepted.models}):
        ours[f"weights of {model}"] = report.models.get(model, {}).get("weights", "none")
        theirs[f"weights of {model}"] = accepted.models.get(model, {}).get("weights", "none")
    for name in sorted({*ours, *theirs}):
        was, is_ = theirs.get(name, "none"), ours.get(name, "none")
        if was != is_:
            yield f"{name}: {was} in the accepted report, {is_} now"


def _row_to_json(row: ScoredItem) -> dict[str, Any]:
    scores = {arm: asdict(score) for arm, score in row.scores.items()}
    names = ("id", "commit", "file", "kind")
    return {name: getattr(row, name) for name in names} | {
        "strata": list(row.strata),
        "scores": scores,
    }


def _row_from_json(body: Mapping[str, Any]) -> ScoredItem:
    return ScoredItem(
        id=str(body["id"]),
        commit=str(body["commit"]),
        file=str(body["file"]),
        kind=str(body["kind"]),
        strata=tuple(body["strata"]),
        scores={arm: Score.from_json(score) for arm, score in body["scores"].items()},
    )
