"""The query sets of bench/queries/, and the packages that they are about."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common.provenance import ROOT
from homespun.indexer.evaluation import queries
from homespun.indexer.evaluation.queries import Query
from homespun.training.shipped.packages import Package, unpacked

QUERIES = ROOT / "bench" / "queries"
REST = "semble-rest"  # of the public benchmark, what is not for development
SETS = ("semble-dev", "own", REST)
SPLITS = ("dev", "held", "all", "reference")


@dataclass(frozen=True, slots=True)
class QueryCorpus:
    """A package with queries."""

    name: str
    set: str  # folder of bench/queries/
    language: str
    split: str  # "dev" may tune, "held" and "reference" only report
    package: Package
    root: str  # the folder of it that is indexed, "." for all
    file: str  # the queries, below the set's folder
    moved: tuple[str, str] | None = None  # a folder as the benchmark has it, and the package

    @property
    def queries(self) -> tuple[Query, ...]:
        """Return its queries."""
        return queries.load(QUERIES / self.set / self.file)

    @property
    def below(self) -> str:
        """Return what stands before an indexed path in the package, "" for nothing."""
        return "" if self.root == "." else self.root

    @property
    def content(self) -> str:
        """Return what makes the corpus the same: the package's bytes and the folder of it."""
        return f"{self.package.sha256}:{self.root}"

    def copied(self, below: Path) -> Path:
        """Return a copy of the folder to index, which an earlier call may have made.

        Raises `DownloadFailed` where the package is neither here nor to be had.
        """
        target = below / f"{self.name}-{self.package.version}"
        if not target.is_dir():
            draft = target.with_name(f"{target.name}.tmp")
            shutil.rmtree(draft, ignore_errors=True)
            source = unpacked(self.package) / self.root
            shutil.copytree(source, draft, ignore=shutil.ignore_patterns(".homespun", ".git"))
            draft.rename(target)
        return target


def corpora(
    sets: Sequence[str] = SETS, *, split: str = "", only: Sequence[str] = ()
) -> list[QueryCorpus]:
    """Return the corpora of these sets, of one split and with these names where given."""
    found = [
        QueryCorpus(
            name=entry["name"],
            set=name,
            language=entry["language"],
            split=entry["split"],
            package=Package(**entry["package"]),
            root=entry["root"],
            file=entry["queries"],
            moved=tuple(entry["moved"]) if "moved" in entry else None,
        )
        for name in sets
        for entry in json.loads((QUERIES / name / "corpora.json").read_text(encoding="utf-8"))
    ]
    return [
        corpus
        for corpus in found
        if (not split or corpus.split == split) and (not only or corpus.name in only)
    ]


def split_of(among: Sequence[QueryCorpus], split: str) -> list[QueryCorpus]:
    """Return what one of `SPLITS` is about.

    `dev` and `held` are as each corpus says, `all` is both; `reference` is all that is here of the
    public benchmark, its development part as well.
    """
    if split == "reference":
        return [corpus for corpus in among if corpus.set.startswith("semble-")]
    if split == "all":
        return [corpus for corpus in among if corpus.split != "reference"]
    return [corpus for corpus in among if corpus.split == split]
