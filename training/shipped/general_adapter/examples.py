"""What the general infilling adapter learns from: pinned packages with permissive licences.

A subset of the packages that the static encoder was made from (`packages.json`: versions,
hashes, licences), drawn by the seed with a share for each registry. What evaluation sets are made
of stays out by name and, for copies that others bundle, by content; so does every file that holds
a docstring line of the infilling tasks.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homespun.errors import HomespunError
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.secrets.mask import mask
from homespun.progress import Progress
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.cursor import Cursor
from homespun.server.prompt.render import Snippet
from homespun.storage import copy_private, make_private_folder
from homespun.training.dataset.examples import Example
from homespun.training.dataset.holes import holes
from homespun.training.safety.forgetting import all_tasks
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import LicensedPackage, sources
from homespun.training.shipped.static_encoder.corpus import files_of
from homespun.training.shipped.static_encoder.pairs import SourceFile, fingerprints

_RETRIEVE_MS = 2_000.0  # nobody waits
_RETRIEVE_TOKENS = 1_024
_FILES = (12, 700)  # lines
_MAX_FILES_INDEXED = 600  # of a package
_TELLING_CHARS = 20


@dataclass(frozen=True, slots=True)
class Mix:
    """How many examples, from where."""

    examples: int = 4_000
    per_package: int = 36
    per_file: int = 3
    with_context: float = 0.6  # share of the packages' examples that are retrieved for
    without_path: float = 0.15  # as a document without a name
    # Shares of the packages by registry: PyPI is Python, npm JavaScript and TypeScript, Debian
    # a little of everything else.
    shares: tuple[tuple[str, float], ...] = (("pypi", 0.62), ("npm", 0.18), ("debian", 0.2))
    seed: int = 5


def chosen_packages(mix: Mix) -> list[LicensedPackage]:
    """Return the packages to learn from, in an order of chance, more than are needed."""
    rng = random.Random(mix.seed)
    found: list[LicensedPackage] = []
    for registry, share in mix.shares:
        pool = [source for source in sources() if source.package.registry == registry]
        wanted = round(mix.examples / mix.per_package * share * 1.3)
        found += rng.sample(pool, min(wanted, len(pool)))
    return rng.sample(found, len(found))


def general_examples(mix: Mix, held: frozenset[str], *, progress: Progress) -> Iterator[Example]:
    """Yield examples package by package; a package that cannot be had is left out."""
    asked_lines = task_lines()
    packages = chosen_packages(mix)
    progress.start("examples", len(packages), "packages")
    for number, source in enumerate(packages):
        try:
            folder = unpacked(source.package)
        except (HomespunError, OSError):
            progress.advance(1)
            continue
        rng = random.Random(f"{mix.seed}-{source.key}")
        yield from package_examples(
            source, folder, mix, rng, held, asked_lines, seed=mix.seed + number
        )
        progress.advance(1)
    progress.finish()


def package_examples(
    source: LicensedPackage,
    folder: Path,
    mix: Mix,
    rng: random.Random,
    held: frozenset[str],
    asked_lines: Collection[str],
    *,
    seed: int,
) -> Iterator[Example]:
    """Yield the examples of one unpacked package."""
    drawn, paths = drawn_examples(source, folder, mix, rng, held, asked_lines, seed=seed)
    wanted = {example.id for example in drawn if rng.random() < mix.with_context}
    if wanted:
        drawn = list(_with_context(drawn, wanted, folder, paths))
    yield from drawn


def drawn_examples(
    source: LicensedPackage,
    folder: Path,
    mix: Mix,
    rng: random.Random,
    held: frozenset[str],
    asked_lines: Collection[str],
    *,
    seed: int,
) -> tuple[list[Example], list[str]]:
    """Return a package's examples before anything is retrieved for them, and its code's paths."""
    code, _ = files_of(folder, seed)
    usable = [file for file in code if _is_usable(file, held, asked_lines)]
    rng.shuffle(usable)
    usable = usable[: -(-mix.per_package // mix.per_file) * 2]
    drawn: list[Example] = []
    for file in usable:
        drawn += _holes_of(file, source, mix, rng)
        if len(drawn) >= mix.per_package:
            break
    return drawn[: mix.per_package], [file.parsed.path for file in code]


def task_lines() -> frozenset[str]:
    """Return the telling lines of the infilling tasks' docstrings."""
    return frozenset(
        line.strip()
        for task in all_tasks()
        for line in task.prefix.split("\n")
        if len(line.strip()) >= 40
    )


def _is_usable(file: SourceFile, held: frozenset[str], asked_lines: Collection[str]) -> bool:
    """Tell whether a file may be learned from: neither held out nor tiny nor endless."""
    if not _FILES[0] <= len(file.lines) <= _FILES[1]:
        return False
    if asked_lines and any(line.strip() in asked_lines for line in file.lines):
        return False
    return not (held and fingerprints(file) & held)


def _holes_of(
    file: SourceFile, source: LicensedPackage, mix: Mix, rng: random.Random
) -> list[Example]:
    text = mask("\n".join(file.lines) + "\n", file.parsed.language)
    found = []
    for hole in holes(text, file.parsed.language, rng, count=mix.per_file):
        is_named = rng.random() >= mix.without_path
        found.append(
            Example(
                id=f"{source.key}/{file.parsed.path}:{hole.start}",
                repo=source.package.name if is_named else "",
                path=file.parsed.path if is_named else "",
                language=file.parsed.language,
                prefix=text[: hole.start],
                middle=text[hole.start : hole.end],
                suffix=text[hole.end :],
                kind=hole.kind,
                source=source.key,
            )
        )
    return found


def _with_context(
    drawn: Sequence[Example], wanted: Collection[str], folder: Path, paths: Sequence[str]
) -> Iterator[Example]:
    """Yield the examples, those that are wanted with what the server's retriever finds."""
    with tempfile.TemporaryDirectory(prefix="homespun-general-") as scratch:
        root = Path(scratch) / "package"
        for path in paths[:_MAX_FILES_INDEXED]:
            target = root / path
            make_private_folder(target.parent)
            copy_private(folder / path, target)
        index = Index.open(root, IndexConfig(encoder="none"), create=True)
        index.update()
        retriever = Retriever(index)
        for example in drawn:
            if example.id in wanted and example.path:
                yield replace(example, snippets=snippets_for(retriever, example))
            else:
                yield example


def snippets_for(retriever: Retriever, example: Example) -> tuple[Snippet, ...]:
    """Return what the server would show, but nothing of the same file that tells the answer."""
    gathered = retriever.gather(
        Cursor(example.prefix, example.suffix),
        path=example.path,
        language=example.language,
        budget_tokens=_RETRIEVE_TOKENS,
        deadline_ms=_RETRIEVE_MS,
    )
    telling = {
        line.strip() for line in example.middle.split("\n") if len(line.strip()) >= _TELLING_CHARS
    }
    return tuple(
        snippet
        for snippet in gathered.snippets
        if snippet.path != example.path
        or not telling & {line.strip() for line in snippet.text.split("\n")}
    )
