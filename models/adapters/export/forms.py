"""An adapter in the forms of other programs: peft's folder, llama.cpp's GGUF file.

Both carry what the adapter was made for, as `homespun` facts that those programs do not read.
peft's layout: peft 0.21, `save_pretrained`; llama.cpp's: convert_lora_to_gguf.py and
llama-adapter.cpp (`adapter.type`, `adapter.lora.alpha`, `NAME.lora_a`, `NAME.lora_b`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from homespun.models.adapters.export.one_lora import OneLora
from homespun.models.weights.draft_gguf import gguf_file
from homespun.models.weights.gguf import file_name
from homespun.models.weights.lora import CONFIG, WEIGHTS, module_name
from homespun.models.weights.safetensors_file import as_safetensors
from homespun.storage import make_private_folder, write_private, writing

FACTS = "homespun.json"  # beside peft's two files
GGUF = "adapter.gguf"


def write_peft(
    folder: Path, lora: OneLora, *, base: str, facts: Mapping[str, object]
) -> list[Path]:
    """Write a folder that `PeftModel.from_pretrained` and vLLM load; return its files.

    `base` is the model's name for people. Raises `StorageFull`, `OSError`.
    """
    tensors = {}
    modules = set()
    for name, (a, b) in lora.pairs.items():
        module = module_name(name)
        modules.add(module.rpartition(".")[2])
        tensors[f"base_model.model.{module}.lora_A.weight"] = a
        tensors[f"base_model.model.{module}.lora_B.weight"] = b
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "revision": None,
        "inference_mode": True,
        "r": lora.rank,
        "lora_alpha": lora.rank,
        "lora_dropout": 0.0,
        "target_modules": sorted(modules),
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "modules_to_save": None,
        "use_dora": False,
        "use_rslora": False,
    }
    with writing(folder):
        make_private_folder(folder)
        # The weights come last: a folder without them is none to anybody.
        write_private(folder / FACTS, _json(facts))
        write_private(folder / CONFIG, _json(config))
        write_private(folder / WEIGHTS, as_safetensors(tensors, {"format": "pt"}))
    return [folder / name for name in (WEIGHTS, CONFIG, FACTS)]


def write_gguf(
    folder: Path, lora: OneLora, *, architecture: str, facts: Mapping[str, object]
) -> list[Path]:
    """Write `adapter.gguf`, which `llama-server --lora` loads; return it. Raises as above."""
    import gguf

    with writing(folder):
        make_private_folder(folder)
        with gguf_file(folder / GGUF, architecture) as writer:
            writer.add_type(gguf.GGUFType.ADAPTER)
            writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
            writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(lora.rank))
            writer.add_name(str(facts["id"]))
            writer.add_string("homespun.facts", json.dumps(facts, sort_keys=True))
            for name, (a, b) in lora.pairs.items():
                writer.add_tensor(f"{file_name(name)}.lora_a", a)
                writer.add_tensor(f"{file_name(name)}.lora_b", b)
    return [folder / GGUF]


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
