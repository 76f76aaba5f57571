"""What a dataset is asked to be, and what came of it. Standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

DATASET_VERSION = 1  # raise it when the same repository and settings would give other rows


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """Sizes and shares; one default each."""

    examples: int = 2_400  # training examples wanted, replay included
    validation_examples: int = 200
    test_share: float = 0.0  # of the commits, kept behind the cut-off where no `until` is given
    validation_share: float = 0.1  # of the commits before the cut-off: the last ones
    most_validation_commits: int = 200
    commit_share: float = 0.5  # of the examples: holes in lines that a commit added
    context_share: float = 0.4  # of the examples: with retrieved context
    distractor_share: float = 0.125  # of those: with a snippet of another place's context as well
    empty_share: float = 0.125  # of those: what was found is left out
    replay_share: float = 0.1  # of the examples, from `general_examples`
    half_life_days: float = 548.0  # a commit, or a file's last change, this old weighs half
    convention_weight: float = 2.0  # how much likelier a hole begins at a convention's site
    stale_share: float = 0.25  # of the added lines that are in the tree no more: kept
    most_per_file: int = 24
    most_per_commit: int = 12
    most_validation_per_commit: int = 6
    context_tokens: int = 1_024  # room that the retriever fills, prompt included
    least_examples: int = 200
    least_code_lines: int = 2_000
    held_out_files: float = 0.1  # without a history: share of the files kept for validation
    near_duplicate: float = 0.7  # Jaccard similarity of 5-token shingles
    most_file_bytes: int = 300_000
    exclude: tuple[str, ...] = ()  # further paths to leave out: patterns as in .gitignore


@dataclass(slots=True)
class DatasetReport:
    """What `build_dataset` made; `to_json` is what `homespun dataset --json` prints."""

    directory: Path
    repo: str  # name of the repository, as the prompts show it
    train: int  # examples in train.jsonl
    validation: int
    tree: str  # commit whose tree was learned from, "" without a history
    cutoff: str  # last commit that training or validation saw, "" without a history
    cutoff_date: str  # ISO date of that commit
    commits: dict[str, int]  # "train", "validation", "test" -> usable commits
    has_history: bool
    kinds: dict[str, int]  # kind of hole -> training examples
    sources: dict[str, int]  # "tree", "commit", "replay" -> training examples
    with_context: int  # training examples that show retrieved code
    files: int  # files that were learned from
    dropped: dict[str, int]  # reason -> files left out
    code_lines: int
    card_sha256: str  # of data_card.json
    reused: bool  # it was there already: same tree, settings and seed
    seconds: float
    notes: list[str] = field(default_factory=list)  # sentences for the user

    def to_json(self) -> dict[str, object]:
        """Return a JSON object."""
        return {**asdict(self), "directory": str(self.directory)}
