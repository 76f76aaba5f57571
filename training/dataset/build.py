"""A repository and its history -> examples to learn from, and their data card.

    report = build_dataset(Path("repo"), Path("repo/.homespun/dataset"), until="v2.0")
    examples = list(read_examples(report.directory / "train.jsonl"))

The folder holds `train.jsonl` and `validation.jsonl` (rows of `examples.Example`), `data_card.json`
with `data_card.md` for people, and `leak_report.json`. It appears whole or not at all.

The tree that is learned from is that of the last commit before the validation window: so nothing
of what early stopping looks at was seen.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from homespun.indexer.errors import NotADirectory
from homespun.paths import WORKSPACE_FOLDER
from homespun.progress import NoProgress, Progress
from homespun.storage import write_private
from homespun.training.config import DATASET_VERSION, DatasetConfig, DatasetReport
from homespun.training.dataset.card import Provenance, as_markdown, data_card, sha256_of
from homespun.training.dataset.context import Journal, Shown, Snippets, applied, choose, gather
from homespun.training.dataset.examples import Example, read_examples, write_examples
from homespun.training.dataset.inputs import DatasetInputs, DatasetRequest, dataset_inputs
from homespun.training.dataset.leaks import LeakReport, added_lines, check_leaks, telling_lines
from homespun.training.dataset.output import (
    CARD,
    LEAKS,
    PAGE,
    TRAIN,
    VALIDATION,
    DatasetFolder,
    claimed,
)
from homespun.training.dataset.plan import ConventionSites, Planned
from homespun.training.errors import DatasetDamaged, HistoryUnreadable, TooLittleCode
from homespun.training.history.commits import Windows, day_of
from homespun.training.history.repository import Repository

__all__ = ["ConventionSites", "DatasetConfig", "DatasetReport", "build_dataset"]

_PROGRESS = NoProgress()
_CONFIG = DatasetConfig()
_FOLDER = "dataset"  # in the repository's `.homespun`
_MAX_SUFFIX_CHARS = 16_000  # a prompt of 4,096 tokens shows a quarter of this


def build_dataset(
    root: Path | str = ".",
    out: Path | str | None = None,
    *,
    until: str | None = None,
    config: DatasetConfig = _CONFIG,
    seed: int = 0,
    name: str | None = None,
    general_examples: Path | None = None,
    convention_sites: ConventionSites | None = None,
    progress: Progress = _PROGRESS,
) -> DatasetReport:
    """Write the dataset of a repository to the folder `out`; the same input gives the same bytes.

    Without `out` that is `dataset` in the repository's `.homespun`.
    `until` is a revision or a date: nothing later is learned from or validated on. Without it the
    cut-off is the last commit, or leaves `config.test_share` of the commits behind it. `name` is
    the repository's name in the prompts (the folder's name). `general_examples` is a JSONL file of
    examples to replay. Without a usable git history whole files are held out, and the card says so.
    A run that was killed goes on where it was; a finished dataset of the same input is kept.

    Raises `TooLittleCode`, `HistoryUnreadable` (an `until` that is not there), `DatasetUnwritable`,
    `DatasetDamaged` (the examples to replay), `LeakFound`, and `indexer.errors.NotADirectory`.
    """
    began = time.perf_counter()
    root = Path(root)
    out = root / WORKSPACE_FOLDER / _FOLDER if out is None else Path(out)
    root = root.resolve()
    if not root.is_dir():
        raise NotADirectory(f"{str(root)!r} is no directory; give the folder of a repository")
    name = name or root.name.removesuffix(".git")
    request = DatasetRequest(root, config, seed, name, convention_sites, general_examples)
    with claimed(out) as folder:
        request = _with_history(request, until, progress)
        try:
            key = _key(request)
            card = folder.finished(key)
            if card is None:
                _build(request, folder, key, progress)
            reused, card = card is not None, card or folder.finished(key)
        finally:
            if request.repository is not None:
                request.repository.close()
    assert card is not None, "a dataset that was just written is finished"
    return _report(folder.out, card, reused=reused, seconds=time.perf_counter() - began)


def _with_history(request: DatasetRequest, until: str | None, progress: Progress) -> DatasetRequest:
    """Add the repository and its windows; a note where there is none."""
    progress.start("history", 0, "commits")
    try:
        repository = Repository.open(request.root)
        windows = repository.windows(
            until=until,
            test_share=request.config.test_share,
            validation_share=request.config.validation_share,
            most_validation=request.config.most_validation_commits,
        )
    except HistoryUnreadable as error:
        if until is not None:
            raise
        return request.with_note(f"no history is used: {error}")
    finally:
        progress.finish()
    return request.with_history(repository, windows)


def _key(request: DatasetRequest) -> str:
    """Return a hash of all that shapes the dataset."""
    windows = request.windows
    facts = {
        "version": DATASET_VERSION,
        "config": asdict(request.config),
        "seed": request.seed,
        "name": request.name,
        "sites": request.convention_sites is not None,
        "general": _general_hash(request),
        "history": [windows.tree, windows.cutoff, windows.tip] if windows is not None else [],
        "files": "" if windows is not None else request.fingerprint(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _general_hash(request: DatasetRequest) -> str:
    return "" if request.general is None else sha256_of(request.general)


def _build(request: DatasetRequest, folder: DatasetFolder, key: str, progress: Progress) -> None:
    inputs = dataset_inputs(request, progress)
    _check_size(request, inputs)
    folder.begin(key)
    chance = random.Random(f"{request.seed}-context")
    train, validation, shown = _with_context(inputs, folder.draft, chance, progress)
    leaks = _leaks(inputs, train, validation)
    train += _replayed(request, len(train), chance)
    chance.shuffle(train)
    _write(inputs, folder, key, train, validation, shown, leaks)


def _check_size(request: DatasetRequest, inputs: DatasetInputs) -> None:
    learned, config = inputs.learned, request.config
    if learned.code_lines >= config.least_code_lines and (
        len(inputs.train) >= config.least_examples
    ):
        return
    dropped = ", ".join(f"{reason} {n}" for reason, n in learned.dropped.counts.most_common(4))
    raise TooLittleCode(
        f"{str(request.root)!r} is too small to learn from: {len(learned.sources)} files with "
        f"{learned.code_lines} lines of code (at least {config.least_code_lines}) give "
        f"{len(inputs.train)} examples (at least {config.least_examples})"
        + (f"; left out: {dropped}" if dropped else "")
        + ". Nothing is trained; what you have stays as it is"
    )


def _with_context(
    inputs: DatasetInputs, draft: Path, chance: random.Random, progress: Progress
) -> tuple[list[Example], list[Example], dict[str, Shown]]:
    """Return both windows' examples with their retrieved context."""
    config = inputs.request.config
    journal = Journal(draft / "context.jsonl")
    contexts = inputs.contexts(draft / "scratch")
    found: Mapping[str, Snippets] = {}
    chosen: dict[str, list[Planned]] = {}
    for window, planned in (("train", inputs.train), ("validation", inputs.validation)):
        chosen[window] = choose(planned, config, chance)
        found = gather(chosen[window], contexts[window], inputs.order, journal, progress=progress)
    # Of the tree alone: no other commit's code may stand where it was not written yet.
    pool = [
        s for item in chosen["train"] if not item.example.commit for s in found[item.example.id]
    ]
    train, shown_train = applied(inputs.train, chosen["train"], found, pool, config, chance)
    validation, shown_validation = applied(
        inputs.validation, chosen["validation"], found, pool, config, chance
    )
    return train, validation, {"train": shown_train, "validation": shown_validation}


def _replayed(request: DatasetRequest, own: int, chance: random.Random) -> list[Example]:
    """Return as many examples of other repositories as their share asks for."""
    share = request.config.replay_share
    if request.general is None or share <= 0:
        return []
    count = round(own * share / (1 - share))
    try:
        every = list(read_examples(request.general))
    except ValueError as error:
        raise DatasetDamaged(f"the examples to replay cannot be read: {error}") from error
    drawn = chance.sample(every, min(count, len(every)))
    return [
        Example.from_json({**example.to_json(), "source": "replay", "id": f"replay/{example.id}"})
        for example in drawn
    ]


# --- checks


def _leaks(
    inputs: DatasetInputs, train: Sequence[Example], validation: Sequence[Example]
) -> dict[str, LeakReport]:
    """Assert that no example shows what came after its window. Raises `LeakFound`."""
    request = inputs.request
    repository, windows = request.repository, request.windows
    inputs.check_held_out(train)
    if repository is None or windows is None:
        return {}
    known: set[str] = set()
    for source in inputs.learned.sources:
        known |= telling_lines(source.text)
    test = added_lines(windows.test, repository.file_at)
    between = [] if inputs.held else windows.validation
    later = {"train": test | added_lines(between, repository.file_at), "validation": test}
    last = {"train": inputs.tree, "validation": windows.cutoff}
    return {
        window: check_leaks(
            examples,
            allowed=repository.ancestors(last[window]),
            revisions=lambda example: [example.commit or inputs.tree],
            later=later[window],
            known=known,
            texts_of=_texts_of(repository, windows, inputs.tree),
        )
        for window, examples in (("train", train), ("validation", validation))
    }


def _texts_of(
    repository: Repository, windows: Windows, tree: str
) -> Callable[[Example, str], Iterable[str]]:
    """Return what gives a path's texts in all that an example was made from."""
    commits = {commit.id: commit for commit in (*windows.train, *windows.validation)}

    def texts_of(example: Example, path: str) -> Iterable[str]:
        commit = commits.get(example.commit)
        places = [(tree, path)]
        if commit is not None:
            earlier = commit.parent_path(path)
            places += [(commit.id, path), (commit.parent, path), (commit.parent, earlier)]
        return (repository.file_at(revision, name) or "" for revision, name in places)

    return texts_of


# --- writing


def _write(
    inputs: DatasetInputs,
    folder: DatasetFolder,
    key: str,
    train: Sequence[Example],
    validation: Sequence[Example],
    shown: Mapping[str, Shown],
    leaks: Mapping[str, LeakReport],
) -> None:
    draft = folder.draft
    write_examples(map(_shortened, train), draft / TRAIN)
    write_examples(map(_shortened, validation), draft / VALIDATION)
    report = {window: found.to_json() for window, found in leaks.items()}
    write_private(draft / LEAKS, json.dumps(report, indent=1) + "\n", durable=True)
    card = data_card(
        key,
        _provenance(inputs),
        inputs.learned,
        train,
        validation,
        shown,
        leaks,
        inputs.request.config,
        seed=inputs.request.seed,
        files={name: draft / name for name in (TRAIN, VALIDATION, LEAKS)},
    )
    write_private(draft / PAGE, as_markdown(card), durable=True)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    write_private(draft / CARD, text, durable=True)
    folder.finish(TRAIN, VALIDATION, LEAKS, PAGE, CARD)


def _shortened(example: Example) -> Example:
    """Cut the suffix behind what a prompt can show; line numbers, so the prefix, must stay."""
    suffix = example.suffix
    if len(suffix) <= _MAX_SUFFIX_CHARS:
        return example
    end = suffix.find("\n", _MAX_SUFFIX_CHARS)
    return replace(example, suffix=suffix[: end + 1] if end >= 0 else suffix)


def _provenance(inputs: DatasetInputs) -> Provenance:
    request, windows = inputs.request, inputs.request.windows
    return Provenance(
        repo=request.name,
        tree=inputs.tree,
        tree_date=day_of(inputs.now) if windows is not None else "",
        cutoff=windows.cutoff if windows is not None else "",
        cutoff_date=day_of(windows.cutoff_date) if windows is not None else "",
        tip=windows.tip if windows is not None else "",
        commits={
            "train": len(inputs.commits),
            "validation": 0 if windows is None or inputs.held else len(windows.validation),
            "test": 0 if windows is None else len(windows.test),
        },
        dropped_commits=windows.dropped if windows is not None else {},
        held_out_files=tuple(sorted(inputs.held)),
        general=_general_hash(request),
        has_convention_sites=request.convention_sites is not None,
        has_history=windows is not None and not inputs.held,
        notes=tuple(inputs.notes),
    )


def _report(out: Path, card: Mapping[str, Any], *, reused: bool, seconds: float) -> DatasetReport:
    source, train = card["provenance"], card["examples"]["train"]
    return DatasetReport(
        directory=out,
        repo=source["repo"],
        train=train["count"],
        validation=card["examples"]["validation"]["count"],
        tree=source["tree"],
        cutoff=source["cutoff"],
        cutoff_date=source["cutoff_date"],
        commits=dict(source["commits"]),
        has_history=source["has_history"],
        kinds=dict(train["kinds"]),
        sources=dict(train["sources"]),
        with_context=train["with_context"],
        files=card["files"]["learned_from"],
        dropped=dict(card["files"]["dropped"]),
        code_lines=card["files"]["code_lines"],
        card_sha256=sha256_of(out / CARD),
        reused=reused,
        seconds=seconds,
        notes=list(source["notes"]),
    )
