"""A gate for any evaluation that gives a score to each of a fixed set of questions.

    status = gate("context-recall", {"mcp": {"server.py:12:8 clean": 1.0}}, is_accepting=False)

The scores of the last accepted run lie in bench/accepted/NAME.json; ids are what pairs them. The
search has its own reports (`homespun.indexer.evaluation.report`), with the same comparison.
"""

from __future__ import annotations

import json
from typing import Any

from bench.common.provenance import ROOT
from homespun.stats import Comparison, Scores, compare

ACCEPTED = ROOT / "bench" / "accepted"
_LISTED = 20  # questions named; more are counted
_DIGITS = 6


def gate(name: str, scores: Scores, *, is_accepting: bool) -> int:
    """Compare with the accepted scores, or become them; print how; 1 where the gate closes.

    It closes when the scores are worse beyond chance (95 %, paired bootstrap within groups) or
    belong to other questions. A group that is missing here was not measured and does not count.
    """
    path = ACCEPTED / f"{name}.json"
    rounded = {
        group: {id_: round(score, _DIGITS) for id_, score in ids.items()}
        for group, ids in scores.items()
    }
    accepted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    status = 0 if accepted is None or is_accepting else _compared(name, rounded, accepted)
    if is_accepting:
        path.parent.mkdir(exist_ok=True)
        path.write_text(_lines(rounded), encoding="utf-8")
        print(f"accepted: {path.name}; commit it with the change that it measures")
    elif accepted is None:
        print(f"there are no accepted scores for {name} yet; --accept makes these the ones")
    return status


def _compared(name: str, scores: Scores, accepted: Scores) -> int:
    shared = [group for group in accepted if group in scores]
    left_out = sorted({*scores, *accepted} - {*shared})
    if left_out:
        print(f"{name}: in one of the two runs only, so not compared: {', '.join(left_out)}")
    before = {group: accepted[group] for group in shared}
    after = {group: scores[group] for group in shared}
    changed = [group for group in shared if before[group].keys() != after[group].keys()]
    if changed or not shared:
        what = f"the questions of {', '.join(changed)} differ" if changed else "nothing is shared"
        print(f"{name}: nothing can be compared with the accepted scores: {what}")
        return 1
    return _said(name, compare(after, before))


def _said(name: str, compared: Comparison) -> int:
    difference = compared.difference
    print(
        f"{name} against the accepted scores: {difference.mean:+.3f} [{difference.low:+.3f}, "
        f"{difference.high:+.3f}] over {compared.count}, {len(compared.worse)} worse, "
        f"{len(compared.better)} better"
    )
    if not compared.is_drop:
        return 0
    for change in compared.worse[:_LISTED]:
        print(f"  worse  {change.before:.2f} -> {change.after:.2f}  {change.group}: {change.id}")
    print(f"{name} got worse; mend it, or take the new state with --accept")
    return 1


def _lines(scores: dict[str, dict[str, Any]]) -> str:
    """Return JSON with a line for each question, so that a diff shows which ones changed."""
    groups = [
        json.dumps(group)
        + ": {\n"
        + ",\n".join(f"  {json.dumps(id_)}: {score}" for id_, score in sorted(ids.items()))
        + "\n}"
        for group, ids in sorted(scores.items())
    ]
    return "{\n" + ",\n".join(groups) + "\n}\n"
