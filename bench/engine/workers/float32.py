"""float32 in transformers as a process: what quality is judged by. Needs the dev extra."""

from __future__ import annotations

import time
from typing import Any

import torch
import transformers

from bench.engine.workers import base
from homespun import paths
from homespun.models import catalogue
from homespun.models.serve import decoder_form, ensure_served
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.models.weights.transformers_model import as_transformers


class Float32Engine:
    """One model; keys and values live as long as a completion."""

    def open(self, model: str, threads: int) -> dict[str, Any]:
        """Dequantise a catalogue model's file to float32."""
        torch.set_num_threads(threads)
        file = catalogue.get(model).files[0].name
        self._model = as_transformers(GgufSource(paths.source_dir(model) / file))
        form = decoder_form(ensure_served(model))
        self._tokenizer = BpeTokenizer(form.tokenizer_json(), form.control)
        self._ends = frozenset(form.control.values())
        return {
            "engine": "transformers, float32",
            "version": f"{transformers.__version__}, torch {torch.__version__}",
        }

    def losses(self, ids: list[int]) -> dict[str, Any]:
        """Next-token losses in nats over `ids`, in one pass."""
        with torch.no_grad():
            logits = self._model(torch.tensor([ids[:-1]])).logits[0].numpy()
        return {"losses": base.next_token_losses(logits, ids)}

    def complete(self, ids: list[int], max_tokens: int, stop: list[str]) -> dict[str, Any]:
        """Greedy completion up to a stop word."""
        began = time.perf_counter()
        taken: list[int] = []
        text, keys_values, step = "", None, ids
        with torch.no_grad():
            while len(taken) < max_tokens and not any(word in text for word in stop):
                out = self._model(
                    torch.tensor([step]), past_key_values=keys_values, logits_to_keep=1
                )
                keys_values = out.past_key_values
                token = int(out.logits[0, -1].argmax())
                if token in self._ends:
                    break
                taken.append(token)
                text = self._tokenizer.decode(taken)
                step = [token]
        ends = [at for at in (text.find(word) for word in stop) if at >= 0]
        return {
            "text": text[: min(ends)] if ends else text,
            "token_ids": taken,
            "total_ms": (time.perf_counter() - began) * 1000,
        }


if __name__ == "__main__":
    engine = Float32Engine()
    names = "open losses complete".split()
    base.serve({name: getattr(engine, name) for name in names})
