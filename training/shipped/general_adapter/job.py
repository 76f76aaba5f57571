"""The general infilling adapter, from pinned packages to the files of the wheel.

    python -m homespun.training.shipped.general_adapter.job --examples   # only what it learns from
    python -m homespun.training.shipped.general_adapter.job [--model qwen2.5-coder-1.5b]  # train
    python -m homespun.training.shipped.general_adapter.job --steps 170 110  # of each phase

The served weights are Instruct weights, which have lost much of the base model's skill to fill a
hole. This adapter gives it back and teaches the server's prompt: its layout, retrieved context, and
where to stop. It is merged into the model that every user gets, and it is what an adapter of a
repository has to beat. Needs the `train` extra; goes on where it was killed (`--resume`).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from homespun import paths
from homespun.models import catalogue
from homespun.models.convert.served_form import file_sha256
from homespun.models.weights.gguf import GgufSource
from homespun.models.weights.tokenizer import BpeTokenizer
from homespun.progress import Progress
from homespun.server.prompt.render import DEFAULT_LAYOUT, PROMPT_VERSION
from homespun.storage import make_private_folder, write_private
from homespun.training.dataset.examples import (
    EncodedExample,
    Example,
    ExampleEncoder,
    encode_all,
    read_examples,
    write_examples,
)
from homespun.training.lora.batches import plan
from homespun.training.lora.fit import FitLog, fit
from homespun.training.lora.model import LoraModel
from homespun.training.lora.presets import CPU, PRESETS, Preset
from homespun.training.shipped.general_adapter import contamination
from homespun.training.shipped.general_adapter.examples import Mix, general_examples
from homespun.training.shipped.sources import held_out_packages, sources
from homespun.training.shipped.static_encoder.corpus import held_out_prints

MODEL = "qwen2.5-coder-0.5b"
_HELD_EXAMPLES = 64  # of packages that are not learned from
_HELD_SHARE = 0.08  # of the packages


@dataclass(frozen=True, slots=True)
class Phase:
    """A pass over examples that no earlier phase has seen."""

    name: str
    plain_tokens: tuple[int, ...]  # budgets of prompts, drawn for each example
    context_tokens: tuple[int, ...]  # of those with retrieved context
    context_share: float  # of the examples with retrieved context: taken
    minutes: float  # on a CPU; the schedule is cut to what fits
    steps: int | None = None  # so many, however long they take

    def limited(self, preset: Preset) -> Preset:
        """Return the preset with this phase's end."""
        if self.steps is not None:
            return replace(preset, steps=self.steps)
        return preset if preset.device != "cpu" else replace(preset, minutes=self.minutes)

    def encode(
        self, examples: Iterable[Example], encoder: ExampleEncoder, seed: int
    ) -> list[EncodedExample]:
        """Encode examples with this phase's lengths of prompts."""
        plain, context = self.plain_tokens, self.context_tokens
        return encode_all(examples, encoder, plain=plain, context=context, seed=seed)


# Long prompts teach the layout, but only one token in fifteen is learned from; short ones then give
# the skill twice the examples in the same time.
PHASES = (
    Phase("layout", (96, 160, 224, 320), (320, 448, 576), context_share=1.0, minutes=64),
    Phase("skill", (80, 112, 144), (256, 320), context_share=0.25, minutes=45),
)

_SLOWER = {
    MODEL: 1.0,
    "qwen2.5-coder-1.5b": 3.4,
}  # a step, by products: the same examples take longer
# Half of the preset's rank, so that the wheel stays below 60 MB with the larger model's adapter in
# it. Alpha stays, and the learning rate with it ("LoRA Without Regret", Thinking Machines 2025).
_RANK = {"qwen2.5-coder-1.5b": 8}


def phases_of(name: str, steps: Sequence[int] | None = None) -> tuple[Phase, ...]:
    """Return the phases with the minutes that a model of its size needs for the same examples.

    With `steps`, each phase has so many, however long they take: on a machine that also does other
    things, minutes would say little of what is learned.
    """
    if steps is None:
        return tuple(replace(it, minutes=round(it.minutes * _SLOWER[name])) for it in PHASES)
    return tuple(replace(it, steps=most) for it, most in zip(PHASES, steps, strict=True))


def folder() -> Path:
    """Return where the job keeps examples, which are the same for all models."""
    return paths.home() / "general"


def make_examples(mix: Mix, *, progress: Progress) -> Path:
    """Write `examples.jsonl`, unless the same mix is there already; return its path."""
    target = folder() / "examples.jsonl"
    stamp = folder() / "mix.json"
    wanted = json.dumps(asdict(mix), sort_keys=True)
    if target.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return target
    make_private_folder(folder())
    stamp.unlink(missing_ok=True)
    held = held_prints()
    write_examples(general_examples(mix, held, progress=progress), target)
    write_private(stamp, wanted)
    return target


def make(
    name: str,
    preset: Preset,
    mix: Mix,
    target: Path,
    *,
    steps: Sequence[int] | None = None,
    resume: bool,
    progress: Progress,
) -> list[FitLog]:
    """Train the adapter of a model, phase by phase; write it and its manifest to `target`."""
    path = make_examples(mix, progress=progress)
    runs = folder() / name
    make_private_folder(runs)
    entry, source, phases = catalogue.get(name), source_of(name), phases_of(name, steps)
    examples = list(read_examples(path))
    contamination.check(examples)
    learned, held = parted(examples, mix.seed)
    encoder = encoder_of(name, source)
    validation = phases[0].encode(held, encoder, mix.seed)[:_HELD_EXAMPLES]
    model = LoraModel(source, preset, seed=mix.seed)
    logs: list[FitLog] = []
    seen: dict[str, EncodedExample] = {}
    for phase in phases:
        left = [example for example in learned if example.id not in seen]
        train = phase.encode(_chosen(left, phase, mix.seed), encoder, mix.seed)
        limited = phase.limited(preset)
        log = fit(
            model,
            train,
            validation,
            limited,
            directory=runs / f"run-{phase.name}",
            seed=mix.seed,
            progress=progress,
            resume=resume,
            on_step=lambda _, log: write_private(runs / "log.json", json.dumps(log.to_json())),
        )
        logs.append(log)
        taken_steps = plan(train, limited, mix.seed)[: len(log.steps)]
        seen |= {example.id: example for batch in taken_steps for example in batch}
    make_private_folder(target)
    model.save(target)
    taken = [example for example in learned if example.id in seen]
    facts = {
        "model": name,
        "base_sha256": entry.files[0].sha256,
        "settings": asdict(preset),
        "mix": asdict(mix),
        "training": [
            {"phase": asdict(phase)} | summary(log) for phase, log in zip(phases, logs, strict=True)
        ],
        "learned": _counts(taken, list(seen.values())),
        "held_out": {"examples": len(validation), "packages": sorted({e.source for e in held})},
        "packages": package_rows(taken),
    }
    _write_manifest(target, facts)
    return logs


def source_of(name: str) -> GgufSource:
    """Return a catalogue model's weights as they were downloaded."""
    return GgufSource(paths.source_dir(name) / catalogue.get(name).files[0].name)


def encoder_of(name: str, source: GgufSource) -> ExampleEncoder:
    """Return what makes token ids of examples for the model `name` of `source`."""
    tokens, fim = source.tokenizer_json(), catalogue.get(name).fim
    if fim is None:
        raise ValueError(f"{name!r} has no control tokens for infilling")
    return ExampleEncoder(BpeTokenizer(tokens.json, tokens.control), fim)


def _write_manifest(target: Path, facts: Mapping[str, Any]) -> None:
    """Write what shaped the adapter in `target`, with its files' hashes."""
    facts = {
        "kind": "general infilling adapter",
        "prompt_version": PROMPT_VERSION,
        "layout": DEFAULT_LAYOUT,
        "libraries": {name: version(name) for name in ("torch", "transformers", "peft")},
        "files": {path.name: file_sha256(path) for path in sorted(target.glob("adapter_*"))},
        **facts,
    }
    text = json.dumps(facts, indent=1, sort_keys=True)
    write_private(target / "manifest.json", text + "\n")


def _chosen(examples: Sequence[Example], phase: Phase, seed: int) -> list[Example]:
    """Leave out what a phase does not want of the examples with retrieved context."""
    rng = random.Random(f"{seed}-{phase.name}")
    return [e for e in examples if not e.snippets or rng.random() < phase.context_share]


def parted(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Part examples by package: learned from, held out (in an order of chance)."""
    packages = sorted({example.source for example in examples})
    rng = random.Random(seed)
    held = set(rng.sample(packages, max(round(len(packages) * _HELD_SHARE), 1)))
    learned = [example for example in examples if example.source not in held]
    kept = [example for example in examples if example.source in held]
    return learned, rng.sample(kept, len(kept))


def summary(log: FitLog) -> dict[str, Any]:
    """Return what the manifest says of a training."""
    return {
        "steps": len(log.steps),
        "planned": log.planned,
        "tokens": sum(step.tokens for step in log.steps),
        "seconds": round(sum(step.seconds for step in log.steps)),
        "validation_nats_per_token": [[step, round(loss, 4)] for step, loss in log.checks],
        "best_step": log.best_step,
        "finish": log.finish,
        "told": log.told,
    }


def package_rows(examples: Sequence[Example]) -> list[dict[str, object]]:
    """Return the packages that were learned from: version, hash, licence, examples."""
    used = Counter(example.source for example in examples)
    return [
        {
            "registry": source.package.registry,
            "name": source.package.name,
            "version": source.package.version,
            "sha256": source.package.sha256,
            "licence": source.licence,
            "examples": used[source.key],
        }
        for source in sources()
        if source.key in used
    ]


def _counts(examples: Sequence[Example], train: Sequence[EncodedExample]) -> dict[str, object]:
    return {
        "examples": len(train),
        "tokens": sum(len(example.ids) for example in train),
        "learned_tokens": sum(len(example.ids) - example.start for example in train),
        "kinds": dict(Counter(example.kind for example in examples).most_common()),
        "languages": dict(Counter(example.language for example in examples).most_common()),
        "with_context": sum(bool(example.snippets) for example in examples),
    }


def held_prints() -> frozenset[str]:
    """Return the fingerprints of what evaluation sets are made of; kept, for they take minutes."""
    kept = folder() / "held.json"
    if kept.is_file():
        return frozenset(json.loads(kept.read_text(encoding="utf-8")))
    found = held_out_prints(held_out_packages())
    make_private_folder(folder())
    write_private(kept, json.dumps(sorted(found)))
    return found


def main() -> None:
    """Run the job."""
    from homespun.cli.progress import RichProgress

    parser = argparse.ArgumentParser(prog="python -m homespun.training.shipped.general_adapter.job")
    parser.add_argument("--examples", action="store_true", help="only make the examples")
    parser.add_argument("--preset", choices=sorted(PRESETS), default=CPU.name)
    parser.add_argument("--model", choices=sorted(_SLOWER), default=MODEL)
    parser.add_argument(
        "--steps", type=int, nargs=len(PHASES), help="of each phase; by default what fits its time"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--target", type=Path, help="by default where the package keeps them")
    args = parser.parse_args()
    shipped = Path(__file__).parents[3] / "models" / "adapters" / "shipped_data"
    preset = PRESETS[args.preset]
    preset = replace(
        preset, epochs=1, checks=3, patience=3, rank=_RANK.get(args.model, preset.rank)
    )
    with RichProgress() as progress:
        if args.examples:
            make_examples(Mix(), progress=progress)
            return
        target = args.target or shipped / args.model
        make(
            args.model,
            preset,
            Mix(),
            target,
            steps=args.steps,
            resume=args.resume,
            progress=progress,
        )


if __name__ == "__main__":
    main()
