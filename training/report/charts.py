"""Small charts as inline SVG: no library, no script, colours from the page's style sheet.

Numbers stand beside every mark that matters, so that nothing is told by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

_WIDTH = 720.0
_CHAR = 6.6  # width of a character of the charts' font, px
_ROW = 26.0


@dataclass(frozen=True, slots=True)
class Series:
    """A line of points; `style` is a class of the style sheet ("first", "second", "faint")."""

    name: str
    points: Sequence[Point]
    style: str
    dots: bool = False  # draw the points themselves, too


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval; a bound of None is infinite."""

    label: str
    value: float
    low: float | None
    high: float | None
    note: str = ""  # e.g. the number of items
    strong: bool = False


def line_chart(series: Sequence[Series], *, x_label: str, y_label: str, mark: float | None) -> str:
    """Draw lines over a common axis; `mark` is an x that gets a vertical line ("best")."""
    drawn = [one for one in series if one.points]
    if not drawn:
        return ""
    height, left, right, top, bottom = 260.0, 52.0, 12.0, 12.0, 40.0
    xs = [x for one in drawn for x, _ in one.points]
    ys = [y for one in drawn for _, y in one.points]
    x_ticks = ticks(0.0, max(xs))
    y_ticks = ticks(min(ys), max(ys))
    x_low, x_high = 0.0, max(max(xs), 1.0)
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def place(point: Point) -> Point:
        x = left + (point[0] - x_low) / (x_high - x_low) * (_WIDTH - left - right)
        y = top + (y_high - point[1]) / (y_high - y_low) * (height - top - bottom)
        return x, y

    parts = []
    for value in y_ticks:
        _, y = place((0.0, value))
        parts.append(_line(left, y, _WIDTH - right, y, "grid"))
        parts.append(_text(left - 6, y + 4, number(value), "tick end"))
    for value in x_ticks:
        if value <= x_high:
            x, _ = place((value, y_low))
            parts.append(_text(x, height - bottom + 16, number(value), "tick middle"))
    if mark is not None:
        x, _ = place((mark, y_low))
        parts.append(_line(x, top, x, height - bottom, "mark"))
        parts.append(_text(x - 5, top + 11, "best", "tick end"))
    for one in drawn:
        placed = [place(point) for point in one.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline class="line {one.style}" points="{path}"/>')
        if one.dots:
            parts += [
                f'<circle class="dot {one.style}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
                for x, y in placed
            ]
    parts.append(_text((left + _WIDTH) / 2, height - 4, x_label, "axis middle"))
    title = f"{y_label} over {x_label}"
    chart = _svg(height, title, parts)
    return f"<p class='legend'>{_legend(drawn, y_label)}</p>{chart}"


def forest(rows: Sequence[Interval], *, unit: str, title: str, is_share: bool = False) -> str:
    """Draw differences with their intervals around a line at zero; shares begin there."""
    if not rows:
        return ""
    sign = "" if is_share else "+"
    numbers = [_interval_text(row, unit, sign) for row in rows]
    left = min(max(len(row.label) for row in rows) * _CHAR + 12, _WIDTH * 0.45)
    right = max(len(text) for text in numbers) * _CHAR + 12
    top, height = 8.0, len(rows) * _ROW + 34
    ends = [0.0]
    for row in rows:
        ends += [value for value in (row.value, row.low, row.high) if value is not None]
    scale = ticks(min(ends), max(ends))
    low, high = scale[0], scale[-1]

    def place(value: float | None, fallback: float) -> float:
        inside = fallback if value is None else value
        return left + (inside - low) / (high - low) * (_WIDTH - left - right)

    bottom = top + len(rows) * _ROW
    parts = [_line(place(value, 0), top, place(value, 0), bottom, "grid") for value in scale]
    parts += [
        _text(place(value, 0), bottom + 16, f"{value:{sign}g}", "tick middle") for value in scale
    ]
    parts.append(_line(place(0.0, 0), top, place(0.0, 0), bottom, "zero"))
    for at, (row, text) in enumerate(zip(rows, numbers, strict=True)):
        y = top + at * _ROW + _ROW / 2
        weight = " strong" if row.strong else ""
        parts.append(_text(0, y + 4, row.label, f"label{weight}"))
        parts.append(_line(place(row.low, low), y, place(row.high, high), y, f"whisker{weight}"))
        x = place(row.value, 0)
        parts.append(f'<circle class="dot first" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>')
        parts.append(_text(_WIDTH, y + 4, text, f"tick end{weight}"))
    return _svg(height, title, parts)


def stacked(
    rows: Sequence[tuple[str, Mapping[str, int]]],
    order: Sequence[str],
    *,
    title: str = "counts of failures",
) -> str:
    """Draw a bar a row from counts of the names in `order`; counts are written inside."""
    largest = max((sum(counts.values()) for _, counts in rows), default=0)
    if not largest:
        return ""
    left = max(len(label) for label, _ in rows) * _CHAR + 12
    height = len(rows) * _ROW + 6
    parts = []
    for at, (label, counts) in enumerate(rows):
        y = at * _ROW + 4
        parts.append(_text(0, y + 15, label, "label"))
        x = left
        for number_of, name in enumerate(order):
            width = counts.get(name, 0) / largest * (_WIDTH - left - 4)
            if not width:
                continue
            parts.append(
                f'<rect class="bar part{number_of}" x="{x:.1f}" y="{y:.1f}" '
                f'width="{width:.1f}" height="20"><title>{escape(name)}: {counts[name]}</title>'
                "</rect>"
            )
            if width > (len(str(counts[name])) + len(name) + 1) * _CHAR + 6:
                text = f"{name} {counts[name]}"
                parts.append(_text(x + width / 2, y + 15, text, "inside middle"))
            x += width
    return _svg(height, title, parts)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers that span `low` to `high`, both inside, at least two."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"no axis goes from {low} to {high}")
    if high <= low:
        high = low + (abs(low) * 0.1 or 1.0)
    raw = (high - low) / (most - 1)
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * place, 10) for place in range(first, last + 1)]


def smoothed(values: Sequence[float], window: int) -> list[float]:
    """Return the running mean over the last `window` values."""
    found, total = [], 0.0
    for place, value in enumerate(values):
        total += value - (values[place - window] if place >= window else 0.0)
        found.append(total / min(place + 1, window))
    return found


def number(value: float) -> str:
    """Return a number as short as it may be: thousands with a comma, no needless zeros."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _interval_text(row: Interval, unit: str, sign: str) -> str:
    low = "-∞" if row.low is None else f"{row.low:{sign}.1f}"
    high = "∞" if row.high is None else f"{row.high:{sign}.1f}"
    note = f"  {row.note}" if row.note else ""
    return f"{row.value:{sign}.1f}{unit} [{low}, {high}]{note}"


def _legend(series: Sequence[Series], y_label: str) -> str:
    names = " ".join(
        f'<span class="key {one.style}"></span>{escape(one.name)}' for one in series if one.name
    )
    return f"{escape(y_label)}: {names}"


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
