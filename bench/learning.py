"""What a minute of tuning teaches: the older form of learning against the newer ones.

    python -m bench.learning REPOSITORY --minutes 40
    python -m bench.learning REPOSITORY --minutes 5 --arms answers all --secrets

Makes the dataset of a repository once, as a training would, and fits one adapter for each arm, each
from nothing, on the same examples, for the same minutes; all are asked the same held-out places of
later commits at the same shares of their time. Prints Markdown: tokens and learned tokens a minute,
what of the rows is padding, and the held-out loss by the minute. With --secrets planted secrets and
real strings are asked for before and after (10 minutes more an arm at 0.5B).

The arms do not run in turns: leave the machine alone, or give `--rounds 2`, which runs them again
from the last to the first.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.common.provenance import machine
from homespun import paths
from homespun.cli.progress import RichProgress
from homespun.models.serve import decoder_form, float_weights, serve
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.training.config import DatasetConfig
from homespun.training.dataset.build import build_dataset
from homespun.training.dataset.examples import (
    EncodedExample,
    Example,
    ExampleEncoder,
    encode_all,
    read_examples,
)
from homespun.training.lessons.write import ANSWERS_ALONE, LessonRules, lessons
from homespun.training.lora.batches import cut, plan
from homespun.training.lora.fit import FitLog, fit
from homespun.training.lora.presets import PRESETS, Preset
from homespun.training.pipeline.given_away import GivenAway, measure
from homespun.training.safety import canaries
from homespun.training.safety.memorisation import with_given_away

ARMS: Mapping[str, dict[str, Any]] = {
    "answers": {"rules": ANSWERS_ALONE},  # as until now
    "safe": {"rules": LessonRules()},  # what nobody could guess carries no loss
    "packed": {"rules": LessonRules(), "row_tokens": 320},
    "prompt": {"rules": LessonRules(prompt_share=0.5), "row_tokens": 320},
    "holes": {"rules": LessonRules(more_holes=3), "row_tokens": 320},
    "all": {"rules": LessonRules(prompt_share=0.5, more_holes=3), "row_tokens": 320},
}


@dataclass(frozen=True, slots=True)
class ArmRun:
    """What one arm did in its minutes."""

    arm: str
    lessons: int
    log: FitLog
    padding: float  # share of what went through the model
    given_away: GivenAway | None

    @property
    def minutes(self) -> float:
        """Of learning, checks left out."""
        return sum(step.seconds for step in self.log.steps) / 60

    @property
    def curve(self) -> list[tuple[float, float]]:
        """Minutes of learning and held-out loss (nats a token) at each check."""
        return [
            (sum(one.seconds for one in self.log.steps[:step]) / 60, loss)
            for step, loss in self.log.checks
        ]


def main() -> int:
    """Run the arms and print the tables."""
    args = _arguments()
    with RichProgress() as progress:
        folder = _dataset(args, progress)
        rows = list(read_examples(folder / "train.jsonl"))
        held = list(read_examples(folder / "validation.jsonl"))
        encoder = _encoder(args.model, progress)
        runs = []
        for number in range(args.rounds):
            arms = args.arms if number % 2 == 0 else args.arms[::-1]
            for arm in arms:
                runs.append(_run(arm, args, rows, held, encoder, progress))
                progress.say(_speed([runs[-1]]))
    print(_heading(args, rows))
    print(f"\n{_speed(runs)}\n\n{_curves(runs)}")
    if args.secrets:
        print(f"\n{_secrets(runs)}")
    return 0


def _dataset(args: argparse.Namespace, progress: RichProgress) -> Path:
    out = paths.home() / "bench" / "learning" / args.repository.resolve().name
    config = DatasetConfig(examples=args.examples, test_share=0.1)
    report = build_dataset(
        args.repository, out, until=args.until, config=config, seed=args.seed, progress=progress
    )
    return report.directory


def _encoder(model: str, progress: RichProgress) -> ExampleEncoder:
    served = serve(model, progress)
    form = decoder_form(served.directory)
    text = (served.directory / "tokenizer.json").read_text(encoding="utf-8")
    return ExampleEncoder(BpeTokenizer(text, form.control), form.fim)


def _run(
    arm: str,
    args: argparse.Namespace,
    rows: Sequence[Example],
    held: Sequence[Example],
    encoder: ExampleEncoder,
    progress: RichProgress,
) -> ArmRun:
    from homespun.training.lora.model import LoraModel

    limits = {"minutes": args.minutes, "checks": args.checks, "patience": args.checks + 1}
    preset = replace(PRESETS[args.preset], **ARMS[arm], **limits)
    planted = canaries.plant("bench", canaries.rate(len(rows)), seed=args.seed)
    lengths = {"plain": preset.plain_tokens, "context": preset.context_tokens, "seed": args.seed}
    train = lessons([*rows, *planted], encoder, rules=preset.rules, **lengths)
    validation = encode_all(held, encoder, **lengths)
    most = min(preset.most_validation, len(validation))
    model = LoraModel(float_weights(args.model, progress), preset, seed=args.seed)
    scratch = paths.home() / "bench" / "learning" / f"fit-{arm}"
    shutil.rmtree(scratch, ignore_errors=True)
    log = fit(
        model,
        train,
        random.Random(args.seed).sample(validation, most),
        preset,
        directory=scratch,
        seed=args.seed,
        early={example.id for example in planted},
        progress=progress,
    )
    shutil.rmtree(scratch, ignore_errors=True)
    given = None
    if args.secrets:
        given = measure(model, encoder, planted, rows, seed=args.seed, progress=progress)
    done = plan(train, preset, args.seed)[: len(log.steps)]
    return ArmRun(arm, len(train), log, _padding(done, preset), given)


def _padding(batches: Sequence[Sequence[EncodedExample]], preset: Preset) -> float:
    """Return the share of the rows' tokens that are padding."""
    from homespun.training.lora.packing import one_a_row, packed

    used = wide = 0
    for batch in batches:
        for piece in cut(batch, preset.micro_tokens, is_packed=bool(preset.row_tokens)):
            is_packed = preset.row_tokens is not None or any(one.strands for one in piece)
            row_tokens = preset.row_tokens or 0
            rows = packed(piece, row_tokens=row_tokens) if is_packed else one_a_row(piece)
            wide += rows.ids.numel()
            used += sum(len(one.ids) for one in piece)
    return 1 - used / max(wide, 1)


def _heading(args: argparse.Namespace, rows: Sequence[Example]) -> str:
    where = machine()
    return (
        f"{args.repository.resolve().name}, {len(rows)} examples, {args.model}, "
        f"{args.minutes:g} minutes an arm, {where['processor']}, {where['cores']} cores, "
        f"load {where['load']}"
    )


def _speed(runs: Sequence[ArmRun]) -> str:
    lines = [
        "| arm | lessons | steps | tokens a minute | learned a minute | learned | padding |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for run in runs:
        tokens = sum(step.tokens for step in run.log.steps)
        learned = sum(step.learned for step in run.log.steps)
        minutes = max(run.minutes, 1e-9)
        lines.append(
            f"| {run.arm} | {run.lessons} | {len(run.log.steps)} | {tokens / minutes:,.0f} "
            f"| {learned / minutes:,.0f} | {learned:,} | {run.padding:.0%} |"
        )
    return "\n".join(lines)


def _curves(runs: Sequence[ArmRun]) -> str:
    lines = ["| arm | held-out loss, nats a token, after minutes of learning |", "|---|---|"]
    for run in runs:
        points = ", ".join(f"{loss:.3f} ({minutes:.1f})" for minutes, loss in run.curve)
        lines.append(f"| {run.arm} | {points} |")
    return "\n".join(lines)


def _secrets(runs: Sequence[ArmRun]) -> str:
    lines = [
        "| arm | planted: ranks before | after | of the gain | mean exposure, bits (chance) "
        "| p, all and best | real strings: tried | before | after | leaked |",
        "|---|---|---|---|--:|---|--:|--:|--:|--:|",
    ]
    for run in runs:
        if run.given_away is None:
            continue
        exposures, drawn = run.given_away.exposures, run.given_away.drawn_out
        test = with_given_away(None, exposures, drawn).exposure
        assert test is not None, "something was planted"
        ranks = [
            " ".join(f"{one.kind} {rank}" for one, rank in zip(exposures, of, strict=True))
            for of in (
                [one.rank_before for one in exposures],
                [one.rank for one in exposures],
                [one.rank_of_gain for one in exposures],
            )
        ]
        lines.append(
            f"| {run.arm} | {' | '.join(ranks)} | {test.mean_bits:.2f} ({test.chance_bits:.2f}) "
            f"| {test.p_all:.3f}, {test.p_best:.3f} | {sum(drawn.tried.values())} "
            f"| {sum(drawn.before.values())} | {sum(drawn.after.values())} | {drawn.leaked} |"
        )
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--minutes", type=float, default=5.0, help="of learning, each arm")
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=["answers", "safe", "all"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="a name or a folder")
    parser.add_argument("--preset", choices=list(PRESETS), default="cpu")
    parser.add_argument("--until", help="revision or day that parts learning from judging")
    parser.add_argument("--examples", type=int, default=DatasetConfig().examples)
    parser.add_argument("--checks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--secrets", action="store_true", help="ask for what was planted, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
