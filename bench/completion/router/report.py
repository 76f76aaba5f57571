"""What the router brings on packages that it was not fitted on: exact lines, tokens, time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.completion.router.fit import HeldOut, RoutedPlace
from homespun.stats import RESAMPLES, Estimate, cluster_mean, paired

KEPT = 0.95  # wanted, of the large model's exact lines
_BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def figures(places: Sequence[RoutedPlace], held: HeldOut) -> dict[str, Any]:
    """Return all figures as JSON."""
    packages = [place.small.package for place in places]
    escalated = held.escalated
    arms = {
        "small": [place.small for place in places],
        "large": [place.large for place in places],
        "router": [p.large if e else p.small for p, e in zip(places, escalated, strict=True)],
    }
    exact = {arm: [float(a.is_exact) for a in answers] for arm, answers in arms.items()}
    share = cluster_mean([float(e) for e in escalated], packages)
    return {
        "places": len(places),
        "packages": {name: packages.count(name) for name in sorted(set(packages))},
        "exact": {arm: _interval(cluster_mean(hits, packages)) for arm, hits in exact.items()},
        "either": statistics.fmean(map(max, exact["small"], exact["large"])),
        "router minus small": _interval(
            paired(exact["router"], exact["small"], packages).difference
        ),
        "router minus large": _interval(
            paired(exact["router"], exact["large"], packages).difference
        ),
        "large minus small": _interval(paired(exact["large"], exact["small"], packages).difference),
        "kept": _kept(exact["router"], exact["large"], packages),
        "escalated": _interval(share),
        "share that keeps enough": _share_enough(places, held.likely),
        "thresholds": sorted(set(held.thresholds)),
        "tokens a place": _tokens(places, escalated),
        "median ms": _milliseconds(places, escalated),
        "calibration": _calibration(exact["small"], exact["large"], held.likely),
        "groups": _groups(places, escalated),
        "curve": curve(places, held.likely),
    }


def curve(places: Sequence[RoutedPlace], likely: Sequence[float]) -> list[list[float]]:
    """Return [share escalated, exact] from none to all, the least likely right first."""
    order = sorted(range(len(places)), key=lambda i: likely[i])
    exact = float(sum(place.small.is_exact for place in places))
    found = [[0.0, exact / len(places)]]
    for count, number in enumerate(order, start=1):
        exact += places[number].large.is_exact - places[number].small.is_exact
        found.append([count / len(places), exact / len(places)])
    return [[round(share, 4), round(value, 4)] for share, value in found]


def table(found: dict[str, Any], names: dict[str, str]) -> str:
    """Return the figures as Markdown."""
    kept = found["kept"]
    lines = [
        f"{found['places']} places of {len(found['packages'])} packages",
        "| arm | exact | 95 %, by package | escalated | tokens a place | median ms |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for arm in ("small", "large", "router"):
        mean, low, high = found["exact"][arm]
        share = {"small": 0.0, "large": 1.0, "router": found["escalated"][0]}[arm]
        lines.append(
            f"| {names[arm]} | {mean:.3f} | {low:.3f}-{high:.3f} | {share:.2f} "
            f"| {found['tokens a place'][arm]:.0f} | {found['median ms'][arm]:.0f} |"
        )
    lines += [
        f"kept of the large model's exact lines: {kept[0]:.3f} [{kept[1]:.3f}, {kept[2]:.3f}], "
        f"wanted {KEPT}, for which {found['share that keeps enough']:.2f} escalated are enough",
        f"at least one of both is right: {found['either']:.3f}",
        "calibration, out of fold: "
        f"AUC {found['calibration']['auc']:.3f}, Brier {found['calibration']['brier']:.3f} "
        f"(always the mean: {found['calibration']['brier of the mean']:.3f})",
        "",
        "| said of the small model's line | places | right | the large one's |",
        "|---|--:|--:|--:|",
    ]
    for row in found["calibration"]["bins"]:
        lines.append(
            f"| {row['said']} | {row['places']} | {row['right']:.2f} | {row['large right']:.2f} |"
        )
    lines += ["", "| place | n | small | large | router | escalated |", "|---|--:|--:|--:|--:|--:|"]
    for group, row in found["groups"].items():
        lines.append(
            f"| {group} | {row['n']} | " + " | ".join(f"{x:.2f}" for x in row["means"]) + " |"
        )
    return "\n".join(lines)


def plot(found: dict[str, Any], names: dict[str, str]) -> str:
    """Draw the share escalated against exact lines as SVG."""
    points = found["curve"]
    values = [value for _, value in points] + [found["either"]]
    low, high = min(values) - 0.02, max(values) + 0.02
    width, height, left, top = 620, 320, 60, 40

    def at(share: float, value: float) -> tuple[float, float]:
        y = top + height - (value - low) / (high - low) * height
        return left + share * width, y

    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
    parts = [
        f'<polyline points="{path}" fill="none" stroke="#1d4ed8" stroke-width="2"/>',
        _line(at(0, points[0][1]), at(1, points[-1][1]), "#9ca3af", dashed=True),
        _line(at(0, found["either"]), at(1, found["either"]), "#d1d5db", dashed=True),
        _text(left + width - 4, at(1, found["either"])[1] - 4, "whoever is right", "end"),
        _text(left + 4, at(0, points[0][1])[1] + 14, f"{names['small']} alone"),
        _text(left + width - 4, at(1, points[-1][1])[1] + 14, f"{names['large']} alone", "end"),
    ]
    x, y = at(found["escalated"][0], found["exact"]["router"][0])
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#c2410c"/>')
    parts.append(_text(x + 8, y - 8, "the router, held-out packages"))
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(_text(at(share, low)[0], top + height + 16, f"{share:.0%}", "middle"))
    steps = np.linspace(low, high, 5)
    for value in steps:
        parts.append(_text(left - 6, at(0, float(value))[1] + 4, f"{value:.2f}", "end"))
    title = "Exact lines by the share of questions that the large model is asked"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 30}" '
            f'height="{top + height + 40}">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" '
            'stroke="#d1d5db"/>',
            _text(left, 22, f"{title} (n = {found['places']})"),
            *parts,
            "</svg>\n",
        ]
    )


def _share_enough(places: Sequence[RoutedPlace], likely: Sequence[float]) -> float:
    """Return the least share escalated at which `KEPT` of the large model's exact lines are kept.

    By probabilities that were fitted on other packages, but with the threshold known afterwards.
    """
    points = curve(places, likely)
    return next(share for share, exact in points if exact >= KEPT * points[-1][1])


def _interval(found: Estimate) -> list[float]:
    return [round(value, 4) for value in (found.mean, found.low, found.high)]


def _kept(router: Sequence[float], large: Sequence[float], packages: Sequence[str]) -> list[float]:
    """Return the ratio of exact lines and its 95 % interval when whole packages are drawn."""
    names = sorted(set(packages))
    sums = np.array(
        [
            [sum(x for x, p in zip(arm, packages, strict=True) if p == name) for name in names]
            for arm in (router, large)
        ]
    )
    drawn = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES
    )
    ours, theirs = drawn @ sums[0], drawn @ sums[1]
    ratios = ours[theirs > 0] / theirs[theirs > 0]
    low, high = np.quantile(ratios, (0.025, 0.975))
    return [round(float(x), 4) for x in (sums[0].sum() / sums[1].sum(), low, high)]


def _tokens(places: Sequence[RoutedPlace], escalated: Sequence[bool]) -> dict[str, float]:
    """Return the tokens, of prompts and answers, that go to the large model for a place."""
    paid = [place.large.prompt_tokens + place.large.tokens for place in places]
    routed = sum(tokens for tokens, is_asked in zip(paid, escalated, strict=True) if is_asked)
    return {"small": 0.0, "large": statistics.fmean(paid), "router": routed / len(places)}


def _milliseconds(places: Sequence[RoutedPlace], escalated: Sequence[bool]) -> dict[str, float]:
    small = [place.small.ms for place in places]
    large = [place.large.ms for place in places]
    both = [s + (t if e else 0.0) for s, t, e in zip(small, large, escalated, strict=True)]
    arms = {"small": small, "large": large, "router": both}
    return {arm: round(statistics.median(times), 1) for arm, times in arms.items()}


def _calibration(
    small: Sequence[float], large: Sequence[float], likely: Sequence[float]
) -> dict[str, Any]:
    hits, theirs, said = np.array(small), np.array(large), np.array(likely)
    above = said[hits == 1][:, None] - said[hits == 0][None, :]
    bins = []
    for low, high in zip(_BINS, _BINS[1:], strict=False):
        inside = (said >= low) & ((said < high) | (high == 1.0))
        if inside.any():
            bins.append(
                {
                    "said": f"{low:.1f}-{high:.1f}, mean {said[inside].mean():.2f}",
                    "places": int(inside.sum()),
                    "right": round(float(hits[inside].mean()), 4),
                    "large right": round(float(theirs[inside].mean()), 4),
                }
            )
    return {
        "auc": round(float((above > 0).mean() + (above == 0).mean() / 2), 4),
        "brier": round(float(((said - hits) ** 2).mean()), 4),
        "brier of the mean": round(float(((hits.mean() - hits) ** 2).mean()), 4),
        "bins": bins,
    }


def _groups(places: Sequence[RoutedPlace], escalated: Sequence[bool]) -> dict[str, Any]:
    found = {}
    for group in sorted({place.small.group for place in places}):
        rows = [
            (float(p.small.is_exact), float(p.large.is_exact), float(e))
            for p, e in zip(places, escalated, strict=True)
            if p.small.group == group
        ]
        router = statistics.fmean(large if asked else small for small, large, asked in rows)
        small, large, asked = (statistics.fmean(column) for column in zip(*rows, strict=True))
        found[group] = {"n": len(rows), "means": [small, large, router, asked]}
    return found


def _line(
    start: tuple[float, float], end: tuple[float, float], colour: str, *, dashed: bool
) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}"{dash}/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="11" '
        f'text-anchor="{anchor}">{text}</text>'
    )
