"""Examples -> the same with what the server's retriever finds in the tree that they belong to.

The index follows the history: for a commit's example it holds the parent's tree. What was found is
kept in a journal, so that a run that was killed does not ask again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.syntax.parser_process import ParserProcess
from homespun.parsing import parse_json
from homespun.progress import Progress
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.storage import (
    make_private_folder,
    open_private,
    read_bounded,
    write_private,
)
from homespun.training.config import DatasetConfig
from homespun.training.dataset.examples import Example
from homespun.training.dataset.plan import Planned
from homespun.trust import has_seal, with_seal

_RETRIEVE_MS = 5_000.0  # nobody waits
_TELLING_CHARS = 20
_MAX_BYTES = 2_000_000_000  # an example's snippets have some kilobytes
_PURPOSE = "retrieved context"

Snippets = tuple[Snippet, ...]
Move = Callable[[str], list[str] | None]  # revision -> paths that changed, None: all of them


class RevisionRetriever:
    """An index of a folder that moves from tree to tree, and its retriever."""

    def __init__(self, folder: Path, move: Move, *, budget_tokens: int) -> None:
        """`move` brings the folder to a revision. The context asks by words: no encoder."""
        make_private_folder(folder)
        self._index = Index.open(folder, IndexConfig(encoder="none"), create=True)
        self._move = move
        self._budget_tokens = budget_tokens
        self._parser = ParserProcess()
        self._retriever: Retriever | None = None

    def close(self) -> None:
        """End what the moves have started."""
        self._parser.close()

    def at(self, revision: str) -> None:
        """Bring the index to a revision."""
        changed = self._move(revision)
        if changed is None or self._retriever is None:
            self._index.update(parser=self._parser)
        elif changed:
            self._index.update(paths=changed, care=False, parser=self._parser)
        else:
            return
        self._retriever = Retriever(self._index)  # keeps the text of files

    def snippets(self, example: Example, own_paths: Sequence[str]) -> Snippets:
        """Return what the server would show, but nothing of the same file that tells the answer.

        `own_paths` are the names of the example's file, the earlier one too.
        """
        assert self._retriever is not None, "at() comes first"
        gathered = self._retriever.gather(
            Cursor(example.prefix, example.suffix),
            path=example.path,
            language=example.language,
            budget_tokens=self._budget_tokens,
            deadline_ms=_RETRIEVE_MS,
        )
        return tuple(
            snippet
            for snippet in gathered.snippets
            if snippet.path not in own_paths or not tells(example, snippet)
        )


def tells(example: Example, snippet: Snippet) -> bool:
    """Tell whether a snippet shows a telling line of the answer."""
    return not _telling(example.middle).isdisjoint(_telling(snippet.text))


def _telling(text: str) -> set[str]:
    return {line.strip() for line in text.split("\n") if len(line.strip()) >= _TELLING_CHARS}


class Journal:
    """What was found for which example, a line each; a line that was cut off does not count.

    Each line is sealed, for it becomes what is learned from: one of another machine does not count.
    """

    def __init__(self, path: Path) -> None:
        """Read what an earlier run has left."""
        self.found: dict[str, Snippets] = {}
        self._path = path
        if path.is_file():
            for line in (
                read_bounded(path, max_bytes=_MAX_BYTES).decode("utf-8", "replace").split("\n")
            ):
                try:
                    row = parse_json(line)
                    if not has_seal(row, purpose=_PURPOSE, folder=path.parent):
                        break
                    self.found[row["id"]] = tuple(Snippet(**row_) for row_ in row["snippets"])
                except (ValueError, KeyError, TypeError, AttributeError):
                    break
            self._rewrite()

    def add(self, example_id: str, snippets: Snippets) -> None:
        """Keep what was found."""
        self.found[example_id] = snippets
        with open_private(self._path, append=True) as stream:
            stream.write(self._row(example_id, snippets).encode("utf-8"))

    def _rewrite(self) -> None:
        rows = (self._row(example_id, snippets) for example_id, snippets in self.found.items())
        write_private(self._path, "".join(rows))

    def _row(self, example_id: str, snippets: Snippets) -> str:
        body = {"id": example_id, "snippets": [asdict(snippet) for snippet in snippets]}
        row = with_seal(body, purpose=_PURPOSE, folder=self._path.parent)
        return json.dumps(row, ensure_ascii=False) + "\n"


def gather(
    planned: Sequence[Planned],
    context: Callable[[], RevisionRetriever],
    order: Mapping[str, int],
    journal: Journal,
    *,
    progress: Progress,
) -> Mapping[str, Snippets]:
    """Return example ID -> what was found, tree by tree in the order of the history.

    `context` is only made where something is to be found; `order` is revision -> place.
    """
    missing = [item for item in planned if item.example.id not in journal.found]
    missing.sort(key=lambda item: order.get(item.tree, -1))
    progress.start("context", len(planned), "examples")
    progress.advance(len(planned) - len(missing))
    if missing:
        with closing(context()) as retriever:
            for tree, items in groupby(missing, key=lambda item: item.tree):
                retriever.at(tree)
                for item in items:
                    own = (item.example.path, item.parent_path)
                    journal.add(item.example.id, retriever.snippets(item.example, own))
                    progress.advance(1)
    progress.finish()
    return journal.found


def choose(planned: Sequence[Planned], config: DatasetConfig, rng: random.Random) -> list[Planned]:
    """Return the examples that get context: of the history all or none of a commit.

    The index has to move for each commit, so few commits give them all.
    """
    chosen = [
        item for item in planned if not item.example.commit and rng.random() < config.context_share
    ]
    by_commit: dict[str, list[Planned]] = {}
    for item in planned:
        if item.example.commit:
            by_commit.setdefault(item.example.commit, []).append(item)
    wanted = config.context_share * sum(map(len, by_commit.values()))
    taken = 0
    for commit in rng.sample(sorted(by_commit), len(by_commit)):
        if taken >= wanted:
            break
        chosen += by_commit[commit]
        taken += len(by_commit[commit])
    return chosen


@dataclass(frozen=True, slots=True)
class Shown:
    """How many examples show what."""

    found: int  # with code that the retriever found
    nothing: int  # asked for, and nothing was found
    distracted: int  # with a snippet of another place's context as well
    emptied: int  # what was found is left out


def applied(
    planned: Sequence[Planned],
    chosen: Sequence[Planned],
    found: Mapping[str, Snippets],
    pool: Sequence[Snippet],
    config: DatasetConfig,
    rng: random.Random,
) -> tuple[list[Example], Shown]:
    """Return the examples with their context, distractors (of `pool`) and drop-outs."""
    counts = {"found": 0, "nothing": 0, "distracted": 0, "emptied": 0}
    asked = frozenset(item.example.id for item in chosen)
    examples = []
    for item in planned:
        example = item.example
        if example.id not in asked:
            examples.append(example)
            continue
        snippets = found.get(example.id, ())
        chance = rng.random()
        if not snippets:
            counts["nothing"] += 1
        elif chance < config.empty_share:
            counts["emptied"] += 1
            snippets = ()
        else:
            counts["found"] += 1
            if chance < config.empty_share + config.distractor_share:
                snippets = _distracted(item, snippets, pool, rng)
                counts["distracted"] += 1
        examples.append(replace(example, snippets=snippets))
    return examples, Shown(**counts)


def _distracted(
    item: Planned, snippets: Snippets, pool: Sequence[Snippet], rng: random.Random
) -> Snippets:
    """Add a snippet that belongs elsewhere, in the order of the prompt (path and line)."""
    own = {item.example.path, item.parent_path, *(snippet.path for snippet in snippets)}
    for snippet in _drawn(pool, rng):
        if snippet.path not in own and not tells(item.example, snippet):
            place = (snippet.path, snippet.start_line)
            before = [s for s in snippets if (s.path, s.start_line) < place]
            at = len(before)
            return (*snippets[:at], snippet, *snippets[at:])
    return snippets


def _drawn(pool: Sequence[Snippet], rng: random.Random) -> Iterator[Snippet]:
    for _ in range(20):
        if pool:
            yield rng.choice(pool)
