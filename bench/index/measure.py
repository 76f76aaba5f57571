"""What is measured, tree by tree; the engines alternate, each in a fresh process."""

from __future__ import annotations

import contextlib
import random
import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.index import process, queries, trees
from bench.index.process import Build, EngineProcess, PeerFailed

Report = dict[str, Any]

_QUESTIONS = 200
_RIPGREP_QUESTIONS = 12


def cold(root: Path, rounds: int) -> Report:
    """Index a tree from nothing, `rounds` times each engine in turn; medians and all values."""
    runs: dict[str, list[Report]] = {}
    for _ in range(rounds):
        for name, build in process.builds().items():
            _say(f"{root.name}: {name} indexes")
            with _process(build, root) as engine:
                runs.setdefault(name, []).append(_built(engine, root))
    return {"tree": root.name, "engines": {name: _summary(found) for name, found in runs.items()}}


def full(root: Path, updates: int) -> Report:
    """Index a tree once with each engine, then ask, change single files, and open again."""
    files = trees.source_files(root)
    questions = queries.drawn(root, files, _QUESTIONS)
    changed: list[str] = []
    engines = {}
    for name, build in process.builds().items():
        _say(f"{root.name}: {name} indexes, answers and follows")
        with _process(build, root, keep=name == process.OURS) as engine:
            built = _built(engine, root)
            # What an engine leaves out (we generated code) cannot become visible.
            changed = changed or _to_change(root, built["paths"], updates)
            found = _summary([built])
            modes = ("lexical", "hybrid") if name == process.OURS else ("lexical",)
            for mode in modes:
                answers = engine.call("queries", texts=questions, mode=mode)
                found[f"query {mode}"] = percentiles(answers["ms"])
            found |= _followed(engine, root, changed)
        if name == process.OURS:
            found["reopen"] = _reopened(build, root)
        engines[name] = found
    searched = _ripgrep(root, questions)
    if searched:
        engines[process.RIPGREP] = {"query lexical": searched}
    shutil.rmtree(root / ".homespun", ignore_errors=True)
    return {"tree": root.name, "questions": len(questions), "engines": engines}


def _followed(engine: EngineProcess, root: Path, changed: list[str]) -> Report:
    """Measure single changes; an engine that fails at it is named and keeps its other figures."""
    try:
        followed = engine.call("update", root=str(root), paths=changed)
    except PeerFailed as error:
        _say(f"no figures of single changes: {error}")
        return {}
    found: Report = {
        "update": percentiles(followed["ms"]),
        "peak_mb_after": followed["memory_mb"].get("peak"),
    }
    if "vectors_ms" in followed:
        found["update vectors"] = percentiles(followed["vectors_ms"])
        found["care_ms"] = followed["care_ms"]
    return found


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return median and 95th percentile (nearest rank)."""
    ordered = sorted(values)
    place = max(0, -(-95 * len(ordered) // 100) - 1)
    return {"p50": statistics.median(ordered), "p95": ordered[place], "n": len(ordered)}


def _built(engine: EngineProcess, root: Path) -> Report:
    built: Report = engine.call("build", root=str(root))
    built["lines"] = trees.count_lines(root, built["paths"])
    return built


def _summary(runs: list[Report]) -> Report:
    """Return medians a stage, in seconds and in milliseconds a thousand lines."""
    first = runs[0]
    seconds = {
        stage: statistics.median(run["seconds"][stage] for run in runs)
        for stage in first["seconds"]
    }
    kilo_lines = first["lines"] / 1000
    return {
        **{key: first[key] for key in ("files", "lines", "chunks", "disk_mb")},
        "symbols": first.get("symbols"),
        "seconds": seconds,
        "ms_per_kloc": {stage: value * 1000 / kilo_lines for stage, value in seconds.items()},
        "peak_mb": statistics.median(run["memory_mb"].get("peak", 0) for run in runs),
        "all_seconds": [run["seconds"] for run in runs],
    }


def _reopened(build: Build, root: Path) -> Report:
    with _process(build, root, keep=True, fresh=False) as engine:
        reopened: Report = engine.call("reopen", root=str(root))
    return {"seconds": reopened["seconds"], "resident_mb": reopened["memory_mb"].get("resident")}


@contextlib.contextmanager
def _process(
    build: Build, root: Path, *, keep: bool = False, fresh: bool = True
) -> Iterator[EngineProcess]:
    if fresh:
        shutil.rmtree(root / ".homespun", ignore_errors=True)
    with process.started(build) as engine:
        yield engine
    if not keep:
        shutil.rmtree(root / ".homespun", ignore_errors=True)


def _to_change(root: Path, paths: Sequence[str], count: int) -> list[str]:
    """Draw Python files of usual size."""
    usual = [
        path
        for path in paths
        if path.endswith(".py") and 2_000 < (root / path).stat().st_size < 30_000
    ]
    return random.Random(1).sample(usual, min(count, len(usual)))


def _ripgrep(root: Path, questions: Sequence[str]) -> dict[str, float] | None:
    program = process.ripgrep()
    if program is None:
        _say("no ripgrep here (make index-peers); its column stays empty")
        return None
    asked = random.Random(2).sample(questions, min(_RIPGREP_QUESTIONS, len(questions)))
    words = [queries.words(question) for question in asked]
    process.ripgrep_ms(program, root, words[0])  # files into the page cache
    return percentiles([process.ripgrep_ms(program, root, found) for found in words])


def _say(line: str) -> None:
    print(f"index: {line}", file=sys.stderr, flush=True)
