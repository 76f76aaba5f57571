"""Bars as SVG, written by hand: one group a measure, the slowest bar of a group is full width."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_COLOURS = ("#c2410c", "#1d4ed8", "#3b82f6", "#93c5fd", "#6b7280", "#9ca3af", "#d1d5db")
_BAR, _GAP, _GROUP_GAP = 11, 2, 16
_LABEL_WIDTH, _BAR_WIDTH, _VALUE_WIDTH = 190, 460, 80
_FONT = 'font-family="sans-serif" font-size="11"'


def bars(groups: Mapping[str, Mapping[str, float]], *, title: str, note: str) -> str:
    """Draw milliseconds by measure and engine; less is better."""
    engines = list(dict.fromkeys(name for values in groups.values() for name in values))
    colours = {name: _COLOURS[min(place, len(_COLOURS) - 1)] for place, name in enumerate(engines)}
    parts = [_text(8, 20, title, "bold"), _text(8, 36, note)]
    top = 56
    for place, name in enumerate(engines):
        x, y = 8 + place % 3 * 230, top + place // 3 * 16
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colours[name]}"/>')
        parts.append(_text(x + 15, y, name))
    top += (len(engines) + 2) // 3 * 16 + 6
    for measure, values in groups.items():
        slowest = max(values.values())
        middle = top + len(values) * (_BAR + _GAP) / 2
        parts.append(_text(8, middle + 3, measure, "bold"))
        for name, value in values.items():
            width = value / slowest * _BAR_WIDTH
            parts.append(
                f'<rect x="{_LABEL_WIDTH}" y="{top}" width="{width:.1f}" height="{_BAR}" '
                f'fill="{colours[name]}"/>'
            )
            parts.append(_text(_LABEL_WIDTH + width + 4, top + _BAR - 2, milliseconds(value)))
            top += _BAR + _GAP
        top += _GROUP_GAP
    width = _LABEL_WIDTH + _BAR_WIDTH + _VALUE_WIDTH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}">',
            f'<rect width="{width}" height="{top}" fill="white"/>',
            *parts,
            "</svg>\n",
        ]
    )


def milliseconds(value: float) -> str:
    """Write milliseconds with three digits or so."""
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} {_FONT} font-weight="{weight}">{escape(text)}</text>'
