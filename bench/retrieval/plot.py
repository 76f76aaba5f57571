"""NDCG@10 of each corpus as SVG bars with their 95 % intervals, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.retrieval.corpora import QueryCorpus
from homespun.indexer.evaluation.report import Report
from homespun.stats import Estimate, estimate

_COLOURS = {"lexical": "#93c5fd", "hybrid": "#c2410c", "dense": "#6b7280"}
_BAR, _GAP, _GROUP_GAP = 9, 2, 9  # pixels
_LABELS, _FULL, _MARGIN = 190, 460, 60  # pixels: names, a bar of 1.0, to its right
_FONT = 'font-family="sans-serif" font-size="11"'


def write(chosen: Sequence[QueryCorpus], reports: Sequence[Report], path: Path) -> None:
    """Write the plot of what every report has of these corpora."""
    parts = [
        _text(8, 18, "NDCG@10 by corpus, with 95 % intervals (bootstrap over queries)", "bold")
    ]
    for place, report in enumerate(reports):
        x = 8 + place * 90
        parts.append(_box(x, 26, 10, 10, _COLOURS[report.mode]))
        parts.append(_text(x + 15, 35, report.mode))
    top = 48
    for corpus in chosen:
        label = f"{corpus.name} ({corpus.language})" + "*" * (corpus.split == "held")
        bars = [
            (report.mode, estimate([[row.ndcg for row in result.rows]]))
            for report in reports
            for result in report.corpora
            if result.name == corpus.name
        ]
        if bars:
            parts.append(_text(8, top + len(bars) * (_BAR + _GAP) / 2 + 3, label))
        for mode, found in bars:
            parts += _bar(mode, found, top)
            top += _BAR + _GAP
        top += _GROUP_GAP * bool(bars)
    parts.append(_text(8, top + 8, "* held: nothing is tuned on these"))
    width, height = _LABELS + _FULL + _MARGIN, top + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *parts,
        "</svg>\n",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def _bar(mode: str, found: Estimate, top: float) -> list[str]:
    low, high = _LABELS + found.low * _FULL, _LABELS + found.high * _FULL
    middle = top + _BAR / 2
    return [
        _box(_LABELS, top, found.mean * _FULL, _BAR, _COLOURS[mode]),
        f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="black"/>',
        _text(_LABELS + _FULL + 8, top + _BAR, f"{found.mean:.3f}".removeprefix("0")),
    ]


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height}" fill="{colour}"/>'


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {_FONT} font-weight="{weight}">{escape(text)}</text>'
