"""The float32 model in transformers, from the same original weights: what parity is judged by.

Needs the `dev` or `train` extra; nothing that serves imports it.
"""

from __future__ import annotations

from typing import Any

from homespun.models.telemetry import keep_from_hub
from homespun.models.weights.safetensors import LAYER_PARTS
from homespun.models.weights.source import WeightSource


def as_transformers(source: WeightSource) -> Any:  # noqa: ANN401  (transformers is optional)
    """Return a float32 `Qwen2ForCausalLM` in evaluation mode with the source's weights."""
    keep_from_hub()
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    shape = source.config
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        rms_norm_eps=shape.norm_epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        max_position_embeddings=shape.context_tokens,
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = Qwen2ForCausalLM(config)
    state = {
        "model.embed_tokens.weight": source.tensor("embedding"),
        "model.norm.weight": source.tensor("norm"),
    }
    for layer in range(shape.layers):
        for part, name in LAYER_PARTS.items():
            state[f"model.layers.{layer}.{name}"] = source.tensor(f"{layer}.{part}")
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    tensors = {name: torch.from_numpy(value.copy()) for name, value in state.items()}
    model.load_state_dict(tensors, assign=True)
    # Buffers that were made on the meta device hold no numbers: make the rotary table again.
    rotary = type(model.model.rotary_emb)
    model.model.rotary_emb = rotary(config=config)
    model.train(False)
    return model
