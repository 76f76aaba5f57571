"""The last traces on this machine, a JSON line for each piece: `home()/traces/kept.jsonl`.

For the user alone: the file's mode is 600 and nothing sends it anywhere. It is bounded: a file that
is full is kept once as `kept.old.jsonl`, and the one before goes.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from homespun.parsing import parse_json
from homespun.paths import home
from homespun.storage import make_private_folder, open_private, read_bounded, replace
from homespun.traces.span import Span

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 4_000_000  # some 2,000 completions, twice that with the file before
_VERSION = 1
_NAME, _OLD = "kept.jsonl", "kept.old.jsonl"


def folder() -> Path:
    """Return where the files are; it may not exist."""
    return home() / "traces"


class KeptTraces:
    """Appends; several servers may write to the same file."""

    def __init__(self, directory: Path | None = None) -> None:
        self._folder = directory or folder()

    def take(self, spans: Sequence[Span]) -> None:
        """Write spans as a line. Raises `OSError`."""
        body = {"v": _VERSION, "spans": [span.to_json() for span in spans]}
        line = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        make_private_folder(self._folder)
        path = self._folder / _NAME
        if path.exists() and path.stat().st_size + len(line) > MAX_FILE_BYTES:
            replace(path, self._folder / _OLD)
        # Appended in a single write: lines of two servers do not mix.
        with open_private(path, append=True) as stream:
            os.write(stream.fileno(), line)

    def close(self) -> None:
        """Nothing waits: each line is written as it comes."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is known of one piece of work."""

    spans: tuple[Span, ...]  # the root first, then by their beginning

    @property
    def root(self) -> Span:
        """The whole."""
        return self.spans[0]

    def part(self, name: str) -> Span | None:
        """Return the first part with this name."""
        return next((span for span in self.spans if span.name == name), None)


@dataclass(frozen=True, slots=True)
class ReadTraces:
    """What was read."""

    traces: tuple[Trace, ...]  # the newest first
    broken: int  # lines that are none of ours


def read(
    directory: Path | None = None, *, name: str = "", beginning: str = "", most: int = 20
) -> ReadTraces:
    """Read the newest traces that have a root, by name or identifier where one is given."""
    by_trace: dict[str, dict[str, Span]] = {}
    broken = 0
    for spans in _lines(directory or folder()):
        if spans is None:
            broken += 1
            continue
        for span in spans:
            by_trace.setdefault(span.trace_id, {})[span.span_id] = span
    traces = [trace for spans in by_trace.values() if (trace := _whole(spans.values()))]
    wanted = [
        trace
        for trace in traces
        if name in ("", trace.root.name) and trace.root.trace_id.startswith(beginning)
    ]
    wanted.sort(key=lambda trace: trace.root.start_ns, reverse=True)
    return ReadTraces(tuple(wanted[:most]), broken)


def forget(directory: Path | None = None) -> int:
    """Remove all that is kept; return how many files that were."""
    files = [(directory or folder()) / name for name in (_NAME, _OLD)]
    there = [file for file in files if file.exists()]
    for file in there:
        file.unlink(missing_ok=True)
    return len(there)


def _whole(spans: Iterable[Span]) -> Trace | None:
    roots = [span for span in spans if not span.parent_id]
    if len(roots) != 1:
        return None
    parts = [span for span in spans if span.parent_id]
    return Trace((roots[0], *sorted(parts, key=lambda span: (span.start_ns, -span.end_ns))))


def _lines(directory: Path) -> Iterator[list[Span] | None]:
    """Yield each line's spans, the older file first; None for what is no line of ours."""
    for name in (_OLD, _NAME):
        try:
            text = read_bounded(directory / name, max_bytes=2 * MAX_FILE_BYTES)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            logger.debug("%s cannot be read: %s", name, error)
            yield None
            continue
        for line in text.splitlines():
            yield _spans_of(line)


def _spans_of(line: bytes) -> list[Span] | None:
    try:
        body = parse_json(line.decode())
        if not isinstance(body, dict) or body.get("v") != _VERSION:
            return None
        spans = body.get("spans")
        return [Span.from_json(each) for each in spans] if isinstance(spans, list) else None
    except ValueError:
        return None
