"""The report that was accepted: where it lies, and how a run ends that is compared with it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from homespun.cli.output import say
from homespun.errors import HomespunError

FOLDER = "eval"  # of accepted reports, beside the index


class Judged(Protocol):
    """What came of a comparison with the accepted report."""

    @property
    def obstacle(self) -> str:
        """Why nothing can be compared, "" where it can."""

    @property
    def failed(self) -> bool:
        """Whether it is worse beyond chance, or nothing can be said."""


ReportT = TypeVar("ReportT")
JudgedT = TypeVar("JudgedT", bound=Judged)
JudgedT_co = TypeVar("JudgedT_co", bound=Judged, covariant=True)


class KeepsReports(Protocol[ReportT, JudgedT_co]):
    """A module with reports that are kept, read again and compared."""

    def load(self, path: Path, /, *, root: Path | None) -> ReportT | None:
        """Read a report, None where there is none."""

    def save(self, report: ReportT, path: Path, /, *, root: Path | None) -> None:
        """Write a report."""

    def judge(self, report: ReportT, accepted: ReportT, /) -> JudgedT_co:
        """Compare a report with the accepted one."""


@dataclass(frozen=True, slots=True)
class ComparedPart(Generic[ReportT, JudgedT]):
    """A part of `eval` whose runs are compared with an accepted one."""

    reports: KeepsReports[ReportT, JudgedT]
    unreadable: type[HomespunError]  # what `load` raises where the file is none of its reports
    measure: Callable[[], ReportT]
    show: Callable[[ReportT, JudgedT | None], None]
    drop_sentence: Callable[[JudgedT], str]

    def run(self, args: argparse.Namespace, root: Path, file: str) -> int:
        """Measure, compare, show; 1 where it got worse or cannot be compared.

        `file` is the name that the report has in the state of `root`.
        """
        path = Path(args.accepted) if args.accepted else _beside_the_index(root, file)
        sealed_in = None if args.accepted else root  # a file that the user names has no seal
        accepted = self._load(path, sealed_in, is_accepting=args.accept)
        report = self.measure()
        judged = None if accepted is None else self.reports.judge(report, accepted)
        if args.accept:
            self.reports.save(report, path, root=sealed_in)
        self.show(report, judged)
        return self._said(judged, path, is_accepting=args.accept)

    def _load(self, path: Path, sealed_in: Path | None, *, is_accepting: bool) -> ReportT | None:
        """Read the accepted report; one that cannot be read does not stop its replacement."""
        try:
            return self.reports.load(path, root=sealed_in)
        except self.unreadable:
            if is_accepting:
                return None
            raise

    def _said(self, judged: JudgedT | None, path: Path, *, is_accepting: bool) -> int:
        """Say how it ended, in one sentence on stderr; return the exit status."""
        if is_accepting:
            say(f"later runs are compared with this one ({str(path)!r})")
            return 0
        if judged is None:
            say(f"there is no accepted report at {str(path)!r} yet; --accept makes this one it")
            return 0
        if judged.obstacle:
            say(f"nothing can be compared: {judged.obstacle}; --accept accepts this one instead")
            return 1
        if judged.failed:
            say(self.drop_sentence(judged))
            return 1
        return 0


def add_arguments(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Declare what to do with an accepted report; `default` says in the help where it lies."""
    parser.add_argument("--accept", action="store_true", help="compare later runs with this one")
    parser.add_argument(
        "--accepted",
        metavar="FILE",
        help=f"accepted report (default: {default})",
    )


def _beside_the_index(root: Path, file: str) -> Path:
    from homespun.indexer import build

    return build.folder_of(root) / FOLDER / file
