"""The measured processes as their parent sees them, and ripgrep.

Operations of a worker: `build(root)` indexes from nothing, `reopen(root)` (ours), `queries(texts,
mode)` and `update(root, paths)`; times are those of the worker itself.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.common.provenance import ROOT
from bench.engine.peers import Build, EngineProcess, PeerFailed

__all__ = [
    "OURS",
    "RIPGREP",
    "SEMBLE",
    "Build",
    "EngineProcess",
    "PeerFailed",
    "builds",
    "ripgrep",
    "ripgrep_ms",
    "started",
]

OURS = "homespun"
SEMBLE = "semble, words only"
RIPGREP = "ripgrep"
_VENV = ROOT / ".venv-peers-index"
_BIN = "Scripts" if sys.platform == "win32" else "bin"


def builds() -> dict[str, Build]:
    """Return the engines that are here: ours, and semble after `make index-peers`."""
    found = {OURS: Build(OURS, Path(sys.executable), "bench.index.worker_ours")}
    python = _VENV / _BIN / "python"
    if python.exists():
        found[SEMBLE] = Build(SEMBLE, python, "bench.index.worker_semble")
    return found


def started(build: Build) -> EngineProcess:
    """Start a process of an engine."""
    return EngineProcess(build)


def ripgrep() -> Path | None:
    """Return the ripgrep of the peers' environment, None without one."""
    path = _VENV / _BIN / ("rg.exe" if sys.platform == "win32" else "rg")
    return path if path.exists() else None


def ripgrep_ms(program: Path, root: Path, words: Sequence[str]) -> float:
    """Return the milliseconds until ripgrep has named the files with any of the words."""
    patterns = [part for word in words for part in ("-e", word)]
    command = [str(program), "-i", "-F", "--count", "--glob", "!.homespun", *patterns, str(root)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    elapsed = (time.perf_counter() - began) * 1000
    if done.returncode not in (0, 1):  # 1 = no match
        raise RuntimeError(f"ripgrep failed: {done.stderr.decode(errors='replace')[:200]}")
    return elapsed
