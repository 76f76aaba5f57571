"""The programs of bench/ and bench/engine/ import their siblings, as they do when they are run."""

from __future__ import annotations

import sys
from pathlib import Path

_BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path[:0] = [str(_BENCH), str(_BENCH / "engine"), str(_BENCH / "index")]
