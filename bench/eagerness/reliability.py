"""What is said and what comes true: the error, what of it is chance, and a drawing as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from homespun.training.shipped.confidence import figures

_SIDE, _MARGIN = 320, 46
_FONT = 'font-family="sans-serif" font-size="11"'


def is_right(text: str, upcoming: str) -> bool:
    """Tell whether the author's next text begins with a suggestion, no word being cut in two."""
    if not upcoming.startswith(text):
        return False
    around = upcoming[len(text) - 1 : len(text) + 1]
    return not (len(around) == 2 and all(each.isalnum() or each == "_" for each in around))


def calibration(
    said: Sequence[float], right: Sequence[float], packages: Sequence[str]
) -> dict[str, Any]:
    """Return how far what is said of suggestions is from what comes true.

    `by_chance` is what probabilities that are all true would show on as few suggestions.
    """
    if not said:
        return {"suggestions": 0}
    likely, truth, weight = np.array(said), np.array(right), np.ones(len(said))
    found = figures.calibration_interval(likely, truth, weight, packages)
    return {
        "suggestions": len(said),
        "calibration_error": round(found.mean, 4),
        "interval": [round(found.low, 4), round(found.high, 4)],
        "by_chance": round(figures.error_by_chance(likely, weight), 4),
        "said": round(float(likely.mean()), 4),
        "right": round(float(truth.mean()), 4),
        "reliability": [
            [round(each.said, 4), round(each.right, 4)]
            for each in figures.bins(likely, truth, weight)
        ],
    }


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
