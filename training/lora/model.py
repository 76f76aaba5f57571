"""EDGE torch, peft: a model with frozen weights and a LoRA that learns.

The weights are those that are served (dequantised), so the adapter is trained against what it will
be merged into. On a processor with bfloat16 products the frozen weights are kept in bfloat16, with
the adapter in float32 under autocast: half the time of float32 a step (docs/log.md).
"""

from __future__ import annotations

import contextlib
import logging
import math
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

# peft loads bitsandbytes wherever it is installed, which then says what a CPU lacks.
logging.getLogger("bitsandbytes.backends").setLevel(logging.ERROR)

INSTALL = "training needs torch, transformers and peft; run `pip install 'homespun[train]'`"
# What is called 7B has 6.7 (DeepSeek Coder) to 7.6 (Qwen) billion weights.
CHECKPOINTED_WEIGHTS = 6_500_000_000
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
        is_large = sum(weights.numel() for weights in base.parameters()) >= CHECKPOINTED_WEIGHTS
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
            if is_large if preset.checkpointing is None else preset.checkpointing:
                # transformers renames it; reentrant ones would be blind to what is frozen.
                now = getattr(base, "activation_checkpointing_enable", None)
                (now or base.gradient_checkpointing_enable)({"use_reentrant": False})
        self.model.train()
        self._named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]

    @property
    def parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The adapter's parameters by name, float32."""
        return self._named

    def loss(self, batch: Sequence[EncodedExample], total_weight: float) -> torch.Tensor:
        """Return the batch's share of the step's loss: differentiable, a number.

        A token counts what its example says; a word that stands once and could not be guessed
        carries at most its cut. `total_weight` is the sum over the whole step.
        """
        import torch

        from homespun.training.lora.truncation import is_guessable

        rules = self.preset.rules
        wanted = [_learned(example) for example in batch]
        losses = self._losses(batch, wanted)
        device = losses.device
        weights = torch.tensor(
            [_weight(e, place) for e, places in zip(batch, wanted, strict=True) for place in places]
        ).to(device)
        words = torch.tensor(
            [
                example.rare[place] if example.rare else -1
                for example, places in zip(batch, wanted, strict=True)
                for place in places
            ]
        ).to(device)
        cuts = (rules.rare_token_nats, rules.rare_word_nats)
        kept = is_guessable(losses, words, token_nats=cuts[0], word_nats=cuts[1])
        most = min((cut for cut in cuts if cut is not None), default=math.inf)
        counted = torch.where(kept, losses, losses.detach().clamp(max=most))
        return (counted * weights).sum() / total_weight

    def logprobs(self, batch: Sequence[EncodedExample]) -> list[float]:
        """Return the summed log-probability (nats) of each example's `ids[start:]`."""
        import torch

        wanted = [list(range(example.start, len(example.ids))) for example in batch]
        self.model.eval()
        try:
            with torch.no_grad():
                losses = self._losses(batch, wanted)
        finally:
            self.model.train()
        pieces = losses.split([len(places) for places in wanted])  # type: ignore[no-untyped-call]
        return [-float(piece.sum()) for piece in pieces]

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

    def _losses(
        self, batch: Sequence[EncodedExample], wanted: Sequence[Sequence[int]]
    ) -> torch.Tensor:
        """Return the loss in nats of the wanted places of each example, `(n,)` float32.

        Logits are computed for these alone.
        """
        import torch

        from homespun.training.lora.head_loss import head_losses
        from homespun.training.lora.packing import one_a_row, packed, previous

        row_tokens = self.preset.row_tokens
        is_packed = row_tokens is not None or any(example.strands for example in batch)
        rows = packed(batch, row_tokens=row_tokens or 0) if is_packed else one_a_row(batch)
        places = [
            (row, start + before[place], example.ids[place])
            for example, (row, start), of in zip(batch, rows.starts, wanted, strict=True)
            for before in (previous(example),)
            for place in of
        ]
        owner, column, ids = torch.tensor(places).T.to(self.preset.device)
        with self.autocast():
            inner = self.model.base_model.model
            hidden = inner.model(
                input_ids=rows.ids.to(self.preset.device),
                position_ids=_moved(rows.positions, self.preset.device),
                attention_mask=_moved(rows.mask, self.preset.device),
                use_cache=False,
            ).last_hidden_state
            return head_losses(hidden[owner, column], inner.lm_head, ids)

    def autocast(self) -> Any:  # noqa: ANN401  (torch is optional)
        """Compute in the frozen weights' precision."""
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


def example_weight(example: EncodedExample) -> float:
    """Return what all learned tokens of an example count together."""
    return sum(_weight(example, place) for place in _learned(example))


def learned_tokens(example: EncodedExample) -> int:
    """Return how many tokens of an example carry loss."""
    return len(_learned(example))


def _learned(example: EncodedExample) -> list[int]:
    if not example.weights:
        return list(range(example.start, len(example.ids)))
    return [place for place, weight in enumerate(example.weights) if weight]


def _weight(example: EncodedExample, place: int) -> float:
    """Return what a token counts; where nothing is said 1/sqrt(n), n being all of the answer's.

    So a block does not drown ten lines.
    """
    if example.weights:
        return example.weights[place]
    return float((len(example.ids) - example.start) ** -0.5)


def _moved(tensor: torch.Tensor | None, device: str) -> torch.Tensor | None:
    return None if tensor is None else tensor.to(device)


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
