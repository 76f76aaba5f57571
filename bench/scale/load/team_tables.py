"""The two tables of the load test: who was answered, and who waited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_NOT_OURS = ("remote", "from memory", "cancelled", "skipped")
_HEAD = (
    "| developers | way | keys | from memory | answered | p50 / p95 ms | pauses answered "
    "| cancelled | never sent | the laptop's own answered | waiting at the server, mean / most "
    "| tokens read + from cache, written a second | CPU: server, nginx |",
    "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
)
_WAITS = (
    "| developers | way | a key, p95 / worst | a key ends a question, p95 / worst "
    "| beyond the timeout | keys late for want of CPU here, p95 | stuck | load before |",
    "|--:|---|--:|--:|--:|--:|--:|--:|",
)


def line(row: Mapping[str, Any]) -> str:
    """Return the row of one run in the first table."""
    out, answer, cpu = row["outcomes"], row["answer_ms"], row["cpu"]
    own = row["keys"] - sum(out.get(name, 0) for name in _NOT_OURS)
    times = f"{answer['p50']:.0f} / {answer['p95']:.0f}" if answer else "–"
    return (
        f"| {row['developers']} | {row['arm']} | {row['keys']:,} "
        f"| {out.get('from memory', 0):,} | {row['answered']:,} | {times} "
        f"| {row['pauses_answered']} of {row['pauses']} | {out.get('cancelled', 0):,} "
        f"| {out.get('skipped', 0):,} | {own:,} "
        f"| {row['deferred_mean']:.1f} / {row['deferred_max']:.0f} "
        f"| {row['read_tokens_s']:.0f} + {row['cached_tokens_s']:.0f}, "
        f"{row['written_tokens_s']:.1f} | {cpu['server']:.2f}, {cpu.get('nginx', 0.0):.2f} |"
    )


def _wait_line(row: Mapping[str, Any]) -> str:
    press, left, behind = row["press_ms"], row["after_cancel_ms"], row["behind_ms"]
    ended = f"{left['p95']:.0f} / {left['worst']:.0f} ms" if "p95" in left else "–"
    return (
        f"| {row['developers']} | {row['arm']} | {press['p95']:.1f} / {press['worst']:.0f} ms "
        f"| {ended} "
        f"| {row['beyond_timeout_ms']:.0f} ms | {behind['p95']:.0f} ms | {row['stuck']} "
        f"| {row['load']} |"
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return both tables: who was answered, and who waited."""
    return "\n".join([*_HEAD, *map(line, rows), "", *_WAITS, *map(_wait_line, rows)])
