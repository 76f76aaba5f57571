"""Tables and plots of bench/README.md from the reports in bench/results/.

    python -m bench.engine.report

What stands between `<!-- NAME -->` and `<!-- /NAME -->` in the page is written anew.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from typing import Any

from bench.common import plot, provenance
from bench.engine.peers import AS_IS, OURS

README = provenance.ROOT / "bench" / "README.md"
MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
_TARGETS = {"prompt 1024": "5", "token": "1.5", "repeating code": "2.5"}
Report = dict[str, Any]


def main() -> None:
    """Write the page and the plots."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    page = README.read_text(encoding="utf-8")
    for model in MODELS:
        for part, render in (("speed", speed), ("quality", quality), ("typing", typing)):
            path = provenance.RESULTS / f"{_FILES[part]}-{model}.json"
            if path.exists():
                report = json.loads(path.read_text(encoding="utf-8"))
                page = replaced(page, f"{part} {model}", render(report))
                if part == "speed":
                    path.with_suffix(".svg").write_text(drawing(report), encoding="utf-8")
    README.write_text(page, encoding="utf-8")
    print(README)


_FILES = {"speed": "engine-speed", "quality": "engine-quality", "typing": "typing"}


def replaced(page: str, name: str, text: str) -> str:
    """Put `text` between a section's two marks; a page without the marks stays as it is."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.S)
    return pattern.sub(lambda marks: f"{marks[1]}{text.strip()}\n{marks[2]}", page)


def speed(report: Report) -> str:
    """Render the table of the engine's speed, its limits and its memory."""
    theirs = [name for name in report["engines"] if name != OURS and "drafts" not in name]
    header = ["", OURS, *(_short(name) for name in theirs), "best of theirs / ours", "target"]
    lines = [_row(header), "|---|" + "--:|" * (len(header) - 1)]
    for measure, row in report["summary"].items():
        median = row["median_ms"]
        cells = [_label(measure, report), *(_ms(median.get(name)) for name in [OURS, *theirs])]
        best = fastest(row)
        cells.append(f"**{row['times_ours'][best]:.2f}** ({_short(best)})" if best else "-")
        lines.append(_row([*cells, _TARGETS.get(measure, "")]))
    lines += _facts(report, theirs)
    return "\n".join([_origin(report), "", *lines, "", *_drafts(report), "", _limits(report)])


def fastest(row: Report) -> str | None:
    """Return the build and format of llama.cpp with the lowest median, None without any."""
    median = {
        name: value
        for name, value in row["median_ms"].items()
        if name.startswith("llama.cpp") and name in row["times_ours"]
    }
    return min(median, key=median.__getitem__) if median else None


def quality(report: Report) -> str:
    """Render the table of losses and exact matches."""
    lines = [
        _row(["weights", "mean loss", "against float32", "exact match", "points", "same line"]),
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, loss in report["loss"].items():
        match = report["infilling"].get(name, {})
        percent = ""
        if "percent" in loss:
            low, high = loss["interval"]
            percent = f"{loss['percent']:+.2f} % [{low:+.2f}, {high:+.2f}]"
        points = ""
        if "points" in match:
            low, high = match["interval"]
            points = f"{match['points']:+.1f} [{low:+.1f}, {high:+.1f}]"
        exact = f"{match['exact'] * 100:.1f} %" if match else "-"
        same = f"{match['same_line'] * 100:.0f} %" if "same_line" in match else ""
        lines.append(_row([name, f"{loss['mean']:.4f}", percent, exact, points, same]))
    note = (
        f"Loss over {report['text_tokens']:,} tokens of {len(report['files'])} files; exact match "
        f"on {report['tasks']} tasks, seed {report['seed']}. In brackets 95 % intervals (paired "
        "bootstrap); `same line` is the share of tasks with the very line that float32 writes."
    )
    return "\n".join([_origin(report), "", *lines, "", note])


def typing(report: Report) -> str:
    """Render the table of the typing replay."""
    from bench.typing.stats import markdown, table_rows

    table: str = markdown(table_rows(report))
    return "\n".join([_origin(report), "", table])


def drawing(report: Report) -> str:
    """Draw the engine's speed."""
    groups = {
        _label(measure, report).replace("**", ""): {
            name: value
            for name, value in row["median_ms"].items()
            if name in report["engines"] and ("wheel" not in name or AS_IS in name)
        }
        for measure, row in report["summary"].items()
        if measure not in ("1 rows", "2 rows", "8 rows")
    }
    machine = report["machine"]
    note = f"{machine['processor']}, {report['threads']} threads; medians, less is better"
    drawn: str = plot.bars(groups, title=f"{report['model']}, {report['date'][:10]}", note=note)
    return drawn


def _facts(report: Report, theirs: list[str]) -> list[str]:
    engines = report["engines"]
    load = [_ms(engines[name]["load_ms"]) for name in [OURS, *theirs]]
    memory = [_mb(engines[name].get("memory_mb_after", {})) for name in [OURS, *theirs]]
    rows = [
        _row(["load, weights in the page cache", *load, "", ""]),
        _row(["resident MB after all prompts (anonymous)", *memory, "", ""]),
    ]
    slots = report.get("memory_four_slots")
    if slots:
        empty = [""] * len(theirs)
        rows.append(_row(["resident MB, four slots of 2,048", _mb(slots), *empty, "", "1,200 MB"]))
    return rows


def _drafts(report: Report) -> list[str]:
    lines = [
        f"- Drafting against our own plain decoding, {kind} code: {statistics.median(values):.2f} "
        f"times as fast (median of {len(values)} texts, {min(values):.2f} to {max(values):.2f})."
        for kind, values in report["drafting"].items()
    ]
    for kind in report["drafting"]:
        for name, value in report["summary"][f"{kind} code"]["median_ms"].items():
            if name.startswith("llama.cpp") and "drafts" in name:
                lines.append(f"- A token of {kind} code, {_short(name)}: {_ms(value)}.")
    taken = [f"{_short(name)} {row['taken']}" for name, row in report["flash_attention"].items()]
    return [*lines, f"- Flash attention as taken: {'; '.join(taken) or 'none tried'}."]


def _limits(report: Report) -> str:
    limits = report["limits"]
    if not limits:
        return "The machine's limits: not measured (no C compiler)."
    lines = [
        f"The machine's limits ({report.get('limits_note', 'in the same run')}): "
        + ", ".join(
            part
            for key, part in (
                (
                    "int8_gmac",
                    f"{limits.get('int8_gmac')} GMAC/s int8 ({limits.get('int8_kernel')})",
                ),
                ("float_gfma", f"{limits.get('float_gfma')} GFMA/s float32"),
                (
                    "read_gb",
                    f"{limits.get('read_gb')} GB/s read "
                    f"({limits.get('read_huge_pages_gb')} with huge pages)",
                ),
            )
            if key in limits
        )
        + ".",
    ]
    for measure, engines in report["shares"].items():
        share = engines.get(OURS, {})
        if measure == "token" and "read" in share:
            lines.append(f"- One token: **{share['read'] * 100:.0f} %** of the memory's rate.")
        elif "int8" in share:
            lines.append(
                f"- {_label(measure, report)}: **{share['int8'] * 100:.0f} %** of the int8 rate; "
                f"{share.get('both', 0) * 100:.0f} % of the time is what int8 products and "
                "float32 attention need at their limits."
            )
    return "\n".join(lines)


def _origin(report: Report) -> str:
    machine = report["machine"]
    after = report.get("load_after")
    load = f"{machine['load']}" + (f" before, {after} after" if after is not None else "")
    versions = ", ".join(f"{name} {value}" for name, value in report["versions"].items())
    peers = {
        f"{facts['engine']} {facts['version']}"
        for name, facts in report.get("engines", {}).items()
        if name != OURS
    }
    return (
        f"`{report['model']}`, {report['threads']} threads of {machine['processor']} "
        f"({machine['cores']} cores, {', '.join(machine['features'])}), {machine['system']}; "
        f"{report['date']}, commit {report['commit']}"
        f"{' with changes' if report['changed'] else ''}; "
        f"{', '.join([versions, *sorted(peers)])}; load average {load}."
    )


def _label(measure: str, report: Report) -> str:
    if measure.startswith("prompt"):
        return f"cold prompt, {int(measure.split()[1]):,} tokens"
    if measure == "token":
        return f"one token behind {report['past_tokens']}"
    if measure.endswith("rows"):
        count = measure.split()[0]
        return f"step of {count} row{'s' if count != '1' else ''}"
    return f"a token of {measure}"


def _short(name: str) -> str:
    return name.removeprefix("llama.cpp ")


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _ms(value: float | None) -> str:
    return "-" if value is None else plot.milliseconds(value)


def _mb(memory: Report) -> str:
    if not memory:
        return "-"
    return f"{memory['resident']:,.0f} ({memory['anonymous']:,.0f})"


if __name__ == "__main__":
    main()
