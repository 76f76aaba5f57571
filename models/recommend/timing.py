"""Times this machine: two small graphs as they are served, without any model's file.

The wide one has layers of the served decoder with random weights, 119 MB of them: few rows show the
memory's rate, many rows that of int8 products. Caches of a server's processor hold as much, those
of a whole socket that a virtual machine does not see, so other memory is read before each run, as
the rest of a model's weights would be. The narrow one has the same nodes and hardly any weights:
what a layer costs besides. Both run in ONNX Runtime, at the
threads that a model would get, in short rounds in which every shape has its turn; medians count, so
that a neighbour's burst does not.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from homespun.models.convert.decoder_graph import write_decoder
from homespun.models.convert.onnx_writer import GraphWriter
from homespun.models.convert.quantize import quantize_blocks
from homespun.models.engine.decoder import PREFILL_CHUNK_TOKENS, open_session
from homespun.models.recommend.predict import layer_weights
from homespun.models.recommend.speeds import ROWS, MachineSpeeds
from homespun.models.weights.source import DecoderConfig, Float32, TokenizerData, tensor_shape

_ROUNDS = 15
_SECONDS = 5.0  # until no round is begun; building the graphs takes one to three more
_PAST = 16  # tokens before a step: attention to more of them is counted, not timed
_BUFFER = _PAST + PREFILL_CHUNK_TOKENS
_SWEPT_MB = 512  # read before a run of the wide graph; caches of 384 MB are sold
_VOCABULARY = 256  # hardly an output layer


def _config(*, layers: int, hidden: int, heads: int) -> DecoderConfig:
    """Return a shape of the Qwen2 family; the ratios are those of the 0.5B model."""
    return DecoderConfig(
        architecture="qwen2",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=min(heads, 2),
        head_dim=64,
        feed_forward=hidden * 38 // 7,
        vocabulary=_VOCABULARY,
        norm_epsilon=1e-6,
        rope_theta=1e6,
        rope_interleaved=False,
        context_tokens=_BUFFER,
    )


_WIDE = _config(layers=8, hidden=896, heads=14)
_NARROW = _config(layers=8, hidden=64, heads=1)


def time_machine(
    *,
    threads: int,
    most_seconds: float = _SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> MachineSpeeds:
    """Return how fast this machine computes with `threads` (0 = one per physical core).

    The round at `most_seconds` is the last, the first one always runs. Raises like `MachineTimer`.
    """
    with MachineTimer(threads=threads, clock=clock) as timer:
        began = clock()
        for done in range(_ROUNDS):
            if done and clock() - began > most_seconds:
                break
            timer.round()
        return timer.speeds()


class MachineTimer:
    """The two graphs in a folder of their own; leaving the context deletes them."""

    def __init__(self, *, threads: int, clock: Callable[[], float] = time.perf_counter) -> None:
        """Write and load the graphs, and run each shape once.

        Needs 130 MB in the folder for temporary files and 0.7 GB of memory; raises `OSError` where
        the files have no place.
        """
        self._clock = clock
        self._swept = np.ones(_SWEPT_MB * 125_000)
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._slices = {
            name: _Slice(Path(self._folder.name), name, config, threads=threads)
            for name, config in (("wide", _WIDE), ("narrow", _NARROW))
        }
        turns = [(name, rows) for name in self._slices for rows in ROWS]
        self._times: dict[tuple[str, int], list[float]] = {turn: [] for turn in turns}
        for name, rows in turns:  # the first run of a shape sets memory up
            self._slices[name].run(rows)

    def __enter__(self) -> MachineTimer:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the graphs first: Windows deletes no file that is mapped."""
        self._slices.clear()
        self._folder.cleanup()

    def round(self) -> None:
        """Run each shape once more."""
        for (name, rows), times in self._times.items():
            if name == "wide":
                self._swept.sum()  # what caches hold of the weights goes
            started = self._clock()
            self._slices[name].run(rows)
            times.append((self._clock() - started) * 1000)

    def speeds(self) -> MachineSpeeds:
        """Solve, for each number of rows, wide = layers * layer + gigabytes * gigabyte."""
        gigabytes = layer_weights(_WIDE) / 1e9
        layers, weights = [], []
        for rows in ROWS:
            layer_ms = statistics.median(self._times["narrow", rows]) / _NARROW.layers
            wide_ms = statistics.median(self._times["wide", rows])
            layers.append(layer_ms)
            # Noise may make the narrow graph the slower one; the weights still cost something.
            weights.append(max(wide_ms - _WIDE.layers * layer_ms, wide_ms / 4) / gigabytes)
        return MachineSpeeds(tuple(layers), tuple(weights))


class _RandomWeights:
    """A `WeightSource` of noise; tensors of one shape are one array."""

    def __init__(self, config: DecoderConfig) -> None:
        self.config = config
        self._random = np.random.default_rng(0)
        self._made: dict[tuple[int, ...], Float32] = {}

    def tensor(self, name: str) -> Float32:
        """Return noise in the shape of the tensor."""
        shape = tensor_shape(self.config, name)
        if shape not in self._made:
            self._made[shape] = self._random.random(shape, np.float32) - np.float32(0.5)
        return self._made[shape]

    def has(self, name: str) -> bool:
        """Say that there are biases, as the Qwen2 family has them."""
        return name.endswith("_bias")

    def tokenizer_json(self) -> TokenizerData:
        """Return an empty one: nothing is ever encoded."""
        return TokenizerData("")


class _Slice:
    """A few layers of a decoder, ready to run."""

    def __init__(self, folder: Path, name: str, config: DecoderConfig, *, threads: int) -> None:
        weights = _RandomWeights(config)
        screen = quantize_blocks(weights.tensor("head"))
        with GraphWriter(folder, name, bits=8) as graph:
            write_decoder(graph, weights, screen=screen, layer_done=lambda: None)
        self._session = open_session(folder / f"{name}.onnx", threads=threads)
        self._inputs = {
            rows: np.random.default_rng(rows).random((rows, config.hidden), np.float32)
            for rows in ROWS
        }
        shape = (1, config.kv_heads, _BUFFER, config.head_dim)
        self._caches = {
            f"{part}_{layer}": np.zeros(shape, np.float32)
            for layer in range(config.layers)
            for part in ("key", "value")
        }

    def run(self, rows: int) -> None:
        """Run one step, its keys and values in place as the decoder's are."""
        total = _PAST + rows
        binding: Any = self._session.io_binding()
        for name, value in (
            ("embeddings", self._inputs[rows]),
            ("logit_rows", np.array([rows - 1], np.int64)),
            ("last_position", np.array([total - 1], np.int32)),
            ("total_length", np.array(total, np.int32)),
        ):
            binding.bind_cpu_input(name, value)
        for name in ("hidden", "screen"):
            binding.bind_output(name, "cpu")
        for name, cache in self._caches.items():
            place = ("cpu", 0, np.float32, cache.shape, cache.ctypes.data)
            binding.bind_input(name, *place)
            binding.bind_output(f"new_{name}", *place)
        self._session.run_with_iobinding(binding)
