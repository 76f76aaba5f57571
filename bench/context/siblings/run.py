"""What packs of other repositories bring, and what they cost.

    python -m bench.context.siblings.run [--count N] [--misses]

Eight packages that call each other, each a repository with the other seven as siblings. Before
each sampled name of a sibling: is its definition among the first five that are retrieved, by
score, with packs and without? Then thirty packs: published to a folder, pulled, checked, loaded.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.common.provenance import RESULTS, ROOT, facts
from bench.context.cursors import NameCursor
from bench.context.recall import DEADLINE_MS, TOP, Prompts, product, rank
from bench.context.siblings.cursors import Sources, cursors_of
from bench.context.siblings.packages import CALLING, thirty
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.indexer.packs.file import packed
from homespun.indexer.packs.pack import Pack
from homespun.indexer.packs.public import rows_of
from homespun.indexer.packs.sharing.publish import publish
from homespun.indexer.packs.sharing.pull import PulledPack, pull
from homespun.indexer.packs.sharing.stores import FolderStore
from homespun.indexer.packs.siblings import NO_SIBLINGS, Siblings
from homespun.server.context.retriever import Retriever
from homespun.server.prompt.render import Snippet
from homespun.training.shipped.packages import unpacked

SEED = 2  # the rules were tuned on the places that 1 gives
MODEL = "qwen2.5-coder-0.5b"  # whose tokens a prompt is counted in
MARK = "siblings"
_LOOKUPS = 20_000
_REVISION = "0" * 40


@dataclass(frozen=True, slots=True)
class SiblingResult:
    """One cursor: where the needed definition stands, 0 for nowhere."""

    package: str
    owner: str
    path: str
    line: int
    name: str
    state: str
    with_packs: int
    without: int
    in_prompt: int  # with packs, among the snippets that enter the prompt
    ms: float  # to gather with packs
    ms_without: float


def main() -> int:
    """Measure, print, write down."""
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="homespun-siblings-") as folder:
        results = list(_recall(Path(folder), args.count, misses=args.misses))
        cost = _cost(Path(folder)) if not args.no_cost else {}
    tables = [_recall_table(results), *([_cost_table(cost)] if cost else [])]
    print("\n\n".join(tables))
    if cost:
        _write(results, cost, "\n\n".join(tables))
    return 0


def _recall(below: Path, count: int, *, misses: bool) -> Iterator[SiblingResult]:
    sources = {
        package.name: Sources.read(package.name, unpacked(package), top)
        for package, top in CALLING.items()
    }
    indexes = {name: _indexed(below / "calling" / name, s.root) for name, s in sources.items()}
    packs = {name: _pack(name, index) for name, index in indexes.items()}
    prompts = Prompts(MODEL)
    for name, own in sources.items():
        others = {each.top.rpartition("/")[2]: each for each in sources.values() if each is not own}
        cursors = cursors_of(own, others, most=count, seed=SEED)
        beside = Siblings(pack for other, pack in packs.items() if other != name)
        for cursor, found in _asked(indexes[name], beside, packs, cursors, prompts):
            if misses and not 0 < found[0] <= TOP:
                print(_miss(cursor, found[0]), file=sys.stderr)
            yield SiblingResult(
                *(name, cursor.how, cursor.path, cursor.line, cursor.name, cursor.state),
                *found,
            )


def _asked(
    index: Index,
    beside: Siblings,
    packs: Mapping[str, Pack],
    cursors: Sequence[NameCursor],
    prompts: Prompts,
) -> Iterator[tuple[NameCursor, tuple[int, int, int, float, float]]]:
    """Yield each cursor with its ranks and times; the file completed is out of the index."""
    by_path: dict[str, list[NameCursor]] = {}
    for cursor in cursors:
        by_path.setdefault(cursor.path, []).append(cursor)
    for path, found in by_path.items():
        text = (index.root / path).read_bytes()
        (index.root / path).unlink()
        index.update(paths=[path])
        retriever = Retriever(index)
        for cursor in found:
            wanted = _needs(cursor, packs[cursor.how])
            index.siblings = NO_SIBLINGS
            before, ms_without = _best(retriever, cursor)
            index.siblings = beside
            best, ms = _best(retriever, cursor)
            shown = prompts.shown(index.root.name, cursor, best)
            ranks = (rank(wanted, best), rank(wanted, before), rank(wanted, shown))
            yield cursor, (*ranks, ms, ms_without)
        (index.root / path).write_bytes(text)
        index.update(paths=[path])


def _best(retriever: Retriever, cursor: NameCursor) -> tuple[list[Snippet], float]:
    """Return the snippets, best first, and the milliseconds that it took to gather them."""
    began = time.perf_counter()
    gathered = product(retriever, cursor)
    ms = 1000 * (time.perf_counter() - began)
    return sorted(gathered.snippets, key=lambda snippet: -snippet.score), round(ms, 2)


def _needs(cursor: NameCursor, pack: Pack) -> NameCursor:
    return replace(cursor, needs_path=pack.called(cursor.needs_path))


def _miss(cursor: NameCursor, found: int) -> str:
    line = cursor.before.rpartition("\n")[2].strip()
    return (
        f"{cursor.package} {cursor.state} {cursor.path}:{cursor.line} {line}‸{cursor.rest}  "
        f"needs {cursor.how} {cursor.needs_path}:{cursor.needs_line}, rank {found}"
    )


def _indexed(root: Path, folder: Path) -> Index:
    shutil.copytree(folder, root, ignore=shutil.ignore_patterns(".homespun", "__pycache__"))
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    return index


def _pack(name: str, index: Index) -> Pack:
    rows = rows_of(index, tracked=index.paths(), what="definitions")
    revision = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    return Pack.read(f"team/{name}", revision, packed(rows))


# --- what it costs


def _cost(below: Path) -> dict[str, float]:
    """Publish thirty repositories, then pull them in a process of its own."""
    place, home = below / "place", below / "home"
    place.mkdir()
    home.mkdir()
    lines = size = rows = 0
    publish_seconds = 0.0
    names = []
    for package in thirty():
        index = _repository(below / "thirty" / package.name, unpacked(package))
        lines += sum(_lines(index.root / path) for path in index.paths() if path.endswith(".py"))
        began = time.perf_counter()
        done = publish(index, FolderStore(place), f"team/{package.name}", what="definitions")
        publish_seconds += time.perf_counter() - began
        size, rows = size + done.size_bytes, rows + done.rows
        names.append(done.repo)
    told = subprocess.run(
        [sys.executable, "-m", "bench.context.siblings.run", "--pulled", str(place), *names],
        env=os.environ | {"HOMESPUN_HOME": str(home)},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    own: dict[str, float] = json.loads(told.stdout)
    sizes = {"packs": len(names), "lines": lines, "rows": rows, "bytes": size}
    return {**sizes, "publish_s": publish_seconds, **own}


def _repository(root: Path, folder: Path) -> Index:
    """Return an index of a copy that is a repository with one commit."""
    index = _indexed(root, folder)
    as_us = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (("init", "-q"), ("add", "-A", "-f", "."), (*as_us, "commit", "-qm", "all")):
        subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
    return index


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _pulled(place: str, names: Sequence[str]) -> int:
    """Measure in this process: the first pull, one that changes nothing, a start, look-ups."""
    pull(place, names[:1])  # imports, and the first question to Arrow
    shutil.rmtree(Path(os.environ["HOMESPUN_HOME"]) / "siblings")
    gc.collect()
    before = _resident()
    began = time.perf_counter()
    pulled = pull(place, names)
    first = time.perf_counter() - began
    gc.collect()
    resident = _resident() - before
    began = time.perf_counter()
    pull(place, names, known=pulled)
    unchanged = time.perf_counter() - began
    began = time.perf_counter()
    pull(place, names)
    start = time.perf_counter() - began
    held = sum(each.pack.size_bytes for each in pulled if each.pack)
    tracemalloc.start()
    again = pull(place, names)
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        json.dumps(
            {
                "first_s": first,
                "unchanged_s": unchanged,
                "start_s": start,
                "lookup_us": _lookup_us(again),
                "held_mb": held / 1e6,
                "traced_mb": traced / 1e6,
                "resident_mb": resident / 1e6,
            }
        )
    )
    return 0


def _lookup_us(pulled: Sequence[PulledPack]) -> float:
    """Return the microseconds from (module, name) to a definition, by names spread over all."""
    siblings = Siblings(each.pack for each in pulled if each.pack)
    asked = []
    for pack in siblings.packs:
        for module in sorted(pack.offered)[:: max(1, len(pack.offered) // 40)]:
            path = pack.file_of(module) or ""
            asked += [(module, row.name) for row in pack.rows_in(path) if row.kind == "class"][:3]
    found = 0
    began = time.perf_counter()
    for number in range(_LOOKUPS):
        module, name = asked[number % len(asked)]
        place = siblings.pack_of(siblings.file_of(module) or "")
        found += place is not None and place[0].find(place[1], name) is not None
    spent = time.perf_counter() - began
    assert found > _LOOKUPS * 0.9, found
    return 1e6 * spent / _LOOKUPS


def _resident() -> int:
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- tables


def _shares(rows: Sequence[SiblingResult]) -> list[str]:
    """Return the shares with packs, in the prompt, and without, as cells."""
    hits = (
        sum(0 < row.with_packs <= TOP for row in rows),
        sum(row.in_prompt > 0 for row in rows),
        sum(0 < row.without <= TOP for row in rows),
    )
    return [f"{100 * count / len(rows):.1f} %" if rows else "–" for count in hits]


def _recall_table(results: Sequence[SiblingResult]) -> str:
    rows = [
        "| completed | cursors | siblings needed "
        "| among the first five | in the prompt | without |",
        "|---|--:|---|--:|--:|--:|",
    ]
    for name in dict.fromkeys(row.package for row in results):
        own = [row for row in results if row.package == name]
        owners = ", ".join(sorted({row.owner for row in own}))
        rows.append(f"| {name} | {len(own)} | {owners} | {' | '.join(_shares(own))} |")
    for state in dict.fromkeys(row.state for row in results):
        own = [row for row in results if row.state == state]
        rows.append(f"| all, as {state} | {len(own)} | | {' | '.join(_shares(own))} |")
    rows.append(f"| **all** | {len(results)} | | {' | '.join(_shares(results))} |")
    times = [
        f"{name} {np.median(ms):.1f} and {np.percentile(ms, 95):.1f}"
        for name, ms in (
            ("with packs", [row.ms for row in results]),
            ("without", [row.ms_without for row in results]),
        )
    ]
    rows += [
        "",
        f"Milliseconds to gather the snippets, median and 95th of 100: {'; '.join(times)}.",
    ]
    return "\n".join(rows)


def _cost_table(cost: Mapping[str, float]) -> str:
    return "\n".join(
        [
            "| thirty packs | | wanted |",
            "|---|--:|--:|",
            f"| lines of Python in the {cost['packs']:.0f} repositories | {cost['lines']:,.0f} | |",
            f"| rows | {cost['rows']:,.0f} | |",
            f"| bytes at the place | {cost['bytes'] / 1e6:.2f} MB | |",
            f"| publish, all thirty, indexes there | {cost['publish_s']:.2f} s | |",
            f"| pull, check and load | {cost['first_s']:.2f} s | < 1 s |",
            f"| look again, nothing changed | {1000 * cost['unchanged_s']:.0f} ms | |",
            f"| load from the cache at a start | {cost['start_s']:.2f} s | |",
            f"| look-up by module and name | {cost['lookup_us']:.1f} µs | < 10 µs |",
            f"| memory, by Python's and NumPy's own count | {cost['traced_mb']:.1f} MB | < 40 MB |",
            f"| memory, growth of the process | {cost['resident_mb']:.1f} MB | |",
        ]
    )


def _write(results: Sequence[SiblingResult], cost: Mapping[str, float], tables: str) -> None:
    body = {
        **facts(MODEL, 0),
        "top": TOP,
        "deadline_ms": DEADLINE_MS,
        "cost": {name: round(value, 4) for name, value in cost.items()},
        "tables": tables.split("\n"),
        "rows": [[getattr(row, name) for name in SiblingResult.__slots__] for row in results],
    }
    (RESULTS / "siblings.json").write_text(json.dumps(body) + "\n", encoding="utf-8")
    readme = ROOT / "bench" / "README.md"
    text = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- {MARK} -->\n", f"<!-- /{MARK} -->"
    if begin in text:
        head, _, rest = text.partition(begin)
        readme.write_text(f"{head}{begin}{tables}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100, help="places of each package")
    parser.add_argument("--misses", action="store_true", help="print what was not found")
    parser.add_argument("--no-cost", action="store_true", help="the first table alone")
    parser.add_argument("--pulled", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pulled:
        sys.exit(_pulled(args.pulled[0], args.pulled[1:]))
    return args


if __name__ == "__main__":
    sys.exit(main())
