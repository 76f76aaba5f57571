"""What is said and what comes true, as SVG written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_SIDE, _MARGIN = 320, 46
_FONT = 'font-family="sans-serif" font-size="11"'


def is_right(text: str, upcoming: str) -> bool:
    """Tell whether the author's next text begins with a suggestion, no word being cut in two."""
    if not upcoming.startswith(text):
        return False
    around = upcoming[len(text) - 1 : len(text) + 1]
    return not (len(around) == 2 and all(each.isalnum() or each == "_" for each in around))


def drawn(pairs: Sequence[Sequence[float]], *, title: str = "Said and come true") -> str:
    """Draw (said, right) of bins of equal size, with the line on which both are the same."""
    width = _SIDE + 2 * _MARGIN
    points = " ".join(f"{_x(said):.1f},{_y(right):.1f}" for said, right in pairs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}">',
        f'<rect width="{width}" height="{width}" fill="white"/>',
        f'<text x="{_MARGIN}" y="24" {_FONT} font-weight="bold">{escape(title)}</text>',
        f'<rect x="{_x(0)}" y="{_y(1)}" width="{_SIDE}" height="{_SIDE}" fill="none" '
        'stroke="#999"/>',
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="#999" '
        'stroke-dasharray="4"/>',
        f'<polyline points="{points}" fill="none" stroke="#1d4ed8" stroke-width="1.5"/>',
        *(
            f'<circle cx="{_x(said):.1f}" cy="{_y(right):.1f}" r="3.5" fill="#1d4ed8"/>'
            for said, right in pairs
        ),
    ]
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{_x(share) - 6}" y="{_y(0) + 16}" {_FONT}>{share:g}</text>')
        parts.append(f'<text x="{_x(0) - 24}" y="{_y(share) + 4}" {_FONT}>{share:g}</text>')
    parts.append(f'<text x="{_x(0.36)}" y="{_y(0) + 34}" {_FONT}>probability said</text>')
    parts.append(f'<text x="6" y="{_y(1) - 8}" {_FONT}>share right</text>')
    return "\n".join([*parts, "</svg>\n"])


def _x(share: float) -> float:
    return _MARGIN + share * _SIDE


def _y(share: float) -> float:
    return _MARGIN + (1 - share) * _SIDE
