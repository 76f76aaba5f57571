"""A tiny random Qwen2, saved as transformers saves it: the reference of the parity tests."""

from __future__ import annotations

import json
from pathlib import Path

CONTROL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
CORPUS = [
    "def total(items):\n    return sum(items)\n",
    "class Session:\n    pass\n",
    "é 😋 漢字 x = 1\n",
]


def save_tiny_qwen2(
    directory: Path, *, tie: bool = True, heads: int = 4, kv_heads: int = 2, feed_forward: int = 160
):
    """Write config.json, model.safetensors and tokenizer.json; return the float32 torch model."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in CONTROL])
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=feed_forward,
        num_hidden_layers=3,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 5_000.0},
        tie_word_embeddings=tie,
        initializer_range=0.08,
    )
    model = Qwen2ForCausalLM(config).float().eval()
    with torch.no_grad():  # fresh biases are zero, which would hide a lost bias
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.2)
    model.save_pretrained(directory, safe_serialization=True)
    return model


def save_roomy_qwen2(directory: Path) -> Path:
    """Write one that has room for whole prompts; return its folder."""
    save_tiny_qwen2(directory)
    file = directory / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(config | {"max_position_embeddings": 4096}), encoding="utf-8")
    return directory


LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def save_tiny_adapter(model, directory: Path, *, seed: int = 0, half: bool = False, **settings):
    """Write a LoRA with random factors as peft saves it; return the torch model with it."""
    import copy
    import warnings

    import torch
    from peft import LoraConfig, get_peft_model

    config = {"r": 4, "lora_alpha": 8, "target_modules": LINEAR, "task_type": "CAUSAL_LM"}
    with warnings.catch_warnings():  # peft asks transformers by a name that is going out of use
        warnings.simplefilter("ignore", FutureWarning)
        tuned = get_peft_model(copy.deepcopy(model), LoraConfig(**(config | settings)))
    torch.manual_seed(seed)
    with torch.no_grad():  # a fresh B is zero, which would hide a lost adapter
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05)
            if half and "lora_" in name:  # as it will be read again
                parameter.copy_(parameter.half().float())
    tuned.save_pretrained(str(directory))
    if half:
        from safetensors.torch import load_file, save_file

        file = str(directory / "adapter_model.safetensors")
        save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file)
    return tuned.eval()


def save_tiny_gguf(directory: Path, path: Path) -> None:
    """Write the model of `directory` as a GGUF file in float32, as llama.cpp's converter does."""
    import json

    import gguf

    from homespun.models.weights.gguf import LAYER_NAMES, TOP_LEVEL_NAMES
    from homespun.models.weights.safetensors import LAYER_PARTS, SafetensorsSource

    source = SafetensorsSource(directory)
    shape = source.config
    vocabulary = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    tokens = sorted(vocabulary["vocab"], key=vocabulary["vocab"].get) + list(CONTROL)
    assert len(tokens) == shape.vocabulary
    writer = gguf.GGUFWriter(str(path), "qwen2")
    writer.add_block_count(shape.layers)
    writer.add_embedding_length(shape.hidden)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_context_length(shape.context_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - len(CONTROL)) + [3] * len(CONTROL))
    merges = vocabulary["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    for name, file_name in TOP_LEVEL_NAMES.items():
        if source.has(name):
            writer.add_tensor(f"{file_name}.weight", source.tensor(name))
    for layer in range(shape.layers):
        for part in LAYER_PARTS:
            writer.add_tensor(f"blk.{layer}.{LAYER_NAMES[part]}", source.tensor(f"{layer}.{part}"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
