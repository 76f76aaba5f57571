"""The machine's limits by a C micro-kernel, and what share of them a measured time is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from homespun.models.weights.source import DecoderConfig

_SOURCE = Path(__file__).with_name("roofline.c")


class Roofline:
    """The compiled micro-kernel; `measure` keeps the best of all calls."""

    def __init__(self, threads: int) -> None:
        """Compile, where there is a compiler for POSIX threads."""
        self._threads = threads
        self._folder = tempfile.TemporaryDirectory()
        self._program: Path | None = None
        self.limits: dict[str, Any] = {}  # empty: not measured
        compiler = next(filter(shutil.which, (os.environ.get("CC", ""), "cc", "gcc", "clang")), "")
        if compiler:
            program = Path(self._folder.name) / "roofline"
            flags = ["-O3", "-march=native", "-pthread", str(_SOURCE), "-o", str(program)]
            done = subprocess.run([compiler, *flags], capture_output=True, check=False)
            self._program = program if done.returncode == 0 else None

    def measure(self) -> None:
        """Run once more; a neighbour's load only ever lowers a rate, so the best one counts."""
        if self._program is None:
            return
        command = [str(self._program), str(self._threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for name, value in json.loads(done.stdout).items():
            if isinstance(value, float):
                value = max(value, self.limits.get(name, 0.0))
            self.limits[name] = value

    def __enter__(self) -> Roofline:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Delete the program."""
        self._folder.cleanup()


@dataclass(frozen=True, slots=True)
class RooflineWork:
    """What a cold prompt or a step needs, whatever program computes it."""

    int8_gmac: float  # 1e9 multiply-adds of matrix products with weights
    float_gfma: float  # 1e9 multiply-adds of attention, causal, kept in float32
    read_gb: float  # 1e9 bytes of weights, keys and values that are read once at least


def prompt_work(shape: DecoderConfig, tokens: int) -> RooflineWork:
    """Work of a cold prompt with logits of its last token."""
    head = shape.hidden * shape.vocabulary
    attention = shape.layers * 2 * shape.heads * shape.head_dim * tokens * (tokens + 1) / 2
    macs = _layer_weights(shape) * tokens + head
    return RooflineWork(macs / 1e9, attention / 1e9, (_layer_weights(shape) + head) / 1e9)


def step_work(shape: DecoderConfig, past: int) -> RooflineWork:
    """Work of a step of one token behind `past` others; weights of one byte, float32 cache."""
    weights = _layer_weights(shape) + shape.hidden * shape.vocabulary
    keys_values = 2 * shape.layers * shape.kv_heads * shape.head_dim * past
    attention = 2 * shape.layers * shape.heads * shape.head_dim * past
    return RooflineWork(weights / 1e9, attention / 1e9, (weights + 4 * keys_values) / 1e9)


def shares(work: RooflineWork, seconds: float, limits: dict[str, Any]) -> dict[str, float]:
    """Share of each limit that `seconds` reach; nothing for a limit that was not measured.

    `int8` is the products' own share. `both` is the least time of products and attention, each at
    its limit, over the time taken. `read` takes the better of small and huge pages as the limit.
    """
    found = {}
    if "int8_gmac" in limits:
        least = work.int8_gmac / limits["int8_gmac"]
        found["int8"] = least / seconds
        if "float_gfma" in limits:
            found["both"] = (least + work.float_gfma / limits["float_gfma"]) / seconds
    if "read_gb" in limits:
        rate = max(limits["read_gb"], limits.get("read_huge_pages_gb", 0.0))
        found["read"] = work.read_gb / rate / seconds
    return found


def _layer_weights(shape: DecoderConfig) -> int:
    attention = 2 * shape.heads * shape.head_dim + 2 * shape.kv_heads * shape.head_dim
    return shape.layers * shape.hidden * (attention + 3 * shape.feed_forward)
