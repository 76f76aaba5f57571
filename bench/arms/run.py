"""The cheaper arms, side by side: what brings the house's form, and at what price.

    python -m bench.arms.run REPOSITORY                       # card, house examples
    python -m bench.arms.run REPOSITORY --arms card long --long 20
    python -m bench.arms.run REPOSITORY --said                # the most that a card could bring
    python -m bench.arms.run REPOSITORY --adapter ID --arms adapter adapter+card

Places and habits are those of a training's exam, in lines of commits behind the cut-off; the
conventions are those of the tree before it. Prompt, retrieval, stop rules and statistics are the
product's, each arm is paired with the model as shipped, and whole commits are drawn. Answers are
kept: a run that was ended goes on, and Ctrl-C shows the tables of what there is. The milliseconds
depend on whatever else the machine did.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.arms.compare import against, main_table, rules_table
from bench.arms.contexts import ARMS, LONG_TOKENS, SHIPPED, Arm, MinedHouse, ShownFirst
from bench.common.provenance import machine
from bench.common.stats import sample
from homespun import paths
from homespun.cli.progress import RichProgress
from homespun.server.completion.open import context_length
from homespun.server.context.retriever import Retriever
from homespun.server.options import CompletionOptions
from homespun.training.config import TrainOptions
from homespun.training.dataset.leaks import Seen
from homespun.training.evaluation.arms import ArmAnswer, AskedModel, KeptAnswers
from homespun.training.evaluation.evaluate import habit_rows, rows_of
from homespun.training.evaluation.inputs import Extras, HabitPlace
from homespun.training.evaluation.items import Item, Judge, items_of_history
from homespun.training.evaluation.served_model import Opened, open_model
from homespun.training.history.indexed_trees import HistoryTrees, Trees
from homespun.training.history.repository import Repository
from homespun.training.pipeline.exam import item_config, windows_of
from homespun.training.pipeline.habits import habit_places
from homespun.training.pipeline.house_style import (
    HouseStyle,
    conventions_of,
    probes_of_window,
    style_of,
)
from homespun.training.pipeline.prepared import dataset_config_of
from homespun.training.sources.select import of_revision

_BY_NAME = {arm.name: arm for arm in ARMS}
_KEPT = "arms"


@dataclass(frozen=True, slots=True)
class ArmsExam:
    """What is asked, and what is known of the house."""

    places: list[Item]
    habits: list[HabitPlace]
    house: MinedHouse
    style: HouseStyle


@dataclass(frozen=True, slots=True)
class _Arms:
    """Who is asked, and with what at hand."""

    models: dict[str, AskedModel]
    house: MinedHouse
    trees: Trees
    progress: RichProgress


def main() -> int:
    """Ask all arms and print the tables."""
    args = _arguments()
    arms = [SHIPPED, *(_BY_NAME[name] for name in args.arms)]
    with RichProgress() as progress, ExitStack() as stack:
        repository = stack.enter_context(Repository.open(args.repository))
        models = {arm.name: _asked(arm, args, progress) for arm in arms}
        tokenizer = models[SHIPPED.name].opened.generator.tokenizer
        count = lambda text: len(tokenizer.encode(text))  # noqa: E731  (of this model alone)
        exam = _exam(repository, args, count, progress)
        trees = stack.enter_context(HistoryTrees(repository))
        asking = _Arms(models, exam.house, trees, progress)
        habits, places = [place.item for place in exam.habits], exam.places
        at_habits = _answers("habits", habits, _with_some_long(arms, habits, args.long), asking)
        at_places = _answers("places", places, _with_some_long(arms, places, args.long), asking)
    written = exam.style.written
    rows = list(rows_of(exam.places, at_places, count=count, forms=written))
    of_habits = list(habit_rows(Extras(habits=exam.habits, written_forms=written), at_habits))
    reports = {arm.name: against(arm.name, SHIPPED.name, rows, of_habits) for arm in arms[1:]}
    print(_heading(args, at_places, at_habits))
    print(f"\n{main_table(reports, [*at_habits, *at_places])}\n\n{rules_table(reports)}")
    return 0


def _asked(arm: Arm, args: argparse.Namespace, progress: RichProgress) -> AskedModel:
    options = CompletionOptions(model=args.model)
    if arm.is_long:
        options = replace(options, context_tokens=LONG_TOKENS, cache_mb=512)
    adapter = args.adapter if arm.model == "repository" else "none"
    opened = _opened(args.model, adapter, args.repository.resolve(), options, progress)
    kept = paths.home() / "bench" / _KEPT / f"{args.repository.resolve().name}.jsonl"
    return AskedModel.of(opened, _kept(kept), options, with_loss=False)


@functools.cache
def _opened(
    model: str, adapter: str, workspace: Path, options: CompletionOptions, progress: RichProgress
) -> Opened:
    return open_model(
        model,
        adapter,
        workspace=workspace,
        context_tokens=context_length(options),
        cache_mb=options.cache_mb,
        progress=progress,
    )


@functools.cache
def _kept(path: Path) -> KeptAnswers:
    return KeptAnswers(path)


def _exam(
    repository: Repository,
    args: argparse.Namespace,
    count: Callable[[str], int],
    progress: RichProgress,
) -> ArmsExam:
    """Draw places and habits as a training would, and mine what it could know."""
    options = TrainOptions(args.model, until=args.until, seed=args.seed, items=args.places)
    windows = windows_of(repository, options)
    learned = of_revision(repository, windows.tree, dataset_config_of(options), progress=progress)
    conventions = conventions_of(learned, progress=progress)
    style = style_of(conventions, learned)
    pairs = probes_of_window(repository, windows.cutoff, style, most=args.habits, seed=args.seed)
    places = items_of_history(
        repository,
        repository.commits(since=windows.cutoff),
        Judge((), Seen(())),
        learned.house,
        count,
        item_config(options),
        progress=progress,
    )
    habits, house = habit_places(pairs, repository.name), MinedHouse(conventions.rules)
    if args.said:
        habits = [place for place in habits if house.says(place.rule, place.item)]
    return ArmsExam(places, habits, house, style)


def _answers(
    stage: str, items: Sequence[Item], asked: Callable[[Item], Sequence[Arm]], arms: _Arms
) -> list[ArmAnswer]:
    """Return the answers of all arms, item by item, another arm first each time.

    Ctrl-C ends the stage; what was answered by then is compared.
    """
    wanted = [asked(item) for item in items]
    arms.progress.start(stage, sum(map(len, wanted)), "answers")
    found: list[ArmAnswer] = []
    with suppress(KeyboardInterrupt):
        for number, (item, those) in enumerate(zip(items, wanted, strict=True)):
            index = arms.trees.at(item.parent)
            turn = number % len(those)
            for arm in (*those[turn:], *those[:turn]):
                context = ShownFirst(arms.house.shown(arm, item, index), Retriever(index))
                found.append(arms.models[arm.name].answer(item, arm.name, context, index))
                arms.progress.advance(1)
    arms.progress.finish()
    return found


def _with_some_long(
    arms: Sequence[Arm], items: Sequence[Item], most: int
) -> Callable[[Item], Sequence[Arm]]:
    """Leave the long prompts to some of the items: each takes as long as ten others."""
    long = {item.id for item in sample(items, most, seed=0)}
    return lambda item: [arm for arm in arms if not arm.is_long or item.id in long]


def _heading(
    args: argparse.Namespace, at_places: Sequence[ArmAnswer], at_habits: Sequence[ArmAnswer]
) -> str:
    where = machine()
    places, habits = (len({one.item.id for one in found}) for found in (at_places, at_habits))
    which = "habits that the card says" if args.said else "habits"
    return (
        f"{args.repository.resolve().name}, {args.model}: {places} places, {habits} {which}, at "
        f"most {args.long} of each for a long prompt; {where['processor']}, {where['cores']} "
        f"cores, load {where['load']}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("repository", type=Path, help="a clone with its history")
    names = [arm.name for arm in ARMS if arm is not SHIPPED]
    parser.add_argument("--arms", nargs="+", choices=names, default=["card", "examples"])
    parser.add_argument("--places", type=int, default=120, help="in lines of later commits")
    parser.add_argument("--habits", type=int, default=150, help="that the file does not show")
    parser.add_argument("--said", action="store_true", help="habits that the card says, alone")
    parser.add_argument("--long", type=int, default=20, help="places, and habits, of a long prompt")
    parser.add_argument("--until", help="revision or day that parts learning from judging")
    parser.add_argument("--adapter", default="champion", help="of the arms with an adapter")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
