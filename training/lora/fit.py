"""Fits a LoRA: schedule, validation, early stop, checkpoints, resume.

The order of the batches and every random number follow from the seed and the step, so a run that
was killed and goes on from its checkpoint ends with the same weights as one that was not.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homespun.progress import NoProgress, Progress
from homespun.storage import make_private_folder, write_private
from homespun.training.dataset.examples import EncodedExample
from homespun.training.lora.batches import cut, plan
from homespun.training.lora.distributed import ProcessGroup
from homespun.training.lora.memory import keep_freed_memory
from homespun.training.lora.model import LoraModel, example_weight, learned_tokens
from homespun.training.lora.presets import Preset
from homespun.training.lora.scoring import score

if TYPE_CHECKING:
    import torch

_CHECKPOINT = "checkpoint"
_BEST = "best"
_TIMED = (3, 12, 40, 100)  # steps after which the plan is fitted to the minutes that are given


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did."""

    step: int  # 1-based
    loss: float  # mean over the step's examples, nats
    learning_rate: float
    tokens: int  # that went through the model, padding left out
    seconds: float
    learned: int = 0  # tokens of these that carry loss


@dataclass(slots=True)
class FitLog:
    """What a training did; JSON beside its checkpoint."""

    steps: list[Step] = field(default_factory=list)
    checks: list[tuple[int, float]] = field(default_factory=list)  # step, nats per learned token
    planned: int = 0  # steps of the whole run
    best_step: int = 0
    finish: str = ""  # "done", "stopped early", "nan", "" while it runs
    told: list[str] = field(default_factory=list)  # what had to be changed on the way
    check_seconds: list[float] = field(default_factory=list)  # of each check

    @property
    def best_loss(self) -> float:
        """The lowest validation loss, NaN before the first check."""
        return min((loss for _, loss in self.checks), default=math.nan)

    def to_json(self) -> dict[str, Any]:
        """Return the log as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> FitLog:
        """Read what `to_json` gave."""
        steps = [Step(**step) for step in row["steps"]]
        checks = [(int(step), float(loss)) for step, loss in row["checks"]]
        return cls(**{**row, "steps": steps, "checks": checks})


def fit(
    model: LoraModel,
    train: Sequence[EncodedExample],
    validation: Sequence[EncodedExample],
    preset: Preset,
    *,
    directory: Path,
    seed: int = 0,
    progress: Progress | None = None,
    resume: bool = False,
    early: Collection[str] = (),
    on_step: Callable[[Step, FitLog], None] = lambda step, log: None,
    group: ProcessGroup | None = None,
) -> FitLog:
    """Train the adapter of `model`; afterwards it holds the best one by validation loss.

    `directory` takes the checkpoint; with `resume` the run goes on from it. Examples whose IDs are
    in `early` are learned from even where the time is up before the end of the first epoch. A loss
    that is no number ends the run at the last checkpoint. Each process of a `group` has a model of
    the same seed; the first one writes the files, and only its model holds the best adapter then.
    Raises ValueError for no examples, OSError when the checkpoint cannot be written.
    """
    if not train:
        raise ValueError("there is nothing to train on: no examples")
    keep_freed_memory()
    make_private_folder(directory)
    group = group or ProcessGroup()
    run = _FitRun(model, preset, directory, seed, group)
    if group.agreed(resume and group.is_first and run.has_checkpoint()):
        run.restore()
    listener = progress or NoProgress()
    batches = plan(train, preset, seed, early=early)
    run.log.planned = run.log.planned or len(batches)
    listener.start("training", run.log.planned, "steps")
    listener.advance(len(run.log.steps))
    if validation and not run.log.checks:
        run.check(validation)
    while len(run.log.steps) < run.log.planned and not run.log.finish:
        step = run.step(batches[len(run.log.steps)])
        if step is None:
            break
        run.fit_to_time(batches)
        on_step(step, run.log)
        listener.advance(1)
        if validation and run.is_check_due():
            run.check(validation)
        run.save_if_due()
    run.end()
    listener.finish()
    return run.log


class _FitRun:
    """A training in progress."""

    def __init__(
        self, model: LoraModel, preset: Preset, directory: Path, seed: int, group: ProcessGroup
    ) -> None:
        import torch

        self.log = FitLog()
        self._model = model
        self._preset = preset
        self._directory = directory
        self._seed = seed
        self._group = group
        self._micro_tokens = preset.micro_tokens
        self._named = dict(model.parameters)
        self._optimizer = torch.optim.AdamW(
            list(self._named.values()),
            lr=preset.learning_rate,
            betas=preset.betas,
            weight_decay=preset.weight_decay,
        )
        self._saved_at = time.monotonic()

    def step(self, batch: Sequence[EncodedExample]) -> Step | None:
        """Take one step; None where the loss was no number, with the last good weights back."""
        import torch

        began = time.monotonic()
        number = len(self.log.steps)
        torch.manual_seed((hash((self._seed, number)) & 0x7FFFFFFF) + self._group.rank)
        rate = self._preset.learning_rate * self._schedule(number)
        for learned in self._optimizer.param_groups:
            learned["lr"] = rate
        loss = self._gradients(batch)
        parameters = list(self._named.values())
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, self._preset.clip))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._fall_back(number)
            return None
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        tokens = sum(len(example.ids) for example in batch)
        seconds = self._group.agreed(time.monotonic() - began)
        carried = sum(map(learned_tokens, batch))
        step = Step(number + 1, loss, rate, tokens, seconds, carried)
        self.log.steps.append(step)
        return step

    def _gradients(self, batch: Sequence[EncodedExample]) -> float:
        """Compute the gradients of a batch, with the others of the group; return its loss."""
        import torch

        total_weight = sum(example_weight(example) for example in batch)
        loss = torch.tensor([self._own_gradients(self._group.share(batch), total_weight)])
        gradients = []
        for parameter in self._named.values():
            if parameter.grad is None:  # a batch with fewer examples than processes
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        loss = loss.to(gradients[0].device)
        self._group.add_up([loss, *gradients])
        return float(loss)

    def _own_gradients(self, batch: Sequence[EncodedExample], total_weight: float) -> float:
        """Accumulate a share's gradients; halves what goes at once when memory runs out."""
        while True:
            try:
                loss = 0.0
                is_packed = bool(self._preset.row_tokens)
                for piece in cut(batch, self._micro_tokens, is_packed=is_packed):
                    part = self._model.loss(piece, total_weight)
                    part.backward()  # type: ignore[no-untyped-call]
                    loss += float(part.detach())
                return loss
            except (MemoryError, RuntimeError) as error:
                longest = max(len(example.ids) for example in batch)
                if not is_out_of_memory(error) or self._micro_tokens <= longest:
                    raise
                self._optimizer.zero_grad(set_to_none=True)
                self._micro_tokens = max(self._micro_tokens // 2, longest)
                self.log.told.append(
                    f"memory ran out: {self._micro_tokens} tokens at once from now on"
                )

    def _schedule(self, number: int) -> float:
        """Return the share of the learning rate: up in a line, down on a cosine."""
        warm = max(int(self.log.planned * self._preset.warmup), 1)
        if number < warm:
            return (number + 1) / warm
        done = (number - warm) / max(self.log.planned - warm, 1)
        floor = self._preset.floor
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    def fit_to_time(self, batches: Sequence[Sequence[EncodedExample]]) -> None:
        """After some steps, cut the plan to what fits into the minutes that are given."""
        minutes, done = self._preset.minutes, len(self.log.steps)
        if minutes is None or done not in _TIMED:
            return
        timed = self.log.steps[1:]  # the first one is slower
        rate = sum(s.seconds for s in timed) / sum(s.tokens for s in timed)
        seconds = sum(s.seconds for s in self.log.steps)
        checking = self.log.check_seconds[:1] or [0.0]
        left = minutes * 60 - checking[0] * (self._preset.checks + 1)
        planned = done
        for batch in batches[done:]:
            seconds += rate * sum(len(example.ids) for example in batch)
            if seconds > left:
                break
            planned += 1
        if planned != self.log.planned:
            self.log.planned = planned
            self.log.told.append(
                f"after step {done}: {planned} of {len(batches)} steps fit into {minutes:g} min"
            )

    def is_check_due(self) -> bool:
        """Say whether it is time to validate."""
        every = max(math.ceil(self.log.planned / max(self._preset.checks, 1)), 1)
        done = len(self.log.steps)
        return done % every == 0 or done == self.log.planned

    def check(self, validation: Sequence[EncodedExample]) -> None:
        """Validate; keep the best adapter, and stop when there was no better one for long."""
        import torch

        began = time.monotonic()
        scored = score(self._model, self._group.share(validation))
        sums = [sum(s.logprob for s in scored), sum(s.tokens for s in scored)]
        device = next(iter(self._named.values())).device
        added = torch.tensor(sums, dtype=torch.float64, device=device)
        self._group.add_up([added])
        loss = -float(added[0] / added[1])
        self.log.check_seconds.append(self._group.agreed(round(time.monotonic() - began, 1)))
        is_best = not self.log.checks or loss < self.log.best_loss
        self.log.checks.append((len(self.log.steps), loss))
        if is_best:
            self.log.best_step = len(self.log.steps)
            self._write(_BEST)
        behind = [step for step, _ in self.log.checks if step > self.log.best_step]
        if len(behind) >= self._preset.patience:
            self.log.finish = "stopped early"

    def save_if_due(self) -> None:
        """Write a checkpoint when the last one is old."""
        if time.monotonic() - self._saved_at >= self._preset.save_seconds:
            self.save()

    def save(self) -> None:
        """Write a checkpoint."""
        self._write(_CHECKPOINT)
        self._saved_at = time.monotonic()

    def end(self) -> None:
        """Put the best adapter in place and write down how it went."""
        if not self.log.finish:
            self.log.finish = "done"
        if not self._group.is_first:
            return
        self.save()
        if self.log.checks and self.log.best_step != len(self.log.steps):
            self._read(_BEST, with_optimizer=False)

    def has_checkpoint(self) -> bool:
        """Say whether there is a whole checkpoint; one that was just being replaced counts."""
        whole, old = self._directory / _CHECKPOINT, self._directory / f"{_CHECKPOINT}.old"
        if old.is_dir() and not whole.exists():
            os.replace(old, whole)
        return (self._directory / _CHECKPOINT / "log.json").is_file()

    def restore(self) -> None:
        """Go on where the checkpoint stands."""
        text = (self._directory / _CHECKPOINT / "log.json").read_text(encoding="utf-8")
        self.log = FitLog.from_json(json.loads(text))
        self._read(_CHECKPOINT, with_optimizer=True)

    def _fall_back(self, number: int) -> None:
        if self.has_checkpoint():
            told = self.log.told
            self.restore()
            self.log.told = told
        self.log.finish = "nan"
        self.log.told.append(
            f"the loss of step {number + 1} was no number; the weights of step "
            f"{len(self.log.steps)} are kept, try a lower learning rate"
        )

    def _write(self, name: str) -> None:
        """Write weights, moments and log into a folder that is renamed when it is whole."""
        from safetensors.torch import save_file

        if not self._group.is_first:
            return
        draft = self._directory / f"{name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        save_file(self._state(), draft / "state.safetensors")
        write_private(draft / "log.json", json.dumps(self.log.to_json()))
        target, old = self._directory / name, self._directory / f"{name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            os.replace(target, old)
        os.replace(draft, target)
        shutil.rmtree(old, ignore_errors=True)

    def _state(self) -> dict[str, torch.Tensor]:
        import torch

        state = {name: value.detach().cpu() for name, value in self._named.items()}
        for name, value in self._named.items():
            for key, moment in self._optimizer.state.get(value, {}).items():
                state[f"{key}|{name}"] = torch.as_tensor(moment).detach().cpu()
        return {name: value.contiguous() for name, value in state.items()}

    def _read(self, name: str, *, with_optimizer: bool) -> None:
        import torch
        from safetensors.torch import load_file

        state = load_file(self._directory / name / "state.safetensors")
        with torch.no_grad():
            for key, parameter in self._named.items():
                parameter.copy_(state[key])
        if not with_optimizer:
            return
        for key, parameter in self._named.items():
            moments = {
                stored.split("|", 1)[0]: value
                for stored, value in state.items()
                if stored.endswith(f"|{key}")
            }
            if moments:
                self._optimizer.state[parameter] = moments


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether torch or Python ran out of memory; torch says so in words on a CPU."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in words for sign in ("out of memory", "not enough memory", "can't allocate memory")
    )
