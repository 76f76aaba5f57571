"""What a dataset and a training are asked to be, and what came of the first.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

DATASET_VERSION = 1  # raise it when the same repository and settings would give other rows
CPU_MINUTES = 60.0  # of learning, where nothing is said: one evening's patience for two cores
CPU_ITEMS = 1_250  # what the gate's margins need: training/gate/margins.py
GPU_ITEMS = 2_000
OTHER_ITEMS = 300  # of them are asked for the arms that the gate does not compare
# All there are: with 300 the interval is wider than the margin that is allowed.
FORGETTING_TASKS = 1_033
ARMS = ("general/none", "general/retrieval", "repository/none", "repository/retrieval")


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


@dataclass(frozen=True, slots=True)
class ExamEndpoint:
    """A server of the user's that is examined in place of the model on this machine."""

    url: str
    kind: Literal["vllm", "llama-server"] = "vllm"
    model: str = ""  # the adapter's name there; "": the draft is pushed
    key_env: str = ""  # name of the environment variable with the key, never the key


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """One default each; None where it follows from the preset."""

    model: str
    preset: str = "cpu"
    until: str | None = None  # revision or date; None: the last tenth of the commits is kept back
    seed: int = 0
    steps: int | None = None  # at most so many
    minutes: float | None = None  # of learning; None: 60 on a CPU, no limit on a GPU
    examples: int | None = None  # wanted; None: the dataset's default
    items: int | None = None  # of the evaluation; None: 1,250 on a CPU, 2,000 on a GPU
    probes: int = 300  # minimal pairs
    habits: int = 900  # places where a habit's form is to be written
    forgetting_tasks: int = FORGETTING_TASKS
    canaries: int | None = None  # planted secrets; None: as many as there would be real ones
    arms: tuple[str, ...] = ARMS
    promote: bool = True  # when the gate says so
    whole_exam: bool = False  # asked to its end, also where the adapter cannot pass any more
    anyway: bool = False  # train even where there is too little to judge the adapter by
    qlora: bool = False
    gpus: int = 1  # that learn together
    checkpointing: bool | None = None  # activations are computed again; None: from 7B on
    exam: ExamEndpoint | None = None  # the server that is judged; None: the int8 form, here

    def to_json(self) -> dict[str, Any]:
        """Return it for a run's state."""
        return {**asdict(self), "arms": list(self.arms)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> TrainOptions:
        """Read it back; raises TypeError, KeyError for what another version wrote."""
        exam = None if row.get("exam") is None else ExamEndpoint(**row["exam"])
        return cls(**{**row, "arms": tuple(row["arms"]), "exam": exam})

    def told(self) -> dict[str, Any]:
        """Return it for reports and manifests, which others read: without a server's address."""
        return {**self.to_json(), "exam": None if self.exam is None else self.exam.kind}

    def changed(self, other: TrainOptions) -> list[str]:
        """Return the names of the options in which another one differs."""
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]
