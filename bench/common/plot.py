"""Drawings as SVG, written by hand.

`bars`: one group a measure, the slowest bar of a group is full width. `frontier`: a share against
another, a line for each rule that has a threshold and a dot for what has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


_SIDE, _LEFT, _TOP = 420, 60, 60  # of the square of shares, and what is left of and above it


def frontier(
    curves: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str, title: str
) -> str:
    """Draw shares between 0 and 1 against each other; up and to the right is better.

    `curves` are points (across, up) in the order in which they are joined.
    """
    parts = [_text(8, 20, title, "bold"), _text(_LEFT, _TOP + _SIDE + 36, across)]
    parts.append(_text(8, _TOP - 14, up))
    for tenth in range(0, 11, 2):
        x, y = _LEFT + tenth / 10 * _SIDE, _TOP + (1 - tenth / 10) * _SIDE
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{_SIDE}M{x:.1f} {_TOP}v{_SIDE}" stroke="#ddd"/>')
        parts += [_text(_LEFT - 30, y + 4, f"{tenth / 10:.1f}")]
        parts += [_text(x - 8, _TOP + _SIDE + 18, f"{tenth / 10:.1f}")]
    for place, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[min(place, len(_COLOURS) - 1)]
        where = [(_LEFT + a * _SIDE, _TOP + (1 - b) * _SIDE) for a, b in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in where]
        y = _TOP + 14 * place
        parts.append(f'<circle cx="{_LEFT + _SIDE + 20}" cy="{y}" r="4" fill="{colour}"/>')
        parts.append(_text(_LEFT + _SIDE + 30, y + 4, name))
    width, height = _LEFT + _SIDE + 240, _TOP + _SIDE + 50
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
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
