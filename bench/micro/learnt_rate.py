"""How often a suggestion is the same as what the shipped adapters learned from, rightly or not.

    python -m bench.micro.learnt_rate [--places N]

First every window of the held packages' code, which taught nothing: what is met there is a copy
that the package bundles, or a false alarm, and is printed. Then what the model itself writes, every
suggestion shown: below the heads of blocks in files that taught it, and in held packages. Without
retrieval, for what the repository shows is not learnt by heart.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.typing.corpus import corpus, source_files
from homespun.indexer.licences.copied import is_long_enough
from homespun.indexer.words.telling import told_by
from homespun.server.completion.completer import Completer
from homespun.server.completion.open import context_length, open_generator
from homespun.server.licences import learnt
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest
from homespun.training.shipped.packages import unpacked
from homespun.training.shipped.sources import sources

_HEAD = re.compile(r"^(\s*)\S.*[:{]\s*$")
_MIN_BELOW = 3  # telling lines of the author's below a head
_SEED = 7


@dataclass(frozen=True, slots=True)
class Place:
    """The line below a head, with the author's lines in it taken away."""

    path: str
    before: str
    after: str


def main() -> None:
    """Count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--places", type=int, default=60, help="of each kind that are asked for")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    args = parser.parse_args()
    held = {
        f"{package.name}/{path}": text
        for package in corpus("held")
        for path, text in source_files(unpacked(package.package), package.language).items()
    }
    _count_windows(held)
    completer = _completer(args.model)
    print("| places below a head | asked | three lines or more | marked | licences |")
    print("|---|--:|--:|--:|---|")
    for name, files in (("in files that taught", _taught()), ("in held packages", held)):
        places = random.Random(_SEED).sample(list(_places(files)), args.places)
        print(_row(name, completer, places), flush=True)


def _completer(model: str) -> Completer:
    options = CompletionOptions(model=model, eagerness="all")
    generator = open_generator(
        model,
        adapter="none",
        workspace=None,
        threads=options.threads,
        context_tokens=context_length(options),
        cache_mb=options.cache_mb,
    )
    return Completer(generator, None, options)


def _count_windows(files: dict[str, str]) -> None:
    table, counts, met = learnt.shipped(), Counter[str](), Counter[str]()
    for path, text in files.items():
        keys = [window.key for window in learnt.windows_of(enumerate(text.split("\n")))]
        counts["windows"] += len(keys)
        for place in table.same_as([], text):
            met[f"{path} is the same as {place.path}:{place.start_line}-{place.end_line}"] += 1
    print(f"{len(files):,} files of held packages, {counts['windows']:,} windows, {len(met)} met")
    for line in met:
        print(f"  {line}")


def _taught() -> dict[str, str]:
    """Return the files that are in the table, by their paths there."""
    folders = {f"{each.key}-{each.package.version}": each.package for each in sources()}
    found = {}
    for path in learnt.shipped().paths:
        known = next(name for name in _prefixes(path) if name in folders)
        file = unpacked(folders[known]) / path.removeprefix(f"{known}/")
        found[path] = file.read_text(encoding="utf-8", errors="replace")
    return found


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count])


def _places(files: dict[str, str]) -> Iterator[Place]:
    for path, text in files.items():
        lines = text.replace("\r\n", "\n").split("\n")
        heads = [number for number, line in enumerate(lines) if _HEAD.match(line)]
        for number in heads:
            body = _body(lines, number)
            if sum(bool(told_by(line)) for line in body) >= _MIN_BELOW:
                indent = body[0][: len(body[0]) - len(body[0].lstrip())]
                before = "\n".join([*lines[: number + 1], indent])
                after = "\n".join(["", *lines[number + 1 + len(body) :]])
                yield Place(path, before, after)


def _body(lines: Sequence[str], head: int) -> list[str]:
    """Return the deeper lines below a head, up to the first that is not."""
    depth = len(lines[head]) - len(lines[head].lstrip())
    body: list[str] = []
    for line in lines[head + 1 :]:
        if not line.strip() or len(line) - len(line.lstrip()) <= depth:
            break
        body.append(line)
    return body


def _row(name: str, completer: Completer, places: Sequence[Place]) -> str:
    counts, licences = Counter[str](), Counter[str]()
    for place in places:
        request = CompletionRequest(
            place.before + place.after, len(place.before), path=place.path, retrieval=False
        )
        answer = completer.complete(request)
        counts["long"] += is_long_enough(answer.text) and answer.text.count("\n") >= 2
        counts["marked"] += bool(answer.same_as)
        licences.update({place.licence for place in answer.same_as})
    listed = ", ".join(f"{licence} {count}" for licence, count in licences.most_common())
    return f"| {name} | {len(places)} | {counts['long']} | {counts['marked']} | {listed or '-'} |"


if __name__ == "__main__":
    main()
