"""llama.cpp itself loads an exported adapter and writes what our merged weights write.

It comes as `xllamacpp` in `.venv-peers` (`make peers`), or where HOMESPUN_PEERS says; skipped
without.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from homespun.models.adapters.export.forms import write_gguf
from homespun.models.adapters.export.one_lora import OneLora
from homespun.models.weights.lora import LoraWeights, MergedSource
from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.transformers_model import as_transformers
from tests.support.tiny import save_tiny_adapter, save_tiny_gguf, save_tiny_qwen2

ROOT = Path(__file__).resolve().parents[4]
PYTHON = Path(os.environ.get("HOMESPUN_PEERS", ROOT / ".venv-peers")) / "bin" / "python"
IDS = [5, 17, 40, 8, 99, 3, 250]
NEW = 8
ASKS = """
import json, sys
import xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel, parameters.warmup = 256, 1, False
parameters.cpuparams.n_threads = 1
if len(sys.argv) > 4:
    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path, adapter.scale = sys.argv[4], 1.0
    parameters.lora_adapters = [adapter]
body = {"prompt": json.loads(sys.argv[2]), "max_tokens": int(sys.argv[3]), "temperature": 0.0}
reply = xllamacpp.Server(parameters).handle_completions(body)
reply = json.loads(reply) if isinstance(reply, str) else reply
print(json.dumps(reply["choices"][0]["text"]))
"""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs xllamacpp: make peers")


def said_by_llama_cpp(*arguments):
    command = [str(PYTHON), "-c", ASKS, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def said_by_us(source, tokenizer):
    import torch

    model, ids = as_transformers(source), list(IDS)
    with torch.no_grad():
        for _ in range(NEW):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return tokenizer.decode(ids[len(IDS) :])


def test_llama_cpp_writes_with_the_exported_adapter_what_we_write(tmp_path):
    from tokenizers import Tokenizer

    model = save_tiny_qwen2(tmp_path / "model")
    save_tiny_adapter(model, tmp_path / "general", seed=1)
    some = {"r": 2, "lora_alpha": 3, "target_modules": ["q_proj", "down_proj"], "use_rslora": True}
    save_tiny_adapter(model, tmp_path / "own", seed=2, **some)
    save_tiny_gguf(tmp_path / "model", tmp_path / "model.gguf")
    layers = [LoraWeights.open(tmp_path / name) for name in ("general", "own")]
    one = OneLora.of(layers)
    [file] = write_gguf(tmp_path / "out", one, architecture="qwen2", facts={"id": "tiny"})
    source = SafetensorsSource(tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json"))
    plain, merged = (said_by_us(each, tokenizer) for each in (source, MergedSource(source, layers)))
    asked = (tmp_path / "model.gguf", json.dumps(IDS), NEW)
    assert said_by_llama_cpp(*asked) == plain
    assert said_by_llama_cpp(*asked, file) == merged != plain
