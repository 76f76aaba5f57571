"""Tables of the completion-context measurement, as Markdown; pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence

from bench.context.cursors import GROUPS, STATES, NameCursor
from bench.context.model import AnsweredCursor
from bench.context.recall import TOP, RecallResult

Rows = list[tuple[NameCursor, RecallResult]]
_RESAMPLES = 4000


def recall_table(rows: Rows, arms: Sequence[str]) -> str:
    """Return recall by state and group of all packages together, and of each package."""
    lines = [
        f"| package | state | cursors | n | arm | in the top {TOP} | of indexed files | first "
        "| offered | snippets | tokens | p50 / p95 ms |",
        "|---|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    packages = sorted({cursor.package for cursor, _ in rows})
    for package in [*packages, *(["all"] if len(packages) > 1 else [])]:
        for state in STATES:
            for group in ("cross", *GROUPS) if package == "all" else ("cross",):
                for arm in arms:
                    found = [
                        row
                        for cursor, row in rows
                        if row.arm == arm
                        and cursor.state == state
                        and package in ("all", cursor.package)
                        and _in(cursor.group, group)
                    ]
                    if found:
                        lines.append(_recall_line(package, state, group, arm, found))
    return "\n".join(lines)


def _in(group: str, wanted: str) -> bool:
    return group == wanted or (wanted == "cross" and group in ("first", "again"))


def _recall_line(
    package: str, state: str, group: str, arm: str, rows: Sequence[RecallResult]
) -> str:
    has_need = _in(group, "cross") or group == "cross"
    ordered = sorted(row.ms for row in rows)
    p95 = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    cells = [
        *(package, state, group, str(len(rows)), arm),
        share([0 < row.rank <= TOP for row in rows]) if has_need else "-",
        share([0 < r.rank <= TOP for r in rows if r.is_indexed]) if has_need else "-",
        share([row.rank == 1 for row in rows]) if has_need else "-",
        share([0 < row.offered <= TOP for row in rows]) if has_need else "-",
        f"{statistics.mean(row.snippets for row in rows):.1f}",
        f"{statistics.mean(row.tokens for row in rows):.0f}",
        f"{statistics.median(ordered):.1f} / {p95:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def how_table(rows: Rows, arms: Sequence[str]) -> str:
    """Return recall in the top five by the way in which the name is reached, as written."""
    cross = [(c, row) for c, row in rows if c.is_cross and c.state == "written"]
    lines = ["| reached by | n | " + " | ".join(arms) + " |", "|---|--:|" + "--:|" * len(arms)]
    hows = sorted({c.how for c, _ in cross}, key=lambda how: -sum(c.how == how for c, _ in cross))
    for how in [*hows, "all"]:
        by_arm = [
            [0 < r.rank <= TOP for c, r in cross if how in (c.how, "all") and r.arm == arm]
            for arm in arms
        ]
        lines.append(f"| {how} | {len(by_arm[0])} | " + " | ".join(map(share, by_arm)) + " |")
    return "\n".join(lines)


def model_table(answers: Sequence[AnsweredCursor], arms: Sequence[str]) -> str:
    """Return what the model wrote, by state and group."""
    lines = [
        "| state | cursors | n | arm | exact | name right | similarity | prompt tokens "
        "| exact, against none |",
        "|---|---|--:|---|--:|--:|--:|--:|---|",
    ]
    for state in STATES:
        for group in ("cross", *GROUPS):
            here = [a for a in answers if a.state == state and _in(a.group, group)]
            plain = _by_place(here, "none")
            for arm in arms:
                found = _by_place(here, arm)
                if found:
                    lines.append(_model_line(state, group, arm, found, plain))
    return "\n".join(lines)


def _by_place(
    answers: Sequence[AnsweredCursor], arm: str
) -> dict[tuple[str, str, int, int], AnsweredCursor]:
    return {(a.package, a.path, a.line, a.column): a for a in answers if a.arm == arm}


def _model_line(
    state: str,
    group: str,
    arm: str,
    found: dict[tuple[str, str, int, int], AnsweredCursor],
    plain: dict[tuple[str, str, int, int], AnsweredCursor],
) -> str:
    answers = list(found.values())
    pairs = [(float(a.exact), float(plain[k].exact)) for k, a in found.items() if k in plain]
    cells = [
        *(state, group, str(len(answers)), arm),
        share([a.exact for a in answers]),
        share([a.is_named for a in answers]) if group != "none" else "-",
        f"{statistics.mean(a.similarity for a in answers):.3f}",
        f"{statistics.mean(a.prompt_tokens for a in answers):.0f}",
        ratio_text(pairs) if arm != "none" and pairs else "-",
    ]
    return "| " + " | ".join(cells) + " |"


def ratio_text(pairs: Sequence[tuple[float, float]]) -> str:
    """Return ratio and difference of two arms with 95 % intervals, resampled by cursor."""
    ratio = _interval(pairs, lambda ours, theirs: ours / theirs if theirs else float("inf"))
    gain = _interval(pairs, lambda ours, theirs: ours - theirs)
    return (
        f"{ratio[0]:.2f} x [{ratio[1]:.2f}, {ratio[2]:.2f}], "
        f"{gain[0]:+.3f} [{gain[1]:+.3f}, {gain[2]:+.3f}]"
    )


def _interval(
    pairs: Sequence[tuple[float, float]], of: Callable[[float, float], float]
) -> tuple[float, float, float]:
    def value(sample: Sequence[tuple[float, float]]) -> float:
        return of(
            statistics.fmean(ours for ours, _ in sample),
            statistics.fmean(theirs for _, theirs in sample),
        )

    rng = random.Random(0)
    found = sorted(value(rng.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLES))
    low, high = found[int(0.025 * _RESAMPLES)], found[int(0.975 * _RESAMPLES)]
    return value(pairs), low, high


def share(found: Sequence[bool]) -> str:
    """Return the share of what holds."""
    return f"{statistics.mean(found):.3f}" if found else "-"
