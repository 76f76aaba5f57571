"""A list of repositories -> one table: rows first, then the row that names their build.

Whoever dies in between leaves rows that nobody sees, and the next run builds that repository again.
Rows are counted before they are named: an append that was tried again, where the first try had
arrived after all, makes the attempt void.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from homespun.errors import HomespunError, in_words
from homespun.indexer.errors import TableRefused
from homespun.indexer.storage.conditions import is_one_of
from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.indexer.table.care import SWEEP_SECONDS, ensure_indexes, optimize
from homespun.indexer.table.listed import NamedRepository
from homespun.indexer.table.place import TablePlace
from homespun.indexer.table.registry import Counted, counted, forget, name_build, new_build, retried
from homespun.indexer.table.rows import rows_of
from homespun.indexer.table.schema import CHUNKS, FORMAT, REPOS
from homespun.indexer.table.sources import Source, opened
from homespun.indexer.types import ParsedFile
from homespun.models.types import Encoder
from homespun.progress import NoProgress, Progress

_APPENDED_CHUNKS = 20_000  # a commit costs tens of milliseconds, half a second at a bucket
_ATTEMPTS = 3
_PROGRESS = NoProgress()


@dataclass(slots=True)
class TableReport:
    """What a run has done."""

    built: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # repository -> a sentence
    chunks: int = 0  # that count afterwards
    repositories: int = 0
    swept: int = 0  # builds that nobody named
    seconds: float = 0.0


def build(
    place: TablePlace,
    listed: Sequence[NamedRepository],
    encoder: Encoder,
    *,
    unavailable: Mapping[str, str] = MappingProxyType({}),
    keep_others: bool = False,
    optimizing: bool = False,
    progress: Progress = _PROGRESS,
    clock: Callable[[], float] = time.time,
) -> TableReport:
    """Bring the table up to date with a list.

    What is not in the list leaves, but with `keep_others`. A repository that cannot be built, or
    is `unavailable` (name -> why), is in the report, and keeps the build that it had. Raises
    `TableRefused` where the place fails.
    """
    began = time.monotonic()
    report = TableReport(failed=dict(unavailable))
    chunks, repos = (place.table(name, create=True) for name in (CHUNKS, REPOS))
    before = counted(place, repos)
    progress.start("building", len(listed), "repositories")
    with ParserProcess() as parser:
        for one in listed:
            _bring(place, chunks, repos, one, before.get(one.name), encoder, parser, report, clock)
            progress.advance(1)
    progress.finish()
    if not keep_others:
        report.gone = sorted(before.keys() - {one.name for one in listed} - unavailable.keys())
        forget(place, repos, "repository", report.gone)
    if optimizing:
        report.swept = optimize(place, chunks, repos, progress=progress, clock=clock)
    else:
        ensure_indexes(place, chunks)
    now = counted(place, repos)
    report.repositories = len(now)
    report.chunks = sum(row.chunks for row in now.values())
    report.seconds = time.monotonic() - began
    return report


def _bring(
    place: TablePlace,
    chunks: Any,  # noqa: ANN401 - lancedb publishes no types
    repos: Any,  # noqa: ANN401
    one: NamedRepository,
    known: Counted | None,
    encoder: Encoder,
    parser: ParserProcess,
    report: TableReport,
    clock: Callable[[], float],
) -> None:
    """Build one repository if it has changed; note what became of it."""
    try:
        source = opened(one)
        if known is not None and known.content == source.content_now():
            report.unchanged.append(one.name)
            return
    except TableRefused:
        raise
    except HomespunError as error:
        report.failed[one.name] = str(error)
        return
    except OSError as error:
        report.failed[one.name] = in_words(error)
        return
    row = _written(place, chunks, one.name, source, encoder, parser, clock)
    name_build(place, repos, row)
    report.built.append(one.name)


def _written(
    place: TablePlace,
    chunks: Any,  # noqa: ANN401
    repository: str,
    source: Source,
    encoder: Encoder,
    parser: ParserProcess,
    clock: Callable[[], float],
) -> Counted:
    """Append a repository's rows; return the row that will name them."""
    for _ in range(_ATTEMPTS):
        start = clock()
        name = new_build(start)
        files = total = 0
        for batch in _batches(source.parsed(parser)):
            rows = rows_of(repository, name, batch, encoder)
            files += len(batch)
            total += len(rows)
            if len(rows):
                retried(place, lambda rows=rows: chunks.add(rows))  # type: ignore[misc]
        with place.asked():
            chunks.checkout_latest()
            there = chunks.count_rows(is_one_of("build", [name]))
        # Whoever optimizes takes an attempt of that age for dead, and may be sweeping it.
        if there == total and clock() - start < SWEEP_SECONDS / 2:
            row = (name, FORMAT, source.revision, source.content, files, total, int(clock()))
            return Counted(repository, *row)
    raise TableRefused(
        f"the table at {place.where} had {there} rows of {repository!r} where {total} were "
        f"written, {_ATTEMPTS} times; look at the place, then run again"
    )


def _batches(files: Iterator[ParsedFile]) -> Iterator[list[ParsedFile]]:
    batch: list[ParsedFile] = []
    count = 0
    for file in files:
        batch.append(file)
        count += len(file.chunks)
        if count >= _APPENDED_CHUNKS:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
