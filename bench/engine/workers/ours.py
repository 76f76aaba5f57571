"""Our own engine as a measured process, by the door that the server uses."""

from __future__ import annotations

import time
from typing import Any

from bench.engine.workers import base
from homespun.models.engine.decoder import OnnxDecoder
from homespun.models.load import load_generator
from homespun.models.runtime import onnxruntime
from homespun.models.types import Generation, Stop
from homespun.progress import never


class HomespunEngine:
    """One decoder."""

    def open(self, model: str, threads: int, context_tokens: int) -> dict[str, Any]:
        """Load a model by catalogue name and run a first step, as a server does."""
        began = time.perf_counter()
        # The weights that the others have, too: without the general adapter.
        decoder = load_generator(
            model, adapter="base", threads=threads, context_tokens=context_tokens
        )
        assert isinstance(decoder, OnnxDecoder)
        self._decoder = decoder
        decoder.logits([0, 0])
        self._decoder.warm([0], cancelled=never)
        return {
            "engine": "homespun, ONNX Runtime",
            "version": onnxruntime().__version__,
            "system": "int8 weights and activations",
            "load_ms": (time.perf_counter() - began) * 1000,
            "memory_mb": base.memory_mb(),
            "slot_mb": decoder.slot_bytes / 1e6,
            "step_bytes": _step_bytes(decoder),
        }

    def memory(self) -> dict[str, Any]:
        """Resident memory now."""
        return base.memory_mb()

    def prompt(self, ids: list[int]) -> dict[str, Any]:
        """Milliseconds from an empty cache to the most likely next token."""
        self._decoder.logits(ids[:2])  # empties all slots
        return {"ms": base.timed_ms(lambda: self._generate([ids[-1], *ids[1:]], 1))}

    def decode(self, ids: list[int], tokens: int, drafting: bool = False) -> dict[str, Any]:
        """Mean milliseconds of a greedy token behind `ids`; one step each without drafting."""
        self._decoder.drafting = drafting
        done = self._generate(ids, tokens + 1)
        self._decoder.drafting = True
        # The first token comes from the prompt's logits; a run that ends early decided its end too.
        steps = len(done.token_ids) - (done.finish == "length")
        return {
            "ms": done.decode_ms / max(steps, 1),
            "tokens": steps,
            "drafted": done.drafted_tokens,
            "accepted": done.accepted_tokens,
        }

    def steps(self, ids: list[int], rows: list[int], repeats: int) -> dict[str, Any]:
        """Median milliseconds of a step of several rows behind `ids`, a token chosen from each."""
        decoder = self._decoder
        decoder.warm(ids, cancelled=never)
        slot = decoder._slots.take([*ids, 0])  # what `generate` does first

        def step(count: int) -> None:
            logits = decoder.run(slot, ids[:count], range(count), None)
            for row in range(count):
                logits.best(row)
            del slot.tokens[len(ids) :]

        return {"ms": [base.median_ms(lambda n=n: step(n), repeats=repeats) for n in rows]}

    def losses(self, ids: list[int]) -> dict[str, Any]:
        """Next-token losses in nats over `ids`, in one pass."""
        return {"losses": base.next_token_losses(self._decoder.logits(ids[:-1]), ids)}

    def complete(
        self, ids: list[int], max_tokens: int, stop: list[str], reuse: bool = True
    ) -> dict[str, Any]:
        """Greedy completion up to a stop word; times in milliseconds."""

        def rule(text: str) -> Stop | None:
            ends = [at for at in (text.find(word) for word in stop) if at >= 0]
            return Stop(min(ends), "word") if ends else None

        if not reuse:
            self._decoder.logits(ids[:2])
        done = self._decoder.generate(ids, max_tokens=max_tokens, stop=rule, cancelled=never)
        return {
            "text": done.text,
            "token_ids": list(done.token_ids),
            "finish": done.finish,
            "prompt_tokens": done.prompt_tokens,
            "reused_tokens": done.reused_tokens,
            "drafted_tokens": done.drafted_tokens,
            "accepted_tokens": done.accepted_tokens,
            "prefill_ms": done.prefill_ms,
            "decode_ms": done.decode_ms,
            "total_ms": done.prefill_ms + done.decode_ms,
        }

    def slots(self, prompts: list[list[int]]) -> dict[str, Any]:
        """Warm several prompts, as open documents do; resident memory behind them."""
        for ids in prompts:
            self._decoder.warm(ids, cancelled=never)
        return {"slots": len(self._decoder._slots), **base.memory_mb()}

    def _generate(self, ids: list[int], max_tokens: int) -> Generation:
        return self._decoder.generate(
            ids, max_tokens=max_tokens, stop=lambda text: None, cancelled=never
        )


def _step_bytes(decoder: OnnxDecoder) -> int:
    """Bytes of weights that a step of one token reads: all but the embedding."""
    return (decoder._form.directory / "decoder.weights").stat().st_size


if __name__ == "__main__":
    engine = HomespunEngine()
    names = "open memory prompt decode steps losses complete slots".split()
    base.serve({name: getattr(engine, name) for name in names})
