"""One training judged twice: as this machine serves it, and by a real vLLM (`--exam-endpoint`).

A few minutes of learning and a small exam, so the verdict is of no weight. What is looked at is
that vLLM is pushed the draft, answers all that is asked, and says nearly the same of the adapter.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from homespun.cli.progress import RichProgress
from homespun.server.options import CompletionOptions
from homespun.training.config import ExamEndpoint, TrainOptions
from homespun.training.evaluation.report import PRIMARY
from homespun.training.gate import gate
from homespun.training.gate.measured import Evidence, ShareDifference
from homespun.training.gate.verdict import GateVerdict
from homespun.training.pipeline.train import train, train_until
from tests.e2e.servers.starting import Started, say

CONTEXT_TOKENS = 2304  # that the server has to hold: prompt and answer
_NEAR_NATS = 0.05  # a token: 8 bits here, 16 there
_COMPLETION = CompletionOptions()


def compared(
    repository: Path, minutes: float, server: Callable[[], AbstractContextManager[Started]]
) -> int:
    """Learn, judge here and there, print both; 1 where they are too far from each other."""
    run = _learned(repository, minutes)
    kept = run.with_name(f"{run.name}.kept")
    shutil.copytree(run, kept, dirs_exist_ok=True)
    here, _ = _judged(repository, None)
    shutil.rmtree(run)
    kept.rename(run)
    with server() as started:
        there, verdict = _judged(repository, ExamEndpoint(started.url))
        listed = httpx.get(f"{started.url}/v1/models", trust_env=False).json()["data"]
    assert verdict.served_form == "endpoint"
    assert len(listed) == 1, "the draft is still loaded"
    assert here.parity is not None and there.parity is not None, "a loss was not measured"
    apart = abs(here.parity.loss_served - there.parity.loss_served)
    for name, found in (("this machine", here), (started.name, there)):
        print(json.dumps({"judged by": name, **_figures(found)}), flush=True)  # noqa: T201
    say(f"the losses of both are {apart:.3f} nats a token apart")
    return 0 if apart <= _NEAR_NATS else 1


def _learned(repository: Path, minutes: float) -> Path:
    options = TrainOptions(
        model=_COMPLETION.model,
        minutes=minutes,
        items=8,
        habits=12,
        probes=8,
        forgetting_tasks=6,
        canaries=0,  # no server is asked for them
        arms=PRIMARY,
        promote=False,
        whole_exam=True,
    )
    with RichProgress() as progress:
        return train_until(
            "learning", repository, options, completion=_COMPLETION, progress=progress
        ).folder


def _judged(repository: Path, exam: ExamEndpoint | None) -> tuple[Evidence, GateVerdict]:
    seen: list[Evidence] = []

    def judge(evidence: Evidence) -> GateVerdict:
        seen.append(evidence)
        return gate.judge(evidence)

    with RichProgress() as progress:
        done = train(
            repository,
            resume=True,
            exam=exam,
            completion=_COMPLETION,
            progress=progress,
            judge=judge,
        )
    return seen[-1], done.verdict


def _figures(found: Evidence) -> dict[str, object]:
    """Return shares and losses, before and after."""
    rules = found.rules or ()
    sites = sum(rule.sites for rule in rules)
    assert found.parity is not None, "it was looked at"
    return {
        "places": found.places,
        "exact": _both(found.exact),
        "similarity": _both(found.similarity),
        "house form likelier": [
            round(sum(getattr(rule, when) * rule.sites for rule in rules) / max(sites, 1), 3)
            for when in ("before", "after")
        ],
        "pairs": sites,
        "loss": round(found.parity.loss_served, 4),
        "loss of the float weights": round(found.parity.loss_float, 4),
        "a completion, ms": found.speed
        and [round(found.speed.before_ms), round(found.speed.after_ms)],
    }


def _both(found: ShareDifference | None) -> list[float] | None:
    return found and [round(found.before, 3), round(found.after, 3)]
