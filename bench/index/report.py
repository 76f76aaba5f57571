"""Tables of bench/README.md and the plot of growth, from bench/results/index.json.

    python -m bench.index.report

What stands between `<!-- index NAME -->` and `<!-- /index NAME -->` in the page is written anew.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from html import escape
from typing import Any

from bench.common import provenance
from bench.index.process import OURS, RIPGREP, SEMBLE

README = provenance.ROOT / "bench" / "README.md"
_REPORT = provenance.RESULTS / "index.json"
_WORDS = {OURS: "words and symbols", SEMBLE: "words"}
_TARGET = {"p50": {"middle": 2, "huge": 20}, "p95": {"middle": 8, "huge": 60}}
_TARGET_WORDS, _TARGET_VECTORS, _TARGET_UPDATE = 25, 60, 60  # ms a thousand lines, twice; ms
_COLOURS = {OURS: "#c2410c", SEMBLE: "#1d4ed8"}

Report = dict[str, Any]


def main() -> None:
    """Write the page and the plot, as a program of its own."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    write_page()


def write_page() -> None:
    """Write the page and the plot."""
    report = json.loads(_REPORT.read_text(encoding="utf-8"))
    page = README.read_text(encoding="utf-8")
    page = replaced(page, "index origin", _origin(report))
    page = replaced(page, "index cold", cold_table([*report["cold"], *_colds(report)]))
    page = replaced(page, "index life", life_table(report))
    page = replaced(page, "index growth", growth_table(report["growth"]))
    README.write_text(page, encoding="utf-8")
    plot = _REPORT.with_name("index-growth.svg")
    plot.write_text(drawing(report["growth"], report), encoding="utf-8")
    print(README)


def cold_table(rows: list[Report]) -> str:
    """Render the cost of a first run, in milliseconds a thousand lines."""
    lines = [
        _row(
            [
                *("tree", "lines", "chunks", "words and symbols", "the store's indexes"),
                *("vectors", "until vectors are complete", "semble: words", "semble / ours"),
            ]
        ),
        "|---|" + "--:|" * 8,
    ]
    for row in rows:
        ours, theirs = row["engines"][OURS], row["engines"].get(SEMBLE)
        stages = ours["ms_per_kloc"]
        peer = theirs["ms_per_kloc"]["words"] if theirs else None
        lines.append(
            _row(
                [
                    *(row["tree"], f"{ours['lines']:,}", f"{ours['chunks']:,}"),
                    f"**{stages['words and symbols']:.1f}**",
                    f"{stages['indexes of the store']:.1f}",
                    f"{stages['vectors']:.1f}",
                    f"**{sum(stages.values()):.1f}**",
                    "-" if peer is None else f"{peer:.1f}",
                    "-" if peer is None else f"{peer / stages['words and symbols']:.2f}",
                ]
            )
        )
    targets = ["target", "", "", f"{_TARGET_WORDS}", "", "", f"{_TARGET_VECTORS}", "", ""]
    return "\n".join([*lines, _row(targets)])


def life_table(report: Report) -> str:
    """Render what using an index costs, at two sizes."""
    lines = [
        _row(["", "homespun", SEMBLE, RIPGREP, "target"]),
        "|---|--:|--:|--:|--:|",
    ]
    for part in ("middle", "huge"):
        if part in report:
            lines += _life_rows(report[part], part)
    return "\n".join(lines)


def _life_rows(row: Report, part: str) -> list[str]:
    engines = row["engines"]
    ours = engines[OURS]
    size = f"{ours['chunks']:,} chunks"
    target = f"{_TARGET['p50'][part]} / {_TARGET['p95'][part]}"

    def cells(key: str) -> list[str]:
        return [_pair(engines.get(name, {}).get(key)) for name in (OURS, SEMBLE, RIPGREP)]

    def plain(key: str, unit: str) -> list[str]:
        values = [engines.get(name, {}).get(key) for name in (OURS, SEMBLE)]
        return [*("-" if value is None else f"{value:,.0f} {unit}" for value in values), "-"]

    return [
        _row([f"{size}: question by words, p50 / p95 ms", *cells("query lexical"), target]),
        _row([f"{size}: with vectors, p50 / p95 ms", *cells("query hybrid"), target]),
        _row([f"{size}: one file to visible, p50 / p95 ms", *cells("update"), f"{_TARGET_UPDATE}"]),
        _row([f"{size}: its vectors after that", _pair(ours.get("update vectors")), "-", "-", ""]),
        _row([f"{size}: compacting the store, in the background", _care(ours), "-", "-", ""]),
        _row([f"{size}: opening again", f"{ours['reopen']['seconds']:.1f} s", "-", "-", ""]),
        _row([f"{size}: peak memory of the first run", *plain("peak_mb", "MB"), "2,000 MB"]),
        _row([f"{size}: on the disk", *plain("disk_mb", "MB"), ""]),
    ]


def growth_table(rows: list[Report]) -> str:
    """Render how cost grows with the size of the tree."""
    lines = [
        _row(
            [
                *("lines", "seconds until words and symbols", "a thousand lines", "all, seconds"),
                *("peak memory", "on the disk", "semble: seconds", "its peak memory"),
            ]
        ),
        "|--:|" + "--:|" * 7,
    ]
    for row in rows:
        ours, theirs = row["engines"][OURS], row["engines"].get(SEMBLE)
        stage = _WORDS[OURS]
        lines.append(
            _row(
                [
                    f"{ours['lines']:,}",
                    f"{ours['seconds'][stage]:.2f}",
                    f"{ours['ms_per_kloc'][stage]:.1f} ms",
                    f"{sum(ours['seconds'].values()):.2f}",
                    f"{ours['peak_mb']:,.0f} MB",
                    f"{ours['disk_mb']:,.0f} MB",
                    "-" if not theirs else f"{theirs['seconds'][_WORDS[SEMBLE]]:.2f}",
                    "-" if not theirs else f"{theirs['peak_mb']:,.0f} MB",
                ]
            )
        )
    lines.append("")
    lines.append(
        f"Slope of log seconds over log lines, from 100,000 lines on: {slope(rows):.2f} "
        "(1 = linear)."
    )
    return "\n".join(lines)


def slope(rows: list[Report]) -> float:
    """Return the exponent of the growth between the large trees, by least squares."""
    points = [
        (math.log(ours["lines"]), math.log(ours["seconds"][_WORDS[OURS]]))
        for ours in (row["engines"][OURS] for row in rows)
        if ours["lines"] >= 90_000
    ]
    if len(points) < 2:
        return math.nan
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum(
        (x - mean_x) ** 2 for x, _ in points
    )


def drawing(rows: list[Report], report: Report) -> str:
    """Draw seconds over lines, both logarithmic, with the line of linear growth."""
    width, height, left, bottom = 620, 360, 60, 310
    xs = [row["engines"][OURS]["lines"] for row in rows]
    series = {
        name: [
            (row["engines"][name]["lines"], row["engines"][name]["seconds"][stage])
            for row in rows
            if name in row["engines"]
        ]
        for name, stage in _WORDS.items()
    }
    seconds = [second for points in series.values() for _, second in points]
    low_x, high_x = math.log(min(xs)), math.log(max(xs))
    low_y, high_y = math.log(min(seconds)), math.log(max(seconds))

    def place(lines: float, value: float) -> tuple[float, float]:
        x = left + (math.log(lines) - low_x) / (high_x - low_x or 1) * (width - left - 40)
        y = bottom - (math.log(value) - low_y) / (high_y - low_y or 1) * (bottom - 70)
        return x, y

    processor = report["machine"]["processor"]
    parts = [
        _text(8, 20, "First run: seconds until words can be searched, by lines", "bold"),
        _text(8, 36, f"{processor}, {report['date'][:10]}; grey: linear from our 10,000 lines"),
    ]
    first = min(series[OURS])
    straight = [place(lines, first[1] * lines / first[0]) for lines in (min(xs), max(xs))]
    parts.append(_line(straight, "#9ca3af"))
    for number, (name, points) in enumerate(series.items()):
        placed = [place(*point) for point in points]
        parts += [_line(placed, _COLOURS[name]), _text(left + 20, 70 + 16 * number, name)]
        parts.append(
            f'<rect x="{left + 4}" y="{61 + 16 * number}" width="10" height="10" '
            f'fill="{_COLOURS[name]}"/>'
        )
        for (x, y), (_, second) in zip(placed, points, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_COLOURS[name]}"/>')
            parts.append(
                _text(x + 5, y + 12, f"{second:.2g} s" if second < 10 else f"{second:.0f} s")
            )
    for lines in xs:
        parts.append(_text(place(lines, min(seconds))[0] - 20, bottom + 24, f"{lines:,}"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *parts]) + (
        "\n</svg>\n"
    )


def _colds(report: Report) -> list[Report]:
    return [report[part] for part in ("middle", "huge") if part in report]


def _care(ours: Report) -> str:
    return f"{ours['care_ms'] / 1000:.1f} s" if "care_ms" in ours else "-"


def _pair(values: Report | None) -> str:
    return "-" if not values else f"{values['p50']:.1f} / {values['p95']:.1f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _line(points: list[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="11" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )


def _origin(report: Report) -> str:
    machine = report["machine"]
    return (
        f"{machine['processor']} ({machine['cores']} cores), {machine['system']}; "
        f"{report['date']}, commit {report['commit']}"
        f"{' with changes' if report['changed'] else ''}; "
        f"Python {report['versions']['python']}, semble 0.7.0, ripgrep 14.1.0; "
        f"load average {machine['load']} before, {report['load_after']} after; "
        f"{report['seconds'] / 60:.0f} minutes."
    )


def replaced(page: str, name: str, text: str) -> str:
    """Put `text` between a section's two marks."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    if not pattern.search(page):
        raise SystemExit(f"{README} has no marks <!-- {name} -->")
    return pattern.sub(lambda marks: f"{marks[1]}{text.strip()}\n{marks[2]}", page)


if __name__ == "__main__":
    main()
