"""From developers to tokens a second to GPUs: arithmetic on stated assumptions, nothing measured.

    python -m bench.scale.capacity [--developers 20 50 200 1000]

What a developer asks is taken from the typing report of this repository (measured on one laptop),
what a GPU does from its maker's data sheet times an assumed share of it. Beside the load test of
bench/scale/team.py the same arithmetic is printed with that run's own numbers.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.common import provenance
from bench.engine.report import replaced

MARK = "scale-capacity"
_BYTES = 2  # of a weight, a key, a value: bfloat16
_OURS = "homespun"


@dataclass(frozen=True, slots=True)
class TypingLoad:
    """What one developer who is typing asks of a server."""

    keys_s: float  # keys a second
    asked_share: float  # of the keys; the rest is answered from memory
    prompt_tokens: float
    cached_share: float  # of a prompt's tokens, that the server has read already
    answer_tokens: float

    @property
    def requests_s(self) -> float:
        """Requests a second."""
        return self.keys_s * self.asked_share

    def read_s(self, developers: float) -> float:
        """Return the prompt tokens a second that so many who type make a server read."""
        return developers * self.requests_s * self.prompt_tokens * (1 - self.cached_share)

    def written_s(self, developers: float) -> float:
        """Return the tokens a second that it writes."""
        return developers * self.requests_s * self.answer_tokens


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A transformer by its dimensions, as its maker publishes them."""

    name: str
    parameters: float
    layers: int
    hidden: int
    key_value: int  # width of all keys, or of all values, of a layer
    inner: int  # of the feed-forward part

    @property
    def kv_bytes(self) -> int:
        """Bytes of keys and values a token."""
        return 2 * self.layers * self.key_value * _BYTES

    @property
    def weight_bytes(self) -> float:
        """Bytes of all weights."""
        return self.parameters * _BYTES

    def adapter_bytes(self, rank: int) -> int:
        """Return the bytes of a LoRA on all seven matrices of each layer."""
        attention = 2 * (self.hidden + self.hidden) + 2 * (self.hidden + self.key_value)
        return self.layers * rank * (attention + 3 * (self.hidden + self.inner)) * _BYTES


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU by its maker's data sheet: dense bfloat16, no sparsity."""

    name: str
    flops: float
    bytes_s: float
    memory: float


# Published: Qwen2.5's config.json of each size; NVIDIA's data sheets.
MODELS = (
    ModelShape("qwen2.5-coder-0.5b", 0.494e9, 24, 896, 128, 4864),
    ModelShape("qwen2.5-coder-1.5b", 1.54e9, 28, 1536, 256, 8960),
    ModelShape("qwen2.5-coder-7b", 7.62e9, 28, 3584, 512, 18944),
    ModelShape("qwen2.5-coder-14b", 14.8e9, 48, 5120, 1024, 13824),
)
GPUS = (
    Gpu("L40S 48 GB", 362e12, 0.864e12, 48e9),
    Gpu("A100 80 GB", 312e12, 2.04e12, 80e9),
    Gpu("H100 80 GB", 989e12, 3.35e12, 80e9),
)
# Assumed, by nobody measured here:
TYPING_SHARE = 0.3  # of those on the payroll, at the same moment, at a busy hour
SHARED_CACHED = 0.9  # of a prompt on a server that others use, too; one's own reuses more
USED_FLOPS, USED_BANDWIDTH = 0.4, 0.6  # of the data sheet's
BATCH = 8  # answers that are written at once
BUSY = 0.5  # above it a queue is felt
PROMPTS_KEPT = 3  # of a developer, in the cache of keys and values
RANK, ADAPTERS, MAX_LORAS = 16, 300, 16


def gpu_share(load: TypingLoad, typing: float, model: ModelShape, gpu: Gpu) -> float:
    """Return the share of a GPU's time that so many who type need; above 1 is more than it has."""
    reading = load.read_s(typing) * 2 * model.parameters / (gpu.flops * USED_FLOPS)
    steps_s = gpu.bytes_s * USED_BANDWIDTH / model.weight_bytes
    return reading + load.written_s(typing) / (steps_s * BATCH)


def kv_room(model: ModelShape, gpu: Gpu) -> float:
    """Return the bytes that are left for keys and values, adapters in place."""
    adapters = MAX_LORAS * model.adapter_bytes(RANK)
    return gpu.memory * 0.9 - model.weight_bytes - adapters


def gpus_needed(load: TypingLoad, developers: int, model: ModelShape, gpu: Gpu) -> int:
    """Return how many GPUs keep below `BUSY` and hold everybody's prompts; none to spare."""
    by_time = gpu_share(load, developers * TYPING_SHARE, model, gpu) / BUSY
    kept = developers * PROMPTS_KEPT * load.prompt_tokens * model.kv_bytes
    room = kv_room(model, gpu)
    return 0 if room <= 0 else max(math.ceil(by_time), math.ceil(kept / room), 1)


def measured_load(report: Mapping[str, Any]) -> TypingLoad:
    """Return what the typing report says of our side; the cache is that of a shared server."""
    place = {name: number for number, name in enumerate(report["row_fields"])}
    keys = [
        row for row in report["rows"] if row[place["side"]] == _OURS and not row[place["takes"]]
    ]
    seconds = sum(row[place["gap_ms"]] for row in keys) / 1000
    work = report["sides"][_OURS]["work"]
    return TypingLoad(
        keys_s=len(keys) / seconds,
        asked_share=sum(not row[place["cached"]] for row in keys) / len(keys),
        prompt_tokens=work["prompt_tokens"] / work["requests"],
        cached_share=SHARED_CACHED,
        answer_tokens=work["generated_tokens"] / work["requests"],
    )


def tables(load: TypingLoad, developers: Sequence[int], run: Mapping[str, Any] | None) -> str:
    """Return all tables as Markdown."""
    parts = [_needs(load, developers), _adapters()]
    return "\n\n".join([*parts, *([_beside(load, run)] if run else [])])


def _needs(load: TypingLoad, developers: Iterable[int]) -> str:
    head = [
        "| developers | typing at once | requests a second | tokens read, written a second "
        f"| {' | '.join(f'{model.name[14:]} on {gpu.name}' for model, gpu in _PAIRS)} |",
        "|--:|--:|--:|--:|" + "--:|" * len(_PAIRS),
    ]
    for count in developers:
        typing = count * TYPING_SHARE
        cells = [
            f"{gpus_needed(load, count, *pair)} ({100 * gpu_share(load, typing, *pair):.0f} %)"
            for pair in _PAIRS
        ]
        head.append(
            f"| {count:,} | {typing:.0f} | {typing * load.requests_s:.0f} "
            f"| {load.read_s(typing):,.0f}, {load.written_s(typing):,.0f} | {' | '.join(cells)} |"
        )
    return "\n".join(head)


def _adapters() -> str:
    rows = [
        f"| model | KV a token | an adapter, rank {RANK} | {ADAPTERS} in CPU RAM "
        f"| {MAX_LORAS} on the GPU |",
        "|---|--:|--:|--:|--:|",
    ]
    for model in MODELS:
        size = model.adapter_bytes(RANK)
        rows.append(
            f"| {model.name} | {model.kv_bytes / 1e3:.1f} kB | {size / 1e6:.1f} MB "
            f"| {ADAPTERS * size / 1e9:.1f} GB | {MAX_LORAS * size / 1e9:.2f} GB |"
        )
    return "\n".join(rows)


def _beside(load: TypingLoad, run: Mapping[str, Any]) -> str:
    """Put what the arithmetic says of each run of the load test beside what was seen there.

    The arithmetic is told the run's prompts alone; that everybody is answered it takes for granted.
    """
    lines = [
        "| developers, all typing | way | requests a second: reckoned, seen "
        "| tokens read: reckoned, seen | in the cache: assumed, seen | pauses answered |",
        "|--:|---|--:|--:|--:|--:|",
    ]
    load = replace(load, prompt_tokens=run["context_tokens"])
    for row in run["rows"]:
        count, seen = row["developers"], row["outcomes"]
        asked = row["keys"] - sum(seen.get(name, 0) for name in ("skipped", "from memory"))
        cached = row["cached_tokens_s"] / max(row["cached_tokens_s"] + row["read_tokens_s"], 1e-9)
        requests = f"{count * load.requests_s:.1f}, {asked / row['seconds']:.1f}"
        lines.append(
            f"| {count} | {row['arm']} | {requests} "
            f"| {load.read_s(count):,.0f}, {row['read_tokens_s']:,.0f} "
            f"| {load.cached_share:.2f}, {cached:.2f} "
            f"| {100 * row['pauses_answered'] / max(row['pauses'], 1):.0f} % |"
        )
    return "\n".join(lines)


_PAIRS = (
    (MODELS[1], GPUS[0]),
    (MODELS[2], GPUS[0]),
    (MODELS[2], GPUS[1]),
    (MODELS[2], GPUS[2]),
    (MODELS[3], GPUS[2]),
)


def main() -> int:
    """Print the tables, and put them into docs/scale/team.md."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--developers", type=int, nargs="+", default=[20, 50, 200, 1000])
    args = parser.parse_args()
    typed = _report("typing-qwen2.5-coder-0.5b")
    assert typed is not None, "bench/results has no typing report"
    found = tables(measured_load(typed), args.developers, _report("scale-team"))
    print(found)
    page = provenance.ROOT / "docs" / "scale" / "team.md"
    page.write_text(replaced(page.read_text(encoding="utf-8"), MARK, found), encoding="utf-8")
    return 0


def _report(name: str) -> dict[str, Any] | None:
    path = provenance.RESULTS / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.exists() else None
    return found


if __name__ == "__main__":
    raise SystemExit(main())
