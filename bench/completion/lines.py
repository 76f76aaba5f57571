"""How often is the rest of a line completed exactly: prompt layouts and retrieval, same cursors.

    python -m bench.completion.lines SDIST_DIR --count 60 --arms off repository comments

Takes lines of a real package, cuts each at a token, and asks for the rest; what stood there is
removed from the document, and the index must not bring it back. Half of the cursors stand before
a name that another file of the package defines ("cross"), the others anywhere in code ("any").
The arms take turns on every cursor. An arm is `repository` or `comments` (the layout), `off` or
`off-comments` (without retrieval), with `@N` for a prompt of N tokens. Times include whatever
else the machine was doing.
"""

from __future__ import annotations

import argparse
import difflib
import io
import itertools
import json
import random
import re
import statistics
import sys
import time
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.common.provenance import RESULTS
from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from homespun.models.load import load_generator
from homespun.server.completion.completer import Completer
from homespun.server.options import CompletionOptions
from homespun.server.types import Completion, CompletionRequest

_MIN_REST_CHARS = 3
_SIDELINES = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|benchmarks?|_vendor)/|conftest|setup\.py"
)


@dataclass(frozen=True, slots=True)
class LineCursor:
    """A place in a file and what stands behind it on its line."""

    path: str
    line: int
    kind: str  # "cross" or "any"
    offset: int
    text: str  # the document without the rest of the line
    rest: str


@dataclass(frozen=True, slots=True)
class LineResult:
    """One arm at one cursor."""

    path: str
    line: int
    kind: str
    arm: str
    rest: str
    text: str
    finish: str
    exact: bool
    similarity: float
    logprob: float
    tokens: dict[str, int]
    timings_ms: dict[str, float]
    sources: list[str]


def main() -> int:
    """Run the arms, print the table, write the rows."""
    args = _arguments()
    root = Path(args.root).resolve()
    index = Index.open(root, IndexConfig(encoder="none"), create=True)
    index.update()
    cursors = choose(index, root, count=args.count, seed=args.seed)
    if args.cut == "character":
        cursors = [_anywhere(cursor, args.seed) for cursor in cursors]
    generator = load_generator(args.model, threads=args.threads)
    completers = {arm: _completer(arm, generator, index) for arm in args.arms}
    rows: list[LineResult] = []
    for number, cursor in enumerate(cursors):
        turn = number % len(args.arms)
        for arm in [*args.arms[turn:], *args.arms[:turn]]:
            rows.append(_asked(cursor, arm, completers[arm]))
        if number % 10 == 9:
            print(f"{number + 1}/{len(cursors)}", file=sys.stderr)
    print(table(rows, args.arms))
    _write(rows, args, root)
    return 0


def choose(index: Index, root: Path, *, count: int, seed: int) -> list[LineCursor]:
    """Return `count` cursors, half of them of kind "cross", the same ones for a seed."""
    rng = random.Random(seed)
    files = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.py"))
    found: dict[str, list[LineCursor]] = {"cross": [], "any": []}
    for path in files:
        if not _SIDELINES.search(path):
            text = (root / path).read_text(encoding="utf-8")
            for cursor in _candidates(index, path, text, rng):
                found[cursor.kind].append(cursor)
    chosen = []
    for kind, share in (("cross", count // 2), ("any", count - count // 2)):
        chosen += rng.sample(found[kind], min(share, len(found[kind])))
    return sorted(chosen, key=lambda cursor: (cursor.path, cursor.offset, cursor.kind))


def _candidates(index: Index, path: str, text: str, rng: random.Random) -> Iterator[LineCursor]:
    bound = {imported.alias for imported in index.imports(path)}
    for number, (line, start, tokens) in enumerate(_lines(text), start=1):
        code = line[: tokens[-1].end[1]] if tokens else ""
        if not tokens or tokens[0].string in ("import", "from", "@"):
            continue
        columns = [t.start[1] for t in tokens[1:] if len(code) - t.start[1] >= _MIN_REST_CHARS]
        if columns:
            yield _cursor(path, number, "any", text, start, rng.choice(columns), line)
        names = [
            token.start[1]
            for before, token in itertools.pairwise(tokens)
            if token.start[1] in columns and _is_cross(index, path, before, token, bound)
        ]
        if names:
            yield _cursor(path, number, "cross", text, start, rng.choice(names), line)


def _lines(text: str) -> Iterator[tuple[str, int, list[tokenize.TokenInfo]]]:
    """Yield the lines with their offsets and tokens; those of a longer string have none."""
    tokens: dict[int, list[tokenize.TokenInfo]] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING):
            tokens.setdefault(token.start[0], []).append(token)
    start = 0
    for number, line in enumerate(text.split("\n"), start=1):
        found = tokens.get(number, [])
        whole = all(token.end[0] == number for token in found)
        alone = len(found) == 1 and found[0].type == tokenize.STRING
        yield line, start, [] if alone or not whole else found
        start += len(line) + 1


def _is_cross(
    index: Index,
    path: str,
    before: tokenize.TokenInfo,
    token: tokenize.TokenInfo,
    bound: set[str],
) -> bool:
    """Tell whether a name is imported, or a member that only another file defines."""
    if token.type != tokenize.NAME or not (before.string == "." or token.string in bound):
        return False
    paths = {s.path for s in index.definitions(token.string) if s.name == token.string}
    return bool(paths) and path not in paths and not all(_SIDELINES.search(p) for p in paths)


def _cursor(
    path: str, number: int, kind: str, text: str, start: int, column: int, line: str
) -> LineCursor:
    offset = start + column
    rest = line[column:]
    document = text[:offset] + text[start + len(line) :]
    return LineCursor(path, number, kind, offset, document, rest)


def _anywhere(cursor: LineCursor, seed: int) -> LineCursor:
    """Move a cursor to the right, to any character of its line: people pause inside words, too."""
    rng = random.Random(f"{seed} {cursor.path} {cursor.offset}")
    step = rng.randint(0, max(len(cursor.rest) - _MIN_REST_CHARS, 0))
    before, after = cursor.text[: cursor.offset], cursor.text[cursor.offset :]
    return replace(
        cursor,
        offset=cursor.offset + step,
        text=before + cursor.rest[:step] + after,
        rest=cursor.rest[step:],
    )


def _completer(arm: str, generator: object, index: Index) -> Completer:
    name, _, tokens = arm.partition("@")
    options = CompletionOptions(
        retrieval=not name.startswith("off"),
        context_tokens=int(tokens or 2048),
        retrieve_deadline_ms=10_000,  # quality is measured here; a busy machine must not cut it
        multiline="never",
    )
    layout = "comments" if name.endswith("comments") else "repository"
    return Completer(generator, index, options, layout=layout)  # type: ignore[arg-type]


def _asked(cursor: LineCursor, arm: str, completer: Completer) -> LineResult:
    answer: Completion = completer.complete(
        CompletionRequest(cursor.text, cursor.offset, path=cursor.path, explicit=True)
    )
    expected, given = cursor.rest.rstrip(), answer.text.rstrip()
    return LineResult(
        path=cursor.path,
        line=cursor.line,
        kind=cursor.kind,
        arm=arm,
        rest=expected,
        text=given,
        finish=answer.finish,
        exact=given.strip() == expected.strip(),
        similarity=difflib.SequenceMatcher(None, expected, given, autojunk=False).ratio(),
        logprob=answer.logprob,
        tokens=answer.tokens,
        timings_ms=answer.timings_ms,
        sources=[f"{s.path}:{s.start_line}-{s.end_line} {s.score}" for s in answer.sources],
    )


def table(rows: Sequence[LineResult], arms: Sequence[str]) -> str:
    """Return a Markdown table, a line an arm."""
    head = (
        "| arm | n | exact | cross | any | similarity | prompt tokens | retrieve ms | prefill ms "
        "| decode ms | total ms |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *(_line(arm, [r for r in rows if r.arm == arm]) for arm in arms)])


def _line(arm: str, rows: Sequence[LineResult]) -> str:
    def share(kind: str) -> str:
        hits = [row.exact for row in rows if row.kind == kind]
        return f"{statistics.mean(hits):.3f}" if hits else "-"

    def median(stage: str) -> str:
        return f"{statistics.median(row.timings_ms[stage] for row in rows):.0f}"

    cells = [
        arm,
        str(len(rows)),
        f"{statistics.mean(row.exact for row in rows):.3f}",
        share("cross"),
        share("any"),
        f"{statistics.mean(row.similarity for row in rows):.3f}",
        f"{statistics.median(row.tokens['prompt'] for row in rows):.0f}",
        *(median(stage) for stage in ("retrieve", "prefill", "decode", "total")),
    ]
    return "| " + " | ".join(cells) + " |"


def _write(rows: Sequence[LineResult], args: argparse.Namespace, root: Path) -> None:
    RESULTS.mkdir(exist_ok=True)
    body = {
        "package": root.name,
        "model": args.model,
        "seed": args.seed,
        "date": time.strftime("%Y-%m-%d"),
        "rows": [asdict(row) for row in rows],
    }
    path = RESULTS / f"complete_lines-{root.name}{args.label and '-' + args.label}.json"
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(f"rows: {path}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", metavar="SDIST_DIR", help="an unpacked source package")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--cut", choices=("token", "character"), default="token")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--arms", nargs="+", default=["off", "repository", "comments"])
    parser.add_argument("--label", default="", help="added to the result file's name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
