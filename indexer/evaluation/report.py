"""Reports of evaluations: what is kept of a run, and whether a later run is worse.

The *accepted* report is the one that later runs must not fall behind. A report holds scores, hashes
and versions; it never holds queries, paths or source text, so it can be committed anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homespun.indexer.config import CHUNKER_VERSION
from homespun.indexer.embedding import static_encoder
from homespun.indexer.errors import BadReport
from homespun.indexer.evaluation.evaluate import CorpusResult, QueryResult
from homespun.indexer.words.tokens import WORDS_VERSION
from homespun.models import catalogue
from homespun.models.remote.vectors.encoder_name import is_address
from homespun.parsing import read_json
from homespun.stats import Comparison, Estimate, compare, estimate
from homespun.storage import (
    check_workspace_folder,
    make_private_folder,
    workspace_folder,
    write_private,
)
from homespun.trust import SEAL, has_seal, with_seal

FORMAT = 1  # raise it when the fields below, or what a score means, change
GATE = "ndcg"  # the metric that decides
_MAX_BYTES = 200_000_000  # a row of a query has some 100
_PURPOSE = "accepted report of a search"
_KEPT = ("id", "category", "ndcg", "recall", "rr")  # of a row


@dataclass(frozen=True, slots=True)
class Report:
    """An evaluation of one or more corpora."""

    mode: str  # "hybrid", "lexical", "dense"
    limit: int  # hits looked at
    versions: Mapping[str, str]  # what else shapes the results: name -> version or hash
    corpora: tuple[CorpusResult, ...]

    def estimate(self, metric: str = GATE) -> Estimate:
        """Return the mean over corpora and its 95 % bootstrap interval."""
        return estimate([list(corpus.by_id(metric).values()) for corpus in self.corpora])

    def to_json(self, *, kept: bool = False) -> dict[str, Any]:
        """Return a JSON object: all there is, or what is kept (no queries, paths, times)."""
        return {
            "format": FORMAT,
            "mode": self.mode,
            "limit": self.limit,
            "versions": dict(self.versions),
            "corpora": [_corpus_to_json(corpus, kept=kept) for corpus in self.corpora],
        }


def versions_of(encoder_name: str, reranker_name: str = "") -> dict[str, str]:
    """Return what shapes results besides the settings, with the hash of an encoder's weights.

    What weights a server has nobody here knows: its name stands for them.
    """
    reranked = {"reranker": reranker_name} if reranker_name else {}
    return {
        "chunker": str(CHUNKER_VERSION),
        "tokenizer": str(WORDS_VERSION),
        "encoder": encoder_name,
        "weights": _weights_hash(encoder_name),
        **reranked,
    }


@dataclass(frozen=True, slots=True)
class RegressionVerdict:
    """What a comparison with the accepted report says."""

    comparison: Comparison | None  # of the corpora that both have; None without any
    obstacle: str  # why the reports cannot be compared, "" where they can
    notes: tuple[str, ...]  # sentences: corpora of one report only, versions that changed

    @property
    def failed(self) -> bool:
        """Whether a gate must close: worse beyond chance, or nothing that can be said."""
        return bool(self.obstacle) or (self.comparison is not None and self.comparison.is_drop)


def judge(report: Report, accepted: Report) -> RegressionVerdict:
    """Compare a report with the accepted one, over the corpora that both have."""
    notes = tuple(_notes(report, accepted))
    before = {corpus.name: corpus for corpus in accepted.corpora}
    after = {corpus.name: corpus for corpus in report.corpora if corpus.name in before}
    obstacle = _obstacle(report, accepted, after, before)
    if obstacle:
        return RegressionVerdict(None, obstacle, notes)
    comparison = compare(
        {name: corpus.by_id(GATE) for name, corpus in after.items()},
        {name: before[name].by_id(GATE) for name in after},
    )
    return RegressionVerdict(comparison, "", notes)


def load(path: Path, *, root: Path | None = None) -> Report | None:
    """Read a report, None where there is none. Raises `BadReport`.

    With `root`, the folder that it lies in as part of the state, only one of this machine counts.
    """
    try:
        body = read_json(path, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadReport(f"the report {str(path)!r} cannot be read: {error}") from error
    if root is not None and not _is_ours(body, root):
        raise BadReport(
            f"the report {str(path)!r} was not accepted on this machine and in this place, so "
            "nothing is compared with it; make a new one with --accept"
        )
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else type(body).__name__
        raise BadReport(
            f"the report {str(path)!r} has the format {found!r}, this version reads {FORMAT}; "
            "make a new one with --accept"
        )
    try:
        return Report(
            mode=str(body["mode"]),
            limit=int(body["limit"]),
            versions={str(name): str(value) for name, value in body["versions"].items()},
            corpora=tuple(_corpus_from_json(corpus) for corpus in body["corpora"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadReport(
            f"the report {str(path)!r} is not one of ours ({type(error).__name__}: {error}); "
            "make a new one with --accept"
        ) from error


def save(report: Report, path: Path, *, root: Path | None = None) -> None:
    """Write a report, by rename; its folder is made. Raises `BadReport`.

    With `root`, the folder that it lies in as part of the state, it is sealed.
    """
    body = report.to_json(kept=True)
    try:
        if root is not None:
            body = {SEAL: with_seal(body, purpose=_PURPOSE, folder=root)[SEAL], **body}
            check_workspace_folder(root)
            workspace_folder(root)
        make_private_folder(path.parent)
        write_private(path, _lines(body))
    except OSError as error:
        raise BadReport(f"cannot write the report {str(path)!r}: {error}") from error


def _is_ours(body: object, root: Path) -> bool:
    return isinstance(body, dict) and has_seal(body, purpose=_PURPOSE, folder=root)


def _weights_hash(encoder_name: str) -> str:
    if encoder_name == "none":
        return "none"
    if is_address(encoder_name):
        hashes = [encoder_name]
    elif encoder_name == static_encoder.NAME:
        hashes = static_encoder.hashes()
    else:
        hashes = [file.sha256 for file in catalogue.get(encoder_name).files]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


def _obstacle(
    report: Report,
    accepted: Report,
    after: Mapping[str, CorpusResult],
    before: Mapping[str, CorpusResult],
) -> str:
    """Return why a comparison would mean nothing, "" where it means something."""
    if (report.mode, report.limit) != (accepted.mode, accepted.limit):
        return (
            f"the accepted report is of mode {accepted.mode!r} and {accepted.limit} hits, this one "
            f"of {report.mode!r} and {report.limit}"
        )
    if not after:
        return "the accepted report and this one have no corpus in common"
    for name, corpus in after.items():
        ours, theirs = set(corpus.by_id(GATE)), set(before[name].by_id(GATE))
        if ours != theirs:
            return (
                f"the queries of {name} differ from those of the accepted report "
                f"({len(ours - theirs)} new or changed, {len(theirs - ours)} gone)"
            )
        if corpus.content != before[name].content:
            return f"the files of {name} are not those of the accepted report"
    return ""


def _notes(report: Report, accepted: Report) -> list[str]:
    ours, theirs = ({c.name for c in r.corpora} for r in (report, accepted))
    notes = []
    if ours - theirs:
        notes.append(f"not in the accepted report, so not compared: {_listed(ours - theirs)}")
    if theirs - ours:
        notes.append(f"only in the accepted report, so not compared: {_listed(theirs - ours)}")
    for name in sorted({*report.versions, *accepted.versions}):
        was, is_ = accepted.versions.get(name, "none"), report.versions.get(name, "none")
        if was != is_:
            notes.append(f"{name}: {was} in the accepted report, {is_} now")
    return notes


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _corpus_to_json(corpus: CorpusResult, *, kept: bool) -> dict[str, Any]:
    rows = [asdict(row) for row in corpus.rows]
    if kept:
        rows = [{name: row[name] for name in _KEPT} for row in rows]
    head = {name: getattr(corpus, name) for name in ("name", "content", "files", "chunks")}
    lost = {} if kept else {"unanswerable": list(corpus.unanswerable)}
    return head | lost | {"rows": rows}


def _corpus_from_json(body: Mapping[str, Any]) -> CorpusResult:
    return CorpusResult(
        name=str(body["name"]),
        content=str(body["content"]),
        files=int(body["files"]),
        chunks=int(body["chunks"]),
        rows=tuple(QueryResult(**row) for row in body["rows"]),
    )


def _lines(body: dict[str, Any]) -> str:
    """Return JSON with a line for each query, so that a diff shows which ones changed."""
    corpora = [
        json.dumps({**corpus, "rows": []})[:-2]
        + "\n"
        + ",\n".join("  " + json.dumps(row) for row in corpus["rows"])
        + "\n]}"
        for corpus in body["corpora"]
    ]
    head = json.dumps({**body, "corpora": []})[:-2]
    return head + "\n" + ",\n".join(corpora) + "\n]}\n"
