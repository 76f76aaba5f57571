"""What a dataset was made from and what it cannot tell: `data_card.json`, and a page for people.

Nothing in it depends on the machine or the time: the same repository, settings and seed give the
same card, and its hash names the dataset.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homespun.training.config import DATASET_VERSION, DatasetConfig
from homespun.training.dataset.context import Shown
from homespun.training.dataset.examples import Example
from homespun.training.dataset.leaks import LeakReport
from homespun.training.sources.select import LearnedFiles

NO_HISTORY = (
    "There is no later code to validate on, so whole files were held out. They were written at the "
    "same time and by the same people as the rest, and resemble it: a figure on them flatters, in "
    "published comparisons by 10 to 60 % of its value. Nothing here can tell how an adapter does "
    "on tomorrow's code."
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the examples come from."""

    repo: str
    tree: str  # commit IDs, "" without a history
    tree_date: str
    cutoff: str
    cutoff_date: str
    tip: str
    commits: Mapping[str, int]  # window -> commits
    dropped_commits: Mapping[str, int]  # reason -> commits
    held_out_files: tuple[str, ...]
    general: str  # sha256 of the file of replayed examples, "" for none
    has_convention_sites: bool
    has_history: bool  # validated on later commits
    notes: tuple[str, ...]


def data_card(
    key: str,
    source: Provenance,
    learned: LearnedFiles,
    train: Sequence[Example],
    validation: Sequence[Example],
    shown: Mapping[str, Shown],
    leaks: Mapping[str, LeakReport],
    config: DatasetConfig,
    *,
    seed: int,
    files: Mapping[str, Path],
) -> dict[str, Any]:
    """Return the card. `files` are those that lie beside it; the card has their hashes."""
    return {
        "version": DATASET_VERSION,
        "key": key,
        "seed": seed,
        "config": asdict(config),
        "provenance": asdict(source),
        "examples": {"train": _counts(train), "validation": _counts(validation)},
        "context": {window: asdict(counts) for window, counts in shown.items()},
        "files": {
            "seen": learned.seen,
            "learned_from": len(learned.sources),
            "code_lines": learned.code_lines,
            "languages": dict(Counter(s.language for s in learned.sources).most_common()),
            "dropped": dict(learned.dropped.counts.most_common()),
            "dropped_examples": learned.dropped.examples,
            "examples_per_path": dict(sorted(Counter(e.path for e in _own(train)).items())),
        },
        "leaks": {window: report.to_json() for window, report in leaks.items()},
        "sha256": {name: sha256_of(path) for name, path in files.items()},
    }


def sha256_of(path: Path) -> str:
    """Return the hash of a file's bytes, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def as_markdown(card: Mapping[str, Any]) -> str:
    """Return the card as a page for people."""
    source, files, examples = card["provenance"], card["files"], card["examples"]
    train = examples["train"]
    lines = [
        f"# Data card: {source['repo']}",
        "",
        f"{train['count']} examples to learn from, {examples['validation']['count']} to validate "
        f"on, from {files['learned_from']} files with {files['code_lines']} lines of code "
        f"({_list(files['languages'])}).",
        "",
        "## Where they come from",
        "",
        *_window_lines(source),
        *(f"- {note}" for note in source["notes"]),
        "",
        "## What they are",
        "",
        *_table("kind of hole", "examples", train["kinds"]),
        *_table("source", "examples", train["sources"]),
        *_context_lines(card["context"]["train"]),
        f"Answers: {train['middle_chars']} characters in the mean.",
        "",
        "## What was left out, and why",
        "",
        *_dropped_lines(files),
        *_table("commits left out", "commits", source["dropped_commits"]),
        "## Checked",
        "",
        *_leak_lines(card["leaks"], source),
        "Secrets are masked in all texts; no hole asks for a line in which one was masked.",
        "",
    ]
    return "\n".join(lines)


def _own(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if example.source != "replay"]


def _counts(examples: Sequence[Example]) -> dict[str, Any]:
    middles = sum(len(example.middle) for example in examples)
    return {
        "count": len(examples),
        "kinds": dict(Counter(example.kind for example in examples).most_common()),
        "sources": dict(Counter(example.source for example in examples).most_common()),
        "languages": dict(Counter(example.language for example in examples).most_common()),
        "with_context": sum(bool(example.snippets) for example in examples),
        "middle_chars": round(middles / max(len(examples), 1), 1),
    }


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(what: str, count: str, rows: Mapping[str, int]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {what} | {count} |", "|---|---:|"]
    return [*lines, *(f"| {name} | {value} |" for name, value in rows.items()), ""]


def _window_lines(source: Mapping[str, Any]) -> list[str]:
    if not source["tree"]:
        held = len(source["held_out_files"])
        return [f"- the folder as it is, {held} files held out", f"- {NO_HISTORY}"]
    lines = [
        f"- tree: {source['tree'][:12]} of {source['tree_date']}, and "
        f"{source['commits']['train']} commits up to it",
        f"- validation: {source['commits']['validation']} commits up to the cut-off "
        f"{source['cutoff'][:12]} of {source['cutoff_date']}",
        f"- behind the cut-off, never looked at: {source['commits']['test']} commits",
    ]
    if not source["has_history"]:
        lines += [f"- {len(source['held_out_files'])} files held out", f"- {NO_HISTORY}"]
    return lines


def _context_lines(counts: Mapping[str, int]) -> list[str]:
    return [
        f"With retrieved context: {counts['found']}, of them {counts['distracted']} with a "
        f"distractor; {counts['emptied']} had it taken away, {counts['nothing']} found nothing.",
        "",
    ]


def _dropped_lines(files: Mapping[str, Any]) -> list[str]:
    if not files["dropped"]:
        return ["No file.", ""]
    rows = ["| reason | files | for example |", "|---|---:|---|"]
    for reason, count in files["dropped"].items():
        shown = ", ".join(f"`{path}`" for path in files["dropped_examples"].get(reason, [])[:2])
        rows.append(f"| {reason} | {count} | {shown} |")
    return [*rows, ""]


def _leak_lines(leaks: Mapping[str, Any], source: Mapping[str, Any]) -> list[str]:
    lines = []
    for window, report in leaks.items():
        lines.append(
            f"- {window}: {report['examples']} examples of {report['checked_revisions']} "
            f"revisions against {report['later_lines']} later lines "
            f"({report['new_later_lines']} of them new): {report['leaks']} leaks; "
            f"{report['repeated_targets']} ask for a line that was written again later"
        )
    if not leaks:
        lines.append(
            f"- no example shows one of the {len(source['held_out_files'])} files held out"
        )
    return [*lines, ""]
