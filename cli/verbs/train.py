"""`homespun train`: an adapter of this repository, judged before it may serve."""

from __future__ import annotations

import argparse
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homespun.cli.errors import UsageError
from homespun.cli.progress import RichProgress

if TYPE_CHECKING:
    from homespun.models.adapters.registry import Registry
    from homespun.progress import Progress, TrainProgress
    from homespun.server.options import CompletionOptions
    from homespun.training.config import ExamEndpoint, TrainOptions
    from homespun.training.pipeline.train import StoppedTraining, TrainResult

NOTHING_TO_DO = 3  # exit status of --if-stale: nothing was learned, nothing was wanted
KEPT = 4  # exit status of --if-stale: an adapter was learned, and what served before serves
# Commits after a try that came to nothing before --if-stale tries again; the gate wants lines that
# are newer than what was learned.
MIN_NEW_COMMITS = 100

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

_RUN_OPTIONS = (
    "preset",
    "until",
    "seed",
    "steps",
    "minutes",
    "examples",
    "items",
    "model",
    "no_promote",
    "whole_exam",
    "anyway",
    "qlora",
    "gpus",
    "checkpointing",
)
# Behind which a training may stop: homespun.training.pipeline.stages, but for the last one.
STAGES = ("conventions", "dataset", "learning", "evaluation", "probes", "verdict")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("dir", nargs="?", default=".", metavar="DIR", help="folder (default: .)")
    parser.add_argument(
        "--preset", choices=("cpu", "gpu"), help="settings for cpu (default) or gpu"
    )
    parser.add_argument(
        "--until",
        metavar="REV",
        help="learn nothing later than this revision or day; later commits judge the adapter "
        "(default: the last tenth of the commits is kept back)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the last run, where it was ended"
    )
    parser.add_argument(
        "--if-stale",
        action="store_true",
        help="only where the adapter that serves is no good any more, or none serves; exit status "
        f"{NOTHING_TO_DO}: nothing to do, {KEPT}: trained, and what served before serves",
    )
    parser.add_argument("--model", metavar="NAME", help="model instead of the configured one")
    parser.add_argument("--seed", type=int, metavar="N", help="of all that is drawn (default: 0)")
    _add_amounts(parser)
    parser.add_argument(
        "--no-promote", action="store_true", help="only a candidate, whatever the gate says"
    )
    parser.add_argument(
        "--whole-exam",
        action="store_true",
        help="judge to the end, also where the adapter cannot pass any more",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="even if nothing was committed to judge it by"
    )
    parser.add_argument(
        "--qlora", action="store_true", help="frozen weights in 4 bits (gpu, needs bitsandbytes)"
    )
    parser.add_argument(
        "--gpus", type=int, metavar="N", help="learn on so many together (default: 1)"
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="learn nothing: say whether the later commits suffice to judge an adapter by",
    )
    parser.add_argument(
        "--checkpointing",
        choices=("on", "off"),
        help="compute activations again instead of keeping them (default: on from 7B)",
    )
    parser.add_argument(
        "--stop-after",
        choices=STAGES,
        metavar="STAGE",
        help=f"end when that is done, so that a GPU is free: {', '.join(STAGES)}; --resume goes on",
    )
    _add_exam(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_amounts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="of learning, at most; the plan is cut to fit (default: 60 on a CPU)",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="of learning, at most")
    parser.add_argument("--examples", type=int, metavar="N", help="to learn from (default: 2,400)")
    parser.add_argument(
        "--items",
        type=int,
        metavar="N",
        help="places to judge by (default: 1,250 on a CPU, 2,000 on a GPU)",
    )


def _add_exam(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exam-endpoint",
        metavar="URL",
        help="judge what a server of yours writes with the adapter, not this machine; code goes "
        "there, secrets masked (docs/tuning.md)",
    )
    parser.add_argument(
        "--exam-kind", choices=("vllm", "llama-server"), help="of that server (default: vllm)"
    )
    parser.add_argument(
        "--exam-model",
        metavar="NAME",
        help="the adapter's name there, where it has it already (default: the draft is pushed)",
    )
    parser.add_argument(
        "--exam-key-env", metavar="NAME", help="environment variable that holds the server's key"
    )


def run(args: argparse.Namespace) -> int:
    """Train, judge, and say what was done with the adapter."""
    from homespun.progress import NoProgress
    from homespun.server.completion.open import completion_settings
    from homespun.training.errors import FirstProcessFailed
    from homespun.training.lora.distributed import is_first_process, is_started_by_torchrun

    _check(args)
    if args.if_stale and is_started_by_torchrun():
        raise UsageError("--if-stale is asked once, before torchrun starts its processes")
    if args.plan:
        return _plan(args)
    root, flags = Path(args.dir), {"model": args.model}
    if is_first_process():  # of those that torchrun has started; else the only one
        with RichProgress(quiet=args.json) as progress:
            return _run(args, completion_settings(root, flags=flags, say=progress.say), progress)
    nobody = NoProgress()
    with suppress(FirstProcessFailed):  # which has said why
        return _trained(args, completion_settings(root, flags=flags, say=nobody.say), nobody)[0]
    return 1


def _run(args: argparse.Namespace, settings: CompletionOptions, progress: RichProgress) -> int:
    from homespun.training.pipeline.train import StoppedTraining

    if args.if_stale and (reason := _reason_to_wait(Path(args.dir), settings.model, progress)):
        _print_nothing(reason, as_json=args.json)
        return NOTHING_TO_DO
    status, result = _trained(args, settings, progress)
    progress.finish()
    if isinstance(result, StoppedTraining):
        print(json.dumps(result.to_json(), indent=1) if args.json else result.sentence)
    else:
        _print(result, as_json=args.json)
    return status


def _trained(
    args: argparse.Namespace, settings: CompletionOptions, progress: TrainProgress
) -> tuple[int, TrainResult | StoppedTraining]:
    """Return the exit status and what came of it."""
    from homespun.training.pipeline.train import train, train_until

    root = Path(args.dir)
    how: dict[str, Any] = {
        "resume": args.resume,
        "exam": _exam(args) if args.resume else None,  # else it is among the options
        "completion": settings,
        "progress": progress,
    }
    if args.stop_after:
        return 0, train_until(args.stop_after, root, _options(args, settings), **how)
    result = train(root, _options(args, settings), **how)
    return KEPT if args.if_stale and not result.is_champion else 0, result


def _reason_to_wait(root: Path, model: str, progress: Progress) -> str | None:
    """Return why nothing is to be learned now, a sentence; None where training is due."""
    from homespun.cli.champion import examined_champion
    from homespun.models.adapters.registry import Registry

    registry = Registry(root.resolve())
    found = examined_champion(registry, lambda: model, progress=progress)
    if found is None:
        return _reason_not_to_try_again(registry)
    return None if found.outcome == "stale" else found.sentence


def _reason_not_to_try_again(registry: Registry) -> str | None:
    """Return why a repository whose adapters were all kept from serving is left alone for now."""
    from homespun.training.errors import HistoryUnreadable
    from homespun.training.history.repository import Repository

    tried = [adapter for adapter in registry.adapters() if adapter.is_known]
    commits = {str(adapter.manifest.get("commit") or "") for adapter in tried} - {""}
    newer = []
    with Repository.open(registry.workspace) as repository:
        for commit in commits:
            with suppress(HistoryUnreadable):  # a history that was rewritten is a new one
                newer.append(len(repository.commits(since=commit)))
    if not newer or min(newer) >= MIN_NEW_COMMITS:
        return None
    return (
        f"no adapter serves, and the last try was {min(newer)} commits ago; with "
        f"{MIN_NEW_COMMITS} there is something new to learn: nothing to do yet"
    )


def _plan(args: argparse.Namespace) -> int:
    from homespun.server.completion.open import completion_settings
    from homespun.training.pipeline.exam import plan

    root = Path(args.dir)
    with RichProgress(quiet=args.json) as progress:
        settings = completion_settings(root, flags={"model": args.model}, say=progress.say)
        exam = plan(root, _options(args, settings), progress)
    if args.json:
        print(json.dumps(exam.to_json(), indent=1))
    else:
        print("\n".join([exam.sentence, *exam.lines()]))
    return 0


def _check(args: argparse.Namespace) -> None:
    for name in ("steps", "minutes", "examples", "items", "gpus"):
        value = getattr(args, name)
        if value is not None and not value > 0:
            raise UsageError(f"--{name} wants a number above 0, not {value}")
    if args.plan and args.resume:
        raise UsageError("--plan is asked before a training is begun; leave out --resume")
    if args.resume:
        given = [name for name in _RUN_OPTIONS if getattr(args, name) not in (None, False)]
        if given:
            names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise UsageError(f"--resume goes on with the run's own options; leave out {names}")
    if args.if_stale and args.resume:
        raise UsageError("--if-stale decides whether to begin; leave it out with --resume")
    if args.stop_after and (args.if_stale or args.plan):
        other = "--if-stale" if args.if_stale else "--plan"
        raise UsageError(f"--stop-after ends a training early; leave it out with {other}")
    _check_exam(args)
    if args.qlora and args.preset != "gpu":
        raise UsageError("--qlora needs --preset gpu")
    if args.gpus is not None and args.preset != "gpu":
        raise UsageError("--gpus needs --preset gpu")


def _check_exam(args: argparse.Namespace) -> None:
    more = [f"--exam-{name}" for name in ("kind", "model", "key-env") if _given(args, name)]
    if more and not args.exam_endpoint:
        raise UsageError(f"{', '.join(more)}: of which server? give --exam-endpoint URL")
    if args.exam_key_env and not _VARIABLE.fullmatch(args.exam_key_env):
        raise UsageError(  # it may be the key: it is not shown
            "--exam-key-env wants the name of an environment variable, such as EXAM_KEY; the key "
            "itself goes into that variable"
        )


def _given(args: argparse.Namespace, name: str) -> bool:
    return getattr(args, f"exam_{name.replace('-', '_')}") is not None


def _exam(args: argparse.Namespace) -> ExamEndpoint | None:
    from homespun.training.config import ExamEndpoint

    if not args.exam_endpoint:
        return None
    return ExamEndpoint(
        url=args.exam_endpoint,
        kind=args.exam_kind or "vllm",
        model=args.exam_model or "",
        key_env=args.exam_key_env or "",
    )


def _options(args: argparse.Namespace, completion: CompletionOptions) -> TrainOptions:
    from homespun.training.config import TrainOptions

    given = {
        name: getattr(args, name)
        for name in ("preset", "until", "seed", "steps", "minutes", "examples", "items", "gpus")
        if getattr(args, name) is not None
    }
    return replace(
        TrainOptions(model=completion.model),
        promote=not args.no_promote,
        whole_exam=args.whole_exam,
        anyway=args.anyway,
        qlora=args.qlora,
        checkpointing=None if args.checkpointing is None else args.checkpointing == "on",
        exam=_exam(args),
        **given,
    )


def _print_nothing(reason: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"promoted": False, "outcome": reason}))
    else:
        print(reason)


def _print(result: TrainResult, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
        return
    from homespun.training.report.figures import minutes

    print(result.verdict.explain())
    print(result.outcome)
    print(f"report: {result.report}")
    print(f"took {minutes(result.seconds)}")
