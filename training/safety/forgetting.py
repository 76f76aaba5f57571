"""Does the model still fill in ordinary Python? Single-line infilling through the served decoder.

The tasks are HumanEval-SingleLineInfilling of openai/human-eval-infilling (MIT; data and licence
lie in `training/data/`): 1,033 lines of 164 functions. The prompt is the bare one of the format
(prefix, suffix, middle), greedy, up to the line's end; the stripped line is compared. Nothing of
what the model writes is run. Lines of one function resemble each other, so the function is the
cluster of all intervals.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.resources
import json
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from homespun.models.types import Generation, Generator, Stop
from homespun.progress import NoProgress, Progress, never
from homespun.stats import Estimate, Paired, cluster_mean, paired

MARGIN = 0.02  # of exact match: what an adapter may cost and still count as no forgetting
TASKS = 300
CONTEXT_TOKENS = 2048
_DATA = "HumanEval-SingleLineInfilling.jsonl.gz"
_LINE_TOKENS = 96  # the longest line of the tasks has 66


@dataclass(frozen=True, slots=True)
class InfillingTask:
    """A line to write."""

    id: str
    prefix: str
    suffix: str
    line: str  # the wanted one, stripped

    @property
    def function(self) -> str:
        """The function that the line is from."""
        return self.id.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class InfilledLine:
    """What one model wrote for one task."""

    task: str
    exact: bool
    prompt_tokens: int
    tokens: int
    prefill_ms: float
    decode_ms: float


@dataclass(frozen=True, slots=True)
class InfillingArm:
    """All answers of one model, in the order of the tasks."""

    name: str
    answers: tuple[InfilledLine, ...]

    @property
    def exact(self) -> Estimate:
        """Share of exact lines, with its 95 % interval."""
        return cluster_mean([float(a.exact) for a in self.answers], self.clusters)

    @property
    def clusters(self) -> list[str]:
        """The function of each answer."""
        return [answer.task.rpartition("/")[0] for answer in self.answers]

    @property
    def seconds(self) -> float:
        """Median seconds that a task takes."""
        return statistics.median((a.prefill_ms + a.decode_ms) / 1000 for a in self.answers)

    @property
    def tokens_per_second(self) -> float:
        """Tokens written in a second of decoding; not those of the prompt."""
        return _rate(sum(a.tokens for a in self.answers), sum(a.decode_ms for a in self.answers))

    @property
    def prompt_tokens_per_second(self) -> float:
        """Tokens of the prompt read in a second."""
        read = sum(a.prompt_tokens for a in self.answers)
        return _rate(read, sum(a.prefill_ms for a in self.answers))


@dataclass(frozen=True, slots=True)
class Infilling:
    """The arms of one run; every later one is compared with the first."""

    seed: int
    tasks: str  # hash of the tasks asked
    arms: tuple[InfillingArm, ...]

    def against_first(self, arm: InfillingArm) -> Paired:
        """Compare an arm with the first one: exact lines, the first one is the control."""
        first = self.arms[0]
        return paired(
            [float(a.exact) for a in arm.answers],
            [float(a.exact) for a in first.answers],
            first.clusters,
        )

    def forgets(self, arm: InfillingArm) -> bool:
        """Whether it cannot be ruled out that an arm is worse than the first by the margin."""
        return not self.against_first(arm).is_not_inferior(MARGIN)

    def to_json(self) -> dict[str, Any]:
        """Return figures and rows; no text of a model is kept."""
        return {
            "data": _DATA,
            "tasks": self.tasks,
            "count": len(self.arms[0].answers),
            "seed": self.seed,
            "margin": MARGIN,
            "arms": [self._arm_to_json(arm) for arm in self.arms],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Infilling:
        """Read what `to_json` returned; figures are computed again."""
        arms = tuple(
            InfillingArm(arm["name"], tuple(InfilledLine(**row) for row in arm["rows"]))
            for arm in body["arms"]
        )
        return cls(int(body["seed"]), str(body["tasks"]), arms)

    def _arm_to_json(self, arm: InfillingArm) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": arm.name,
            "exact": asdict(arm.exact),
            "seconds_per_task": round(arm.seconds, 4),
            "tokens_per_second": round(arm.tokens_per_second, 2),
            "prompt_tokens_per_second": round(arm.prompt_tokens_per_second, 1),
            "rows": [asdict(answer) for answer in arm.answers],
        }
        if arm is self.arms[0]:
            return body
        compared = self.against_first(arm)
        assert compared.discordance is not None  # exact is yes or no
        return body | {
            "against": self.arms[0].name,
            "difference": asdict(compared.difference),
            "discordance": asdict(compared.discordance),
            "forgets": self.forgets(arm),
        }


def tasks(count: int = TASKS, *, seed: int = 0) -> list[InfillingTask]:
    """Return a random but fixed subset of the tasks in their order; all where there are fewer."""
    every = list(all_tasks())
    if count >= len(every):
        return every
    places = sorted(random.Random(seed).sample(range(len(every)), count))
    return [every[place] for place in places]


def measure(
    models: Mapping[str, Generator],
    asked: Sequence[InfillingTask],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Infilling:
    """Ask all models every task, in turns, so that the machine's load falls on each alike."""
    progress = progress or NoProgress()
    found: dict[str, list[InfilledLine]] = {name: [] for name in models}
    names = list(models)
    progress.start("infilling", len(asked) * len(names), "lines")
    for number, task in enumerate(asked):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            found[name].append(_answer(models[name], task))
            progress.advance(1)
    progress.finish()
    digest = hashlib.sha256("\n".join(task.id for task in asked).encode()).hexdigest()[:16]
    arms = tuple(InfillingArm(name, tuple(answers)) for name, answers in found.items())
    return Infilling(seed, digest, arms)


def prompt_ids(generator: Generator, task: InfillingTask) -> list[int]:
    """Return the bare prompt of the fill-in-the-middle format."""
    tokenizer, fim = generator.tokenizer, generator.fim
    return [
        tokenizer.control(fim.prefix),
        *tokenizer.encode(task.prefix),
        tokenizer.control(fim.suffix),
        *tokenizer.encode(task.suffix),
        tokenizer.control(fim.middle),
    ]


def written(generator: Generator, prompt: Sequence[int]) -> Generation:
    """Return what a model writes behind a prompt, greedily, up to the line's end."""
    return generator.generate(prompt, max_tokens=_LINE_TOKENS, stop=_line_end, cancelled=never)


def _answer(generator: Generator, task: InfillingTask) -> InfilledLine:
    done = written(generator, prompt_ids(generator, task))
    return InfilledLine(
        task=task.id,
        exact=done.text.strip() == task.line,
        prompt_tokens=done.prompt_tokens - done.reused_tokens,
        tokens=len(done.token_ids),
        prefill_ms=round(done.prefill_ms, 2),
        decode_ms=round(done.decode_ms, 2),
    )


def all_tasks() -> Iterator[InfillingTask]:
    """Yield every task of the file, in its order."""
    packed = (
        importlib.resources.files("homespun.training.safety").joinpath("data", _DATA).read_bytes()
    )
    for line in gzip.decompress(packed).decode().splitlines():
        row = json.loads(line)
        solution = row["canonical_solution"].strip()
        yield InfillingTask(row["task_id"], row["prompt"], row["suffix"], solution)


def _line_end(text: str) -> Stop | None:
    end = text.find("\n")
    return Stop(end, "newline") if end >= 0 else None


def _rate(tokens: int, ms: float) -> float:
    return tokens / (ms / 1000) if ms else 0.0
