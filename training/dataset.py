"""A repository and its history -> examples to learn from, and their data card.

    report = build_dataset(Path("repo"), Path("repo/.homespun/dataset"), until="v2.0")
    examples = list(read_examples(report.directory / "train.jsonl"))

The folder holds `train.jsonl` and `validation.jsonl` (rows of `examples.Example`), `data_card.json`
with `data_card.md` for people, and `leak_report.json`. It appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from homespun.models.types import NoProgress, Progress
from homespun.training.dataset_config import DatasetConfig, DatasetReport

__all__ = ["DatasetConfig", "DatasetReport", "build_dataset"]

# (path, language, text) -> the 1-based lines where a convention of the house shows.
ConventionSites = Callable[[str, str, str], Collection[int]]

_PROGRESS = NoProgress()


def build_dataset(
    root: Path,
    out: Path,
    *,
    until: str | None = None,
    config: DatasetConfig = DatasetConfig(),
    seed: int = 0,
    name: str | None = None,
    general_examples: Path | None = None,
    convention_sites: ConventionSites | None = None,
    progress: Progress = _PROGRESS,
) -> DatasetReport:
    """Write the dataset of a repository to the folder `out`; the same input gives the same bytes.

    `until` is a revision or a date: nothing later is learned from or validated on. Without it the
    cut-off is the last commit, or leaves `config.test_share` of the commits behind it. `name` is
    the repository's name in the prompts (the folder's name). `general_examples` is a JSONL file of
    examples to replay. Without a usable git history whole files are held out, and the card says so.
    A run that was killed goes on where it was; a finished dataset of the same input is kept.

    Raises `TooLittleCode`, `HistoryUnreadable` (an `until` that is not there), `DatasetUnwritable`,
    `LeakFound`, and `indexer.errors.NotADirectory`.
    """
    raise NotImplementedError
