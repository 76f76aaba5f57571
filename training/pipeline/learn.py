"""The learning stage of a run: examples -> token ids -> a LoRA -> a draft of the adapter.

What it leaves in the run's folder: `fit/` (checkpoint, removed at the run's end), `draft/` (the
adapter in peft's form), `fit.json` (how it went, and the float loss that the served form is
compared with) and `given_away.json` (planted secrets and real strings, before and after).
"""

from __future__ import annotations

import json
import math
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.models.errors import UnsupportedModel
from homespun.models.serve import decoder_form, float_weights, serve
from homespun.models.telemetry import keep_from_hub
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.progress import NoProgress, TrainProgress
from homespun.storage import make_private_folder
from homespun.training.config import CPU_MINUTES, DatasetReport, TrainOptions
from homespun.training.dataset.examples import (
    EncodedExample,
    ExampleEncoder,
    encode_all,
    read_examples,
)
from homespun.training.errors import LibrariesMissing, TrainingFailed
from homespun.training.evaluation.served_model import open_model
from homespun.training.gate.measured import ServedFormLoss
from homespun.training.lessons.write import lessons
from homespun.training.lora.batches import plan
from homespun.training.lora.distributed import (
    ProcessGroup,
    is_started_by_torchrun,
    processes_here,
)
from homespun.training.lora.fit import FitLog, Step, fit, is_out_of_memory
from homespun.training.lora.launch import run_together
from homespun.training.lora.memory import give_freed_memory_back
from homespun.training.lora.presets import PRESETS, Preset
from homespun.training.lora.scoring import score
from homespun.training.pipeline.given_away import GIVEN_AWAY, measure
from homespun.training.report.figures import minutes
from homespun.training.runs import write_json, writing
from homespun.training.safety import canaries

if TYPE_CHECKING:
    from homespun.training.lora.model import LoraModel

_PARITY_EXAMPLES = 48
_TIMED_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Learned:
    """What the stage has to say to the others."""

    log: FitLog
    draft: Path
    is_better: bool  # the held-out loss fell below that of the model as shipped
    parity: Sequence[EncodedExample]  # scored by the float weights
    parity_logprob: float  # summed, nats
    peak_mb: int  # of memory; 0 where the system does not say


def preset_of(options: TrainOptions) -> Preset:
    """Return the preset with the options' limits. Raises KeyError for an unknown name."""
    preset = PRESETS[options.preset]
    limit = options.minutes
    if limit is None and options.steps is None and preset.device == "cpu":
        limit = CPU_MINUTES
    return replace(
        preset,
        minutes=limit,
        steps=options.steps,
        qlora=options.qlora,
        checkpointing=options.checkpointing,
    )


def check_machine(options: TrainOptions) -> None:
    """Raise `LibrariesMissing` or `TrainingFailed` before anything has cost time."""
    keep_from_hub()
    try:
        import peft  # noqa: F401
        import safetensors  # noqa: F401
        import torch
        import transformers  # noqa: F401

        if options.qlora:
            import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise LibrariesMissing(
            f"{error.name or 'a library'} is not installed, and training needs it; "
            f"run `pip install 'homespun[{'train,qlora' if options.qlora else 'train'}]'`"
        ) from error
    if PRESETS[options.preset].device == "cuda" and not torch.cuda.is_available():
        raise TrainingFailed(
            f"preset {options.preset!r} needs a CUDA device, and torch {torch.__version__} sees "
            "none; use --preset cpu, or install a torch with CUDA"
        )
    if options.gpus > 1 and is_started_by_torchrun():
        raise TrainingFailed(
            f"--gpus {options.gpus}: torchrun has started the processes already; leave it out"
        )
    wanted = max(options.gpus, processes_here())
    if PRESETS[options.preset].device == "cuda" and wanted > torch.cuda.device_count():
        source = "--gpus" if options.gpus > 1 else "torchrun --nproc-per-node"
        raise TrainingFailed(
            f"{source} {wanted}: this machine has {torch.cuda.device_count()}; give no more"
        )


def learn(
    folder: Path,
    dataset: Path,
    repo: str,
    options: TrainOptions,
    group: ProcessGroup,
    progress: TrainProgress,
) -> Learned:
    """Fit the adapter, from the checkpoint in `folder` where there is one, and save its draft.

    The other processes of a `group` are told to do the same.

    Raises `TrainingFailed` (no memory, no number from the first step on), `TrainingUnwritable`,
    and what `homespun.models` raises for a model that is missing or damaged.
    """
    work = partial(_learn, folder, dataset, repo, options)
    if group.size > 1 or options.gpus == 1:
        group.agreed(work)
        group.is_busy = True
        try:
            work(group, progress)
        except RuntimeError as error:
            if group.size == 1 or "onnection" not in str(error):
                raise
            raise TrainingFailed(
                f"one of {group.size} learning processes ended, and says why; "
                "`homespun train --resume` goes on"
            ) from error
        group.is_busy = False
    else:
        device = preset_of(options).device
        run_together(work, options.gpus, device=device, folder=folder, progress=progress)
    give_freed_memory_back()
    kept = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    logprobs, peak_mb = kept.pop("parity_logprobs"), kept.pop("peak_mb")
    log = FitLog.from_json(kept)
    is_better = _is_better(log)
    parity = _validation(_encoder(options, progress), dataset, options)[:_PARITY_EXAMPLES]
    return Learned(log, folder / "draft", is_better, parity, sum(logprobs), peak_mb)


def parity_examples(
    folder: Path, dataset: DatasetReport, options: TrainOptions
) -> tuple[list[EncodedExample], list[float]]:
    """Return what the float weights scored when they had learned, and their log-probabilities."""
    examples = _validation(_encoder(options, NoProgress()), dataset.directory, options)
    kept = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    return examples[:_PARITY_EXAMPLES], list(kept["parity_logprobs"])


def _learn(
    folder: Path,
    dataset: Path,
    repo: str,
    options: TrainOptions,
    group: ProcessGroup,
    progress: TrainProgress,
) -> None:
    """Fit with all of the group; its first process leaves the draft and `fit.json`."""
    if not (dataset / "train.jsonl").is_file():  # on a machine of its own
        raise TrainingFailed(
            f"process {group.rank} of {group.size} does not see {str(dataset)!r}; the workspace "
            "has to lie on a disk that all machines of a training see, under the same path"
        )
    preset = preset_of(options)
    encoder = _encoder(options, progress)
    rows = list(read_examples(dataset / "train.jsonl"))
    wanted = canaries.rate(len(rows)) if options.canaries is None else options.canaries
    planted = canaries.plant(repo, wanted, seed=options.seed)
    train = lessons(
        [*rows, *planted],
        encoder,
        rules=preset.rules,
        plain=preset.plain_tokens,
        context=preset.context_tokens,
        seed=options.seed,
    )
    validation = _validation(encoder, dataset, options)
    with _in_memory():
        model = _model(options, preset, progress)
        if group.is_first and not (folder / "fit" / "checkpoint").exists():
            batches = plan(train, preset, options.seed)
            progress.say(_estimate(model, batches, preset, group.size))
        with writing(folder):
            log = fit(
                model,
                train,
                validation,
                preset,
                directory=folder / "fit",
                seed=options.seed,
                progress=progress,
                resume=True,
                early={example.id for example in planted},
                on_step=_noted(progress),
                group=group,
            )
        for sentence in log.told:
            progress.say(sentence)
        _check(log)
        if not group.is_first:
            return
        _save(model, folder)
        logprobs = [one.logprob for one in score(model, validation[:_PARITY_EXAMPLES])]
        if _is_better(log):
            given = measure(model, encoder, planted, rows, seed=options.seed, progress=progress)
            write_json(folder / GIVEN_AWAY, given.to_json())
    costs = {"parity_logprobs": logprobs, "peak_mb": _peak_mb()}
    write_json(folder / "fit.json", log.to_json() | costs)


def _is_better(log: FitLog) -> bool:
    """Say whether the held-out loss fell below that of the model as shipped."""
    return not log.checks or (log.best_step > 0 and log.best_loss < log.checks[0][1])


def _encoder(options: TrainOptions, progress: TrainProgress) -> ExampleEncoder:
    """Return what turns examples into the served model's token ids."""
    served = serve(options.model, progress)
    form = decoder_form(served.directory)
    text = (served.directory / "tokenizer.json").read_text(encoding="utf-8")
    return ExampleEncoder(BpeTokenizer(text, form.control), form.fim)


def _validation(
    encoder: ExampleEncoder, dataset: Path, options: TrainOptions
) -> list[EncodedExample]:
    """Return the held-out examples that each check scores; the same ones for a seed."""
    preset = preset_of(options)
    held = encode_all(
        read_examples(dataset / "validation.jsonl"),
        encoder,
        plain=preset.plain_tokens,
        context=preset.context_tokens,
        seed=options.seed,
    )
    return random.Random(options.seed).sample(held, min(preset.most_validation, len(held)))


def parity_of(
    learned: Learned, options: TrainOptions, workspace: Path, progress: TrainProgress
) -> ServedFormLoss | None:
    """Return what the served form loses on the examples that the float weights scored."""
    tokens = sum(len(one.ids) - one.start for one in learned.parity)
    opened = open_model(
        options.model,
        learned.draft,
        workspace=workspace,
        context_tokens=max((len(one.ids) for one in learned.parity), default=0) + 1,
        progress=progress,
    )
    served = opened.generator
    if not tokens:
        return None
    logprob = sum(
        served.score(one.ids[: one.start], one.ids[one.start :]) for one in learned.parity
    )
    return ServedFormLoss(
        loss_served=-logprob / tokens, loss_float=-learned.parity_logprob / tokens
    )


def estimate_seconds(model: LoraModel, batches: Sequence[Sequence[EncodedExample]]) -> float:
    """Return how long all batches take, from a few real ones; nothing is learned from these.

    The longest of some batches warms up (memory is taken once), then typical ones are timed.
    """
    from homespun.training.lora.model import example_weight

    if not batches:
        return 0.0
    sizes = sorted(batches, key=lambda batch: sum(len(one.ids) for one in batch))
    typical = sizes[len(sizes) // 2]
    seconds, tokens = 0.0, 0
    for number in range(_TIMED_BATCHES + 1):
        began = time.perf_counter()
        loss = model.loss(typical, sum(example_weight(one) for one in typical))
        loss.backward()  # type: ignore[no-untyped-call]
        if number:
            seconds += time.perf_counter() - began
            tokens += sum(len(one.ids) for one in typical)
    for _, parameter in model.parameters:
        parameter.grad = None
    return seconds / tokens * sum(len(one.ids) for batch in batches for one in batch)


def _model(options: TrainOptions, preset: Preset, progress: TrainProgress) -> LoraModel:
    from homespun.training.lora.model import LoraModel

    try:
        return LoraModel(float_weights(options.model, progress), preset, seed=options.seed)
    except UnsupportedModel as error:
        raise LibrariesMissing(str(error)) if "homespun[train]" in str(error) else error from error


def _estimate(
    model: LoraModel, batches: Sequence[Sequence[EncodedExample]], preset: Preset, processes: int
) -> str:
    needed = estimate_seconds(model, batches) / processes
    tokens = sum(len(one.ids) for batch in batches for one in batch)
    if preset.minutes is not None and needed > preset.minutes * 60:
        return (
            f"learning takes {minutes(preset.minutes * 60)} at most, as asked; all {tokens:,} "
            f"tokens in {len(batches):,} steps would take about {minutes(needed)} on this machine"
        )
    return (
        f"learning takes about {minutes(needed)} on this machine: {tokens:,} tokens in "
        f"{len(batches):,} steps, less if it stops early"
    )


def _noted(progress: TrainProgress) -> Callable[[Step, FitLog], None]:
    def on_step(step: Step, log: FitLog) -> None:
        held = f", held out {log.best_loss:.3f}" if log.checks else ""
        left = sum(one.seconds for one in log.steps) / len(log.steps)
        left *= log.planned - len(log.steps)
        progress.note(f"loss {step.loss:.3f}{held}, {minutes(left)} left")

    return on_step


def _check(log: FitLog) -> None:
    if log.finish == "nan" and not log.steps:
        raise TrainingFailed(
            "the loss is no number from the first step on, so nothing was learned; the model's "
            "weights may be damaged: run `homespun models verify`"
        )
    if any(not math.isfinite(loss) for _, loss in log.checks):
        raise TrainingFailed(
            "the loss on the held-out examples is no number; the model's weights may be damaged: "
            "run `homespun models verify`"
        )


def _save(model: LoraModel, folder: Path) -> None:
    """Write the draft beside its name and rename it: a killed run leaves all of it or nothing."""
    draft, building = folder / "draft", folder / "draft.new"
    with writing(folder):
        shutil.rmtree(building, ignore_errors=True)
        make_private_folder(building)
        model.save(building)
        shutil.rmtree(draft, ignore_errors=True)
        building.replace(draft)


class _in_memory:  # noqa: N801  (used as a context manager)
    """Turns what is left of running out of memory, after smaller batches, into one sentence."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MemoryError | RuntimeError) and is_out_of_memory(error):
            raise TrainingFailed(
                "memory ran out even with the smallest batch; end other programs, take a smaller "
                "model (--model), or train on a larger machine: what is done is kept, "
                "`homespun train --resume` goes on"
            ) from error


def _peak_mb() -> int:
    """Return the most memory that this process took so far, in MB."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak / 1e3)
