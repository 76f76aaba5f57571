"""How a LoRA is trained: one preset for a CPU, one for a GPU; every number has its reason here.

Rank, alpha, targets, learning rate and schedule follow Code2LoRA (arXiv 2606.06492), Refact and
"LoRA Without Regret": all seven linear layers, r 16, alpha 32, 2e-4, cosine to a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass

from homespun.training.lessons.write import LessonRules

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings of one training."""

    name: str
    device: str = "cpu"  # "cpu" or "cuda"
    dtype: str = "auto"  # of the frozen weights: "float32", "bfloat16" or what is faster here
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    layers: int | None = None  # only so many of the last layers; None: all
    learning_rate: float = 2e-4
    warmup: float = 0.05  # share of the steps
    floor: float = 0.1  # share of the learning rate at the end
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    epochs: int = 2
    batch_tokens: int = 1536  # padded tokens of a step
    micro_tokens: int = 1536  # padded tokens that go through the model at once
    # Budgets of prompts, drawn for each example; longer ones are cut as the server cuts them.
    # Short ones give twice the learned tokens a minute (docs/log.md, general adapter).
    plain_tokens: tuple[int, ...] = (80, 112, 160, 224)
    context_tokens: tuple[int, ...] = (256, 320, 448)  # of examples with retrieved context
    rules: LessonRules = LessonRules()  # what of an example is learned
    row_tokens: int | None = None  # rows of so many tokens hold several examples; None: one each
    checks: int = 4  # validations of a whole run
    patience: int = 3  # checks without a better one before it stops
    most_validation: int = 64  # examples of each check; 200 take 2.5 min on two cores
    save_seconds: float = 120.0
    minutes: float | None = None  # the schedule is cut to what fits into this
    steps: int | None = None  # at most so many, whatever the epochs
    qlora: bool = False  # 4-bit frozen weights (bitsandbytes, CUDA only)
    # Compute what lies between the layers again on the way back, instead of keeping it: a third
    # more time for memory that does not grow with the depth. None: from 7B on.
    checkpointing: bool | None = None


CPU = Preset("cpu")
# Not run where there is no GPU: the numbers are those of the recipes above.
GPU = Preset(
    "gpu",
    device="cuda",
    dtype="bfloat16",
    dropout=0.05,
    epochs=3,
    checks=12,
    most_validation=400,
    batch_tokens=32_768,
    micro_tokens=16_384,
    plain_tokens=(1024,),
    context_tokens=(1024,),
)
PRESETS = {preset.name: preset for preset in (CPU, GPU)}
