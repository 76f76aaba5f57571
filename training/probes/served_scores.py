"""How likely a served model finds what fills the holes of examples; closed when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from homespun.models.types import NoProgress, Progress
from homespun.training.dataset.examples import Example, ExampleEncoder
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.served_model import Scores, open_model

_PROMPT_TOKENS = 320  # a pair has to be likely by the code right around it
_ANSWER_TOKENS = 512


def served_scores(
    model: str,
    adapter: str | Path,
    examples: Sequence[Example],
    *,
    workspace: Path,
    progress: Progress | None = None,
) -> list[tuple[float, int]]:
    """Return the log-probability (nats) and the number of tokens of each example's answer."""
    listener = progress or NoProgress()
    opened = open_model(
        model,
        adapter,
        workspace=workspace,
        context_tokens=_PROMPT_TOKENS + _ANSWER_TOKENS,
        progress=progress,
    )
    generator = opened.generator
    if not isinstance(generator, Scores):
        raise NothingToEvaluate(f"model {generator.name!r} cannot say how likely a text is")
    encoder = ExampleEncoder(generator.tokenizer, generator.fim)
    found = []
    listener.start("minimal pairs", len(examples), "lines")
    for example in examples:
        one = encoder.encode(example, budget=_PROMPT_TOKENS)
        answer = one.ids[one.start :]
        found.append((generator.score(one.ids[: one.start], answer), len(answer)))
        listener.advance(1)
    listener.finish()
    return found
