"""Asks the model at each key, as a user's server does, and writes down all that was known there.

What is written is raw: the model's answer, the code that was shown to it and where the author went
on. Features are taken of it later, by the functions that serve, so that a new feature costs no new
answers. A session is written once it is whole, and is not asked a second time.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.languages import DATA, PROSE, language_of
from homespun.models.types import Generation, Generator
from homespun.progress import Progress
from homespun.server.completion.completer import Completer
from homespun.server.confidence.suggestion import Verdict, WrittenSuggestion
from homespun.server.context.retriever import Retriever
from homespun.server.options import CompletionOptions
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.server.types import Completion, CompletionRequest
from homespun.storage import copy_private, make_private_folder, open_private, write_private
from homespun.training.shipped.confidence.typed import TypedSession, keys_of, sessions_of

# Shares of the keys that are asked: while the last answer is typed along, a key says little that is
# new (and the server's cache answers it). Weights make up for it.
_ASKED, _ASKED_ALONG = 0.6, 0.15
_MAX_FILES = 500  # of a package, drawn by chance
_MAX_BYTES = 80_000
_SIDE_FOLDERS = frozenset("test tests testing docs doc examples vendor node_modules dist".split())
_DEADLINE_MS = 10_000  # a busy machine must not cut what is known
_NOT_CODE = DATA | PROSE | {"html", "css"}
_LISTS = ("token_ids", "token_logprobs", "token_margins", "token_entropies", "token_ends")


@dataclass(frozen=True, slots=True)
class CollectedKey:
    """A key behind which the model had something to say, and what the author wrote there."""

    package: str
    session: str
    upcoming: str  # "" where no text could be right: the indentation was not the author's
    suggestion: WrittenSuggestion | None  # None where the rules let nothing pass
    finish: str
    ms: float
    weight: float  # how many keys of a typist it stands for


class RecordingJudge:
    """Shows what the rules let pass and keeps the last suggestion."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self.last: WrittenSuggestion | None = None

    def __call__(self, suggestion: WrittenSuggestion) -> Verdict:
        """Keep it; show it whole."""
        self.last = suggestion
        return Verdict(suggestion.text)


def collect(
    package: str,
    folder: Path,
    generator: Generator,
    file: Path,
    *,
    sessions: int,
    seed: int,
    progress: Progress,
) -> None:
    """Add a package's sessions to a file of JSON lines, but those that it has."""
    files = _code(folder, seed)
    drawn = list(sessions_of(package, files, count=sessions, seed=seed))
    known = _known(file)
    missing = [session for session in drawn if session.id not in known]
    progress.start(package, len(missing), "sessions")
    if missing:
        with tempfile.TemporaryDirectory(prefix="confidence-") as scratch:
            root = Path(scratch).resolve() / folder.name
            _copy(folder, root, files, drawn)
            index = Index.open(root, IndexConfig(), create=True)
            index.update()
            for session in missing:
                lines = [json.dumps(row) for row in _asked(session, index, generator, seed)]
                with open_private(file, append=True) as out:
                    out.write(("\n".join(lines) + "\n").encode("utf-8"))
                progress.advance(1)
    progress.finish()


def read(file: Path, *, every_key: bool = False) -> Iterator[CollectedKey]:
    """Yield the keys of a file; each stands for itself where `every_key` was asked."""
    session = TypedSession("", "", "", "", "", "")
    snippets: dict[str, Snippet] = {}
    expected = ""
    with file.open(encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            kind = row.pop("row")
            if kind == "session":
                session, snippets, expected = TypedSession(**row), {}, ""
            elif kind == "snippet":
                name = row.pop("id")
                snippets[name] = Snippet(**row)
            else:
                weight = 1.0 if every_key else 1 / _asked_share(row["typed"], expected)
                expected = row["typed"] + row["text"]
                yield _key(session, snippets, row, weight)


def _asked_share(typed: str, expected: str) -> float:
    """Return how often a key is asked; `expected` is what is typed if the last answer is right."""
    is_along = len(typed) < len(expected) and expected.startswith(typed)
    return _ASKED_ALONG if is_along else _ASKED


def _key(
    session: TypedSession, snippets: Mapping[str, Snippet], row: Mapping[str, Any], weight: float
) -> CollectedKey:
    typed = row["typed"]
    upcoming = session.target[len(typed) :] if session.target.startswith(typed) else ""
    suggestion = None
    if row["text"]:
        generation = dict(row["generation"])
        lists = {name: tuple(generation[name]) for name in _LISTS}
        suggestion = WrittenSuggestion(
            text=row["text"],
            generation=Generation(**generation | lists),
            heal=row["heal"],
            cursor=Cursor(session.before + typed, session.after),
            language=session.language,
            snippets=tuple(snippets[name] for name in row["snippets"]),
            is_block=row["is_block"],
            model=row["model"],
        )
    return CollectedKey(
        *(session.package, session.id, upcoming, suggestion, row["finish"], row["ms"]),
        weight=weight,
    )


def _asked(
    session: TypedSession, index: Index, generator: Generator, seed: int
) -> Iterator[dict[str, Any]]:
    yield {"row": "session", **asdict(session)}
    judge = RecordingJudge()
    completer = Completer(
        *(generator, index, CompletionOptions(retrieve_deadline_ms=_DEADLINE_MS)),
        retriever=Retriever(index),
        judge=judge,
    )
    rng = random.Random(f"{seed} {session.id}")
    written: set[str] = set()
    expected = ""
    for typed in keys_of(session):
        if rng.random() >= _asked_share(typed, expected):
            continue
        judge.last = None
        before = session.before + typed
        request = CompletionRequest(before + session.after, len(before), path=session.path)
        completion = completer.complete(request)
        expected = typed + completion.text
        yield from key_rows(typed, completion, judge.last, written)


def key_rows(
    typed: str, completion: Completion, suggestion: WrittenSuggestion | None, written: set[str]
) -> Iterator[dict[str, Any]]:
    """Yield what is written down of a key, and the snippets that the session has not `written`."""
    row = {
        "row": "key",
        "typed": typed,
        "text": completion.text,
        "finish": completion.finish,
        "ms": round(completion.timings_ms["total"], 1),
    }
    if suggestion is not None:
        names = []
        for snippet in suggestion.snippets:
            body = asdict(snippet)
            name = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:16]
            names.append(name)
            if name not in written:
                written.add(name)
                yield {"row": "snippet", "id": name, **body}
        row |= {
            "generation": asdict(suggestion.generation),
            "heal": suggestion.heal,
            "is_block": suggestion.is_block,
            "model": suggestion.model,
            "snippets": names,
        }
    yield row


def _known(file: Path) -> set[str]:
    known = set()
    with suppress(FileNotFoundError), file.open(encoding="utf-8") as rows:
        for line in rows:
            row = json.loads(line)
            if row.pop("row") == "session":
                known.add(TypedSession(**row).id)
    return known


def _code(folder: Path, seed: int) -> dict[str, tuple[str, str]]:
    """Return files that people work on: path -> (language, text)."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        language = language_of(relative.as_posix())
        if not language or language in _NOT_CODE or _SIDE_FOLDERS & set(relative.parts):
            continue
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
            continue
        with suppress(UnicodeDecodeError):
            text = path.read_bytes().decode("utf-8")
            if "\r" not in text:
                found[relative.as_posix()] = (language, text)
    chosen = sorted(found)
    if len(chosen) > _MAX_FILES:
        chosen = random.Random(seed).sample(chosen, _MAX_FILES)
    return {path: found[path] for path in chosen}


def _copy(
    folder: Path,
    root: Path,
    files: Mapping[str, tuple[str, str]],
    sessions: Sequence[TypedSession],
) -> None:
    """Copy a package's code; what is going to be typed is not there yet."""
    for path in files:
        make_private_folder((root / path).parent)
        copy_private(folder / path, root / path)
    for session in sessions:
        write_private(root / session.path, session.before + session.after)
