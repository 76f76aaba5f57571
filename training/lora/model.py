"""EDGE torch, peft: a model with frozen weights and a LoRA that learns.

The weights are those that are served (dequantised), so the adapter is trained against what it will
be merged into. On a processor with bfloat16 products the frozen weights are kept in bfloat16, with
the adapter in float32 under autocast: half the time of float32 a step (docs/log.md).
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homespun.models.errors import UnsupportedModel
from homespun.models.telemetry import keep_from_hub
from homespun.models.weights.source import WeightSource
from homespun.storage import write_private
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora.presets import TARGETS, Preset

if TYPE_CHECKING:
    import torch

_ROWS_AT_ONCE = 512  # rows of logits: (rows, vocabulary) float32 is 300 MB
# Every new shape has its kernels made anew and keeps memory of its own, so lengths are rounded up.
_PAD_TO = 64
# peft loads bitsandbytes wherever it is installed, which then says what a CPU lacks.
logging.getLogger("bitsandbytes.backends").setLevel(logging.ERROR)

INSTALL = "training needs torch, transformers and peft; run `pip install 'homespun[train]'`"
INSTALL_QLORA = "--qlora needs bitsandbytes; run `pip install 'homespun[train,qlora]'`"


class LoraModel:
    """A causal language model with a LoRA on its linear layers."""

    def __init__(self, source: WeightSource, preset: Preset, *, seed: int = 0) -> None:
        """Build the model of `source`.

        Raises `UnsupportedModel` where torch or peft is missing, or bitsandbytes for QLoRA.
        """
        keep_from_hub()
        try:
            import torch
            from peft import LoraConfig, get_peft_model

            from homespun.models.weights.transformers_model import as_transformers
        except ImportError as error:
            raise UnsupportedModel(f"{INSTALL} ({error.name} is missing)") from error

        self.preset = preset
        self.dtype = _dtype(preset)
        torch.manual_seed(seed)
        base = as_transformers(source)
        if preset.qlora:
            base = _in_four_bits(base, self.dtype)
        base = base.to(device=preset.device, dtype=self.dtype)
        layers = source.config.layers
        upper = None if preset.layers is None else list(range(layers - preset.layers, layers))
        config = LoraConfig(
            r=preset.rank,
            lora_alpha=preset.alpha,
            lora_dropout=preset.dropout,
            target_modules=list(TARGETS),
            layers_to_transform=upper,
        )
        with warnings.catch_warnings():
            # peft asks transformers by a name that will go away with its next major version.
            warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
            self.model: Any = get_peft_model(base, config)
        self.model.train()
        self._named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]

    @property
    def parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The adapter's parameters by name, float32."""
        return self._named

    def loss(self, batch: Sequence[EncodedExample], total_weight: float) -> torch.Tensor:
        """Return the batch's share of the step's loss: differentiable, a number.

        A token of an example of n tokens counts 1/sqrt(n): so a block does not drown ten lines.
        `total_weight` is the sum over the whole step.
        """
        losses, owner = self._token_losses(batch)
        import torch

        weights = torch.tensor([token_weight(example) for example in batch], device=losses.device)
        return (losses * weights[owner]).sum() / total_weight

    def logprobs(self, batch: Sequence[EncodedExample]) -> list[float]:
        """Return the summed log-probability (nats) of each example's loss rows."""
        import torch

        self.model.eval()
        try:
            with torch.no_grad():
                losses, owner = self._token_losses(batch)
                sums = torch.zeros(len(batch), device=losses.device)
                sums.index_add_(0, owner, losses)
        finally:
            self.model.train()
        return [-float(value) for value in sums]

    @contextlib.contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Compute as the frozen weights alone would."""
        with self.model.disable_adapter():
            yield

    def save(self, directory: Path) -> None:
        """Write the adapter in peft's format, float16 safetensors, into an existing folder."""
        import json

        import torch
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        state = get_peft_model_state_dict(self.model)
        tensors = {name: value.to(torch.float16).contiguous() for name, value in state.items()}
        save_file(tensors, directory / "adapter_model.safetensors", metadata={"format": "pt"})
        config = self.model.peft_config["default"].to_dict()
        config["base_model_name_or_path"] = None  # homespun's manifest names the base by its hash
        plain = json.dumps(config, indent=1, sort_keys=True, default=_plain)
        write_private(directory / "adapter_config.json", plain + "\n")

    def _token_losses(self, batch: Sequence[EncodedExample]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of each learned token `(n,)` float32 and the example it belongs to.

        Padding stands on the right, where causal attention never looks, so no mask is needed.
        Logits are computed for the learned rows only.
        """
        import torch

        device = self.preset.device
        longest = max(len(example.ids) for example in batch)
        padded = -(-longest // _PAD_TO) * _PAD_TO
        ids = torch.zeros((len(batch), padded), dtype=torch.long)
        rows, columns, targets = [], [], []
        for row, example in enumerate(batch):
            ids[row, : len(example.ids)] = torch.tensor(example.ids)
            for column in range(example.start, len(example.ids)):
                rows.append(row)
                columns.append(column - 1)
                targets.append(example.ids[column])
        owner = torch.tensor(rows, device=device)
        with self._autocast():
            inner = self.model.base_model.model
            hidden = inner.model(input_ids=ids.to(device), use_cache=False).last_hidden_state
            learned = hidden[owner, torch.tensor(columns, device=device)]
            wanted = torch.tensor(targets, device=device)
            pieces = [
                torch.nn.functional.cross_entropy(
                    inner.lm_head(learned[start : start + _ROWS_AT_ONCE]).float(),
                    wanted[start : start + _ROWS_AT_ONCE],
                    reduction="none",
                )
                for start in range(0, len(wanted), _ROWS_AT_ONCE)
            ]
        return torch.cat(pieces), owner

    def _autocast(self) -> Any:  # noqa: ANN401  (torch is optional)
        import torch

        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.preset.device, self.dtype)


def _in_four_bits(model: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401  (torch is optional)
    """Put NF4 weights, doubly quantised, in place of those that get a LoRA.

    QLoRA (Dettmers et al., arXiv 2305.14314). They are packed when the model is moved to its
    device; peft wraps them as what they are where the model says so.
    """
    try:
        from bitsandbytes.nn import Linear4bit
    except ImportError as error:
        raise UnsupportedModel(f"{INSTALL_QLORA} ({error.name} is missing)") from error
    for name, module in list(model.named_modules()):
        if name.rpartition(".")[2] not in TARGETS:
            continue
        packed = Linear4bit(
            module.in_features,
            module.out_features,
            bias=module.bias is not None,
            compute_dtype=dtype,
            quant_type="nf4",
        )
        # A validation would repack a CPU's weights for good, into a form that has no gradient.
        packed.support_avx512bf16_for_cpu = False
        packed.load_state_dict(module.state_dict())
        model.set_submodule(name, packed)
    model.is_loaded_in_4bit = True
    return model


def token_weight(example: EncodedExample) -> float:
    """Return what a learned token of an example counts."""
    return float((len(example.ids) - example.start) ** -0.5)


def example_weight(example: EncodedExample) -> float:
    """Return what all learned tokens of an example count together."""
    return (len(example.ids) - example.start) * token_weight(example)


def _dtype(preset: Preset) -> torch.dtype:
    import torch

    if preset.dtype != "auto":
        named: torch.dtype = getattr(torch, preset.dtype)
        return named
    if preset.device == "cuda":
        return torch.bfloat16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
