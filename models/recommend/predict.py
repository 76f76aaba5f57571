"""From a key's work to milliseconds: steps of a decoder, counted in weights, bytes and products.

A key at which the model is asked costs steps: what the prompt lacks is read, then a step for each
token that was not guessed (`keys.json` has the steps of real keys). A step of r rows costs

    layers x layer(r) + weights x gigabyte(r)          the linear layers, timed
  + 4-bit output layer x gigabyte(rows wanted)         half a byte a weight
  + bytes of keys and values x gigabyte(1)            float32, read once
  + attention's multiply-adds at the products' rate    two products' time each

and a fixed time besides. Work does not depend on the model: all of the catalogue share a tokenizer,
and a larger one writes answers of about the same length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from homespun.models.recommend.speeds import MachineSpeeds
from homespun.models.types import DecoderShape

_HEAD_BYTES = 0.5 + 4 / 128  # of a weight: 4 bits and its part of a block's float32 scale
# A float32 multiply-add of attention over an int8 one of a linear layer, in time. From cold prompts
# of 256 and of 2,048 tokens (bench/results/engine-speed-qwen2.5-coder-0.5b.json): 46 ms more for
# 128 rows behind 1,024 tokens on average, 5.6e9 multiply-adds, where 128 rows take 45.9e9 products
# in 175 ms.
_PRODUCTS_OF_FLOAT = 2.0
# From the editor and back to it: what an answer from the cache takes, `in_time_ms` p50 of
# bench/results/typing-qwen2.5-coder-0.5b.json.
_EDITOR_MS = 1.5
# Resident bytes of a server over those of weights, and what it has besides: 1,062 MB and 2,238 MB
# for 430 MB and 1,430 MB of weights (bench/results/engine-speed-*.json, four slots of 2,048).
_RESIDENT = 1.18
_RESIDENT_BESIDES_MB = 555


@dataclass(frozen=True, slots=True)
class StepWork:
    """One step of a decoder."""

    rows: int  # tokens that are run
    wanted: int  # of them, rows whose next token is wanted
    past: int  # tokens before them


@dataclass(frozen=True, slots=True)
class RecordedKeys:
    """What keys cost that were typed into real files, and what they cost besides."""

    keys: tuple[tuple[StepWork, ...], ...]
    step_ms: float  # of the engine's own work about a step
    key_ms: float  # of finding context, making the prompt, judging the answer


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """From a key to the model's answer, milliseconds."""

    p50_ms: float
    p95_ms: float


def predict(shape: DecoderShape, speeds: MachineSpeeds, recorded: RecordedKeys) -> KeyTimes:
    """Return what the recorded keys would take on a machine of these speeds."""
    times = [key_ms(shape, speeds, steps, recorded) for steps in recorded.keys]
    p50, p95 = np.percentile(times, (50, 95))
    return KeyTimes(float(p50), float(p95))


def key_ms(
    shape: DecoderShape,
    speeds: MachineSpeeds,
    steps: Sequence[StepWork],
    recorded: RecordedKeys,
) -> float:
    """Return the milliseconds of one key's answer."""
    besides = _EDITOR_MS + recorded.key_ms
    return besides + sum(step_ms(shape, speeds, s) + recorded.step_ms for s in steps)


def step_ms(shape: DecoderShape, speeds: MachineSpeeds, step: StepWork) -> float:
    """Return the milliseconds of the graph for one step."""
    linear = layer_weights(shape) * speeds.gigabyte(step.rows)
    head = head_bytes(shape) * speeds.gigabyte(step.wanted) if step.wanted else 0.0
    cached = cache_bytes(shape, step.past) * speeds.gigabyte(1)
    attention = attention_products(shape, step) * _PRODUCTS_OF_FLOAT / speeds.int8_gproducts_s
    layers = shape.layers * speeds.layer(step.rows)
    return layers + (linear + head + cached) / 1e9 + attention * 1000 / 1e9


def layer_weights(shape: DecoderShape) -> int:
    """Return the int8 weights of all layers: bytes of a step, products of a row."""
    attention = 2 * (shape.heads + shape.kv_heads) * shape.head_dim
    return shape.layers * shape.hidden * (attention + 3 * shape.feed_forward)


def head_bytes(shape: DecoderShape) -> float:
    """Return the bytes of the 4-bit output layer."""
    return shape.vocabulary * shape.hidden * _HEAD_BYTES


def cache_bytes(shape: DecoderShape, past: int) -> int:
    """Return the bytes of float32 keys and values of `past` tokens."""
    return 4 * 2 * shape.layers * shape.kv_heads * shape.head_dim * past


def attention_products(shape: DecoderShape, step: StepWork) -> float:
    """Return the multiply-adds of attention: each row sees what is before it, and itself."""
    seen = step.rows * step.past + step.rows * (step.rows + 1) / 2
    return 2 * shape.layers * shape.heads * shape.head_dim * seen


def resident_mb(shape: DecoderShape) -> int:
    """Return the memory of a server with this model, in MB."""
    weights = layer_weights(shape) + head_bytes(shape)
    return round(_RESIDENT_BESIDES_MB + _RESIDENT * weights / 1e6)


@cache
def recorded_keys() -> RecordedKeys:
    """Return what `bench/micro/key_times.py` recorded, which says how."""
    text = files("homespun.models.recommend").joinpath("keys.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    return RecordedKeys(
        keys=tuple(tuple(StepWork(*step) for step in key) for key in facts["keys"]),
        step_ms=facts["step_ms"],
        key_ms=facts["key_ms"],
    )
