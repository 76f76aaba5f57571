"""The exam on a server of the user's: what the stages ask there in place of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from homespun.models.types import Generator
from homespun.server.completion.open import context_length
from homespun.training.endpoint.model import ExamModel
from homespun.training.endpoint.open import ExamServer
from homespun.training.evaluation.served_model import (
    SCORED_TOKENS,
    encoded_for_scores,
    scores_by,
)
from homespun.training.gate.measured import ServedFormLoss
from homespun.training.pipeline.learn import parity_examples
from homespun.training.pipeline.prepared import PROBES, Prepared
from homespun.training.probes.pairs import Probe
from homespun.training.probes.scores import score_probes
from homespun.training.runs import write_json
from homespun.training.safety import forgetting


def server_of(prepared: Prepared) -> ExamServer | None:
    """Return the server that is to be examined; None: it is this machine."""
    options = prepared.options
    if options.exam is None:
        return None
    room = max(context_length(prepared.completion), forgetting.CONTEXT_TOKENS, SCORED_TOKENS)
    return ExamServer.of(
        options.exam,
        options.model,
        context_tokens=room,
        progress=prepared.progress,
        say=prepared.progress.say,
    )


def parity_there(prepared: Prepared, model: Generator) -> ServedFormLoss | None:
    """Compare what the server loses with what the float weights lost when they had learned.

    None where the server cannot say it. What would have to be masked is left out.
    """
    assert isinstance(model, ExamModel), "it is a server's"
    examples, logprobs = parity_examples(prepared.folder, prepared.dataset(), prepared.options)
    asked = [
        (one.ids[: one.start], one.ids[one.start :], logprob)
        for one, logprob in zip(examples, logprobs, strict=True)
        if len(one.ids) <= model.context_tokens
    ]
    sent = [one for one in asked if model.may_be_sent(one[0], one[1])]
    tokens = sum(len(answer) for _, answer, _ in sent)
    if not model.weighs or not tokens:
        return None
    served = sum(model.score(prompt, answer) for prompt, answer, _ in sent)
    return ServedFormLoss(-served / tokens, -sum(logprob for *_, logprob in sent) / tokens)


def probes_there(prepared: Prepared, server: ExamServer, pairs: Sequence[Probe]) -> dict[str, Any]:
    """Score minimal pairs on the server; the stage `probes`."""
    repo = prepared.dataset().repo
    opened = server.opened(prepared.draft)
    before, after = (opened[name].generator for name in ("general", "repository"))
    assert isinstance(before, ExamModel) and isinstance(after, ExamModel)
    if not (before.weighs and after.weighs):
        write_json(prepared.folder / PROBES, {"changes": [], "rules": None})
        server.forget(prepared.draft)
        return {"pairs": 0}
    kept = [pair for pair in pairs if _may_be_sent(before, pair, repo)]
    earlier, later = (
        score_probes(
            kept,
            partial(scores_by, model, progress=prepared.progress),
            contexts=("unseen",),
            repo=repo,
        )
        for model in (before, after)
    )
    prepared.keep_probes(earlier, later)
    server.forget(prepared.draft)
    return {"pairs": len(kept)}


def _may_be_sent(model: ExamModel, pair: Probe, repo: str) -> bool:
    """Tell whether neither form of a pair has anything to mask, and both have room."""
    encoded = [encoded_for_scores(model, each) for each in pair.examples("unseen", repo=repo)]
    return all(
        len(one.ids) <= model.context_tokens
        and model.may_be_sent(one.ids[: one.start], one.ids[one.start :])
        for one in encoded
    )
