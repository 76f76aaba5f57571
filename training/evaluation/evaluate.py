"""One evaluation of completions: models, items, answers, scores, report.

    done = evaluate(Path("repo"), since="v2.0", adapter="champion", options=CompletionOptions())
    done.report.primary       # the declared endpoint, `paired.Paired`
    done.answers              # what was written, for a page that shows examples

Nothing of the repository is executed; nothing in it is changed but `DIR/.homespun/eval/`, where the
models' answers are kept so that a run that was ended goes on where it was.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from homespun.indexer.config import CHUNKER_VERSION
from homespun.models.types import WITHOUT_OWN
from homespun.progress import NoProgress, Progress
from homespun.server.completion.open import context_length
from homespun.server.options import CompletionOptions
from homespun.server.prompt.render import DEFAULT_LAYOUT, PROMPT_VERSION
from homespun.storage import check_workspace_folder, make_private_folder, workspace_folder
from homespun.training.conventions.written import WrittenForms
from homespun.training.errors import NothingToEvaluate
from homespun.training.evaluation.arms import (
    CONTEXTS,
    ArmAnswer,
    KeptAnswers,
    RememberingGenerator,
    answers,
    check_arms,
)
from homespun.training.evaluation.failures import Failure, sort_of
from homespun.training.evaluation.inputs import EvaluationConfig, Extras, evaluation_inputs
from homespun.training.evaluation.items import Item
from homespun.training.evaluation.linting import Linter, linter_of
from homespun.training.evaluation.metrics import Score, parses, scored
from homespun.training.evaluation.report import PRIMARY, CompletionReport, ScoredItem
from homespun.training.evaluation.served_model import Opened, open_model
from homespun.training.safety import forgetting
from homespun.training.safety.memorisation import CopyFinder, Memorised

FOLDER = "eval"  # in the index's folder: kept answers and accepted reports
ANSWERS = "completions.jsonl"
_MODEL_ADAPTERS = {"base": "base", "general": "none"}  # the repository's is asked for


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report, and what it was made from."""

    report: CompletionReport
    items: tuple[Item, ...]
    answers: tuple[ArmAnswer, ...]
    notes: tuple[str, ...] = ()  # sentences for the user
    at_habits: tuple[ArmAnswer, ...] = ()


_CONFIG = EvaluationConfig()
_EXTRAS = Extras()


def evaluate(
    root: Path,
    *,
    since: str | None,
    until: str | None = None,
    adapter: str | Path = "champion",
    options: CompletionOptions,
    config: EvaluationConfig = _CONFIG,
    extras: Extras = _EXTRAS,
    name: str | None = None,
    cache: Path | None = None,
    opened: Mapping[str, Opened] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate the arms on lines that were added behind `since` (a revision or a day).

    `since` None is for a repository without a history: items come from `extras.held_out`, files
    that training never saw. `adapter` is that of the "repository" arms: "champion", an ID or a
    folder. `name` is the repository's in the prompts, `cache` where answers are kept. `opened` are
    the arms' models where they are open already, such as those of a server.

    Raises `NothingToEvaluate`, `HistoryUnreadable` and the errors of `homespun.models`.
    """
    progress = progress or NoProgress()
    root = root.resolve()
    name = name or root.name.removesuffix(".git")
    config = replace(config, arms=tuple(check_arms(config.arms)))
    models = opened or open_models(root, config.arms, adapter, options, progress)
    count = _counter(models)
    kept = KeptAnswers(cache or answers_file(root))
    with evaluation_inputs(root, since, until, config, extras, count, name, progress) as asked:
        asking = partial(
            answers, models=models, trees=asked.trees, options=options, kept=kept, progress=progress
        )
        compared = [arm for arm in PRIMARY if arm in config.arms]
        at_habits = list(asking([it.item for it in extras.habits], compared, with_loss=False))
        habits = tuple(habit_rows(extras, at_habits))
        goes_on = extras.goes_on(habits)
        items, others = asked.items if goes_on else [], config.others
        found = list(asking(items, config.arms, with_loss=config.with_loss, others=others))
    linter = linter_of(root) if config.with_linter else None
    rows = rows_of(items, found, count=count, linter=linter, forms=extras.written_forms)
    report = CompletionReport(
        repo=name,
        window=asked.window,
        versions=_versions(options, config),
        models={
            model: {"adapter": opened.adapter, "weights": opened.weights}
            for model, opened in models.items()
        },
        arms=config.arms,
        rows=tuple(rows),
        missing=_missing(found),
        infilling=_infilling(models, config, kept, progress) if goes_on else None,
        memorised=_memorised(models, found, extras),
        habits=habits,
    )
    return Evaluation(report, tuple(items), tuple(found), tuple(asked.notes), tuple(at_habits))


def _counter(models: Mapping[str, Opened]) -> Callable[[str], int]:
    """Return what counts the tokens of a text; the models have one tokenizer."""
    tokenizer = next(iter(models.values())).generator.tokenizer
    return lambda text: len(tokenizer.encode(text))


def answers_file(root: Path) -> Path:
    """Return where answers are kept; its folder is made, and kept out of git as the index's is."""
    check_workspace_folder(root)
    folder = workspace_folder(root) / FOLDER
    make_private_folder(folder)
    return folder / ANSWERS


def open_models(
    root: Path,
    arms: Sequence[str],
    adapter: str | Path,
    options: CompletionOptions,
    progress: Progress,
) -> dict[str, Opened]:
    """Open what the arms need. Raises `NothingToEvaluate` where the adapter changes nothing."""
    wanted = dict.fromkeys(arm.partition("/")[0] for arm in arms)
    found = {
        model: open_model(
            options.model,
            _MODEL_ADAPTERS.get(model, adapter),
            workspace=root,
            threads=options.threads,
            context_tokens=max(context_length(options), forgetting.CONTEXT_TOKENS),
            cache_mb=options.cache_mb,
            progress=progress,
        )
        for model in wanted
    }
    repository = found.get("repository")
    if repository is not None and repository.adapter in WITHOUT_OWN:
        raise NothingToEvaluate(
            f"there is no adapter of {str(root)!r} to evaluate: {str(adapter)!r} stands for the "
            "model as shipped; train one with `homespun train`, name one with --adapter, or leave "
            "out the arms of the repository: --arms general/none general/retrieval"
        )
    return found


def rows_of(
    items: Sequence[Item],
    found: Sequence[ArmAnswer],
    *,
    count: Callable[[str], int],
    linter: Linter | None = None,
    forms: WrittenForms | None = None,
) -> Iterator[ScoredItem]:
    """Yield the report's rows, in the order of the items."""
    by_item: dict[str, list[ArmAnswer]] = {}
    for answer in found:
        by_item.setdefault(answer.item.id, []).append(answer)
    for item in items:
        example = item.example
        wanted = example.prefix + example.middle + example.suffix
        is_whole = parses(wanted, example.language)
        given = by_item.get(item.id, [])
        scores = {
            answer.arm: _score(answer, wanted, linter, forms, wanted_parses=is_whole)
            for answer in given
        }
        tokens = count(example.middle)
        yield ScoredItem(
            id=item.id,
            commit=example.commit,
            file=_digest(example.path),
            kind=example.kind,
            strata=item.strata,
            scores={
                answer.arm: replace(
                    scores[answer.arm], failure=sort_of(_failure(answer, scores, tokens))
                )
                for answer in given
            },
        )


def _score(
    answer: ArmAnswer,
    wanted: str,
    linter: Linter | None,
    forms: WrittenForms | None,
    *,
    wanted_parses: bool | None,
) -> Score:
    example, completion = answer.item.example, answer.completion
    text = completion.text
    if example.middle.endswith("\n") and not text.endswith("\n"):
        text += "\n"  # of a whole line; its end is the user's next key
    document = example.prefix + text + example.suffix
    written = len(example.prefix), len(example.prefix) + len(text)
    findings = None
    if linter is not None and example.language == "python" and wanted_parses:
        findings = linter.new_findings(example.path, wanted, document)
    return replace(
        scored(example.middle, completion.text, completion.finish),
        parses=parses(document, example.language) if wanted_parses else None,
        findings=findings,
        loss=answer.loss,
        sources=len(completion.sources),
        prompt_tokens=completion.tokens["prompt"],
        tokens=completion.tokens["generated"],
        prefill_ms=round(completion.timings_ms["prefill"], 2),
        decode_ms=round(completion.timings_ms["decode"], 2),
        forms=forms(example.path, example.language, document, *written) if forms else None,
    )


def habit_rows(extras: Extras, found: Sequence[ArmAnswer]) -> Iterator[ScoredItem]:
    """Yield rows that say in which form each model wrote the habit that was asked for."""
    forms = extras.written_forms
    if forms is None:
        return
    given: dict[str, dict[str, ArmAnswer]] = {}
    for answer in found:
        given.setdefault(answer.item.id, {})[answer.arm] = answer
    for place in extras.habits:
        example, scores = place.item.example, {}
        for arm, answer in given.get(place.item.id, {}).items():
            completion = answer.completion
            text = place.head + completion.text + place.tail
            written = place.start, len(place.head) + len(completion.text)
            every = forms(example.path, example.language, text, *written)
            own = {rule: counts for rule, counts in every.items() if rule == place.rule}
            scores[arm] = replace(
                scored(example.middle, completion.text, completion.finish), forms=own
            )
        yield ScoredItem(
            id=place.item.id,
            commit=example.commit,
            file=_digest(example.path),
            kind=example.kind,
            strata=place.item.strata,
            scores=scores,
        )


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:16]


def _failure(answer: ArmAnswer, scores: Mapping[str, Score], tokens: int) -> Failure:
    model = answer.arm.partition("/")[0]
    return Failure(
        wanted=answer.item.example.middle,
        given=answer.completion.text,
        score=scores[answer.arm],
        missing=answer.missing,
        oracle=scores.get(f"{model}/{CONTEXTS[-1]}"),
        tokens=tokens,
    )


def _versions(options: CompletionOptions, config: EvaluationConfig) -> dict[str, str]:
    return {
        "model": options.model,
        "prompt": str(PROMPT_VERSION),
        "layout": DEFAULT_LAYOUT,
        "chunker": str(CHUNKER_VERSION),
        "context_tokens": str(options.context_tokens),
        "multiline": options.multiline,
        "seed": str(config.items.seed),
    }


def _missing(found: Iterable[ArmAnswer]) -> dict[str, int]:
    """Return the names that no retrieval showed, with how many items need them."""
    counts = Counter(
        name
        for answer in found
        if answer.arm == "general/retrieval"
        for name in set(answer.missing)
    )
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _infilling(
    models: Mapping[str, Opened],
    config: EvaluationConfig,
    kept: KeptAnswers,
    progress: Progress,
) -> forgetting.Infilling | None:
    """Measure forgetting; the model as shipped is the first arm, the control."""
    if not config.infilling_tasks:
        return None
    order = [model for model in ("general", "repository", "base") if model in models]
    seed = config.items.seed
    return forgetting.measure(
        {model: RememberingGenerator(models[model], kept, "infilling") for model in order},
        forgetting.tasks(config.infilling_tasks, seed=seed),
        seed=seed,
        progress=progress,
    )


def _memorised(
    models: Mapping[str, Opened],
    found: Sequence[ArmAnswer],
    extras: Extras,
) -> Memorised | None:
    """Look for long copies in what the two models wrote."""
    if "repository" not in models:
        return None
    finder = CopyFinder(extras.training_texts)
    texts: dict[str, list[str]] = {"general": [], "repository": []}
    for answer in found:
        model = answer.arm.partition("/")[0]
        if model in texts:
            texts[model].append(answer.completion.text)
    if not finder:
        return None
    return Memorised(
        outputs=len(texts["repository"]),
        copies=sum(map(finder.has_copy, texts["repository"])),
        copies_before=sum(map(finder.has_copy, texts["general"])),
    )
