"""`make e2e-servers`: the same places through a server with our weights and through this process.

Starts llama.cpp's server (the `xllamacpp` wheel) with the model as shipped, exported in 8 bits, and
asks both for the same lines. The texts should be the same but for rounding, and what the way to the
server adds is measured beside what the server itself took.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from homespun.models.export.export import export
from homespun.models.load import load_generator
from homespun.models.remote.open import open_remote
from homespun.models.remote.options import RemoteOptions
from homespun.models.types import Generator
from homespun.server.completion.completer import Completer
from homespun.server.completion.sent import masked_part
from homespun.server.options import CompletionOptions
from homespun.server.types import CompletionRequest

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
MODEL = "qwen2.5-coder-0.5b"
LEAST_SAME = 0.8  # share of texts; both round to 8 bits, each in its own way
_PROMPT_TOKENS = 256  # on two cores llama.cpp reads a hundred a second
_CONTEXT_TOKENS = 1024
_MIN_LINE_CHARS = 20
_SEED = 20


@dataclass(frozen=True)
class Asked:
    """One place and both answers."""

    place: str
    here: str
    there: str
    added_ms: float | None  # beyond what the server took; None where it was left before it said so


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line a place and the figures; 1 where the texts differ too often."""
    parser = argparse.ArgumentParser(prog="make e2e-servers")
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=Path, default=PEERS, help="Python that has xllamacpp")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "servers")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    file = args.folder / f"{MODEL}.gguf"
    if not file.exists():
        export(MODEL, args.folder, form="gguf")
    local = load_generator(MODEL, context_tokens=_CONTEXT_TOKENS, threads=args.threads)
    with llama_server(args.peers, file, args.threads) as url:
        rows = list(asked(places(args.places), url, local))
    return report(rows, as_json=args.json)


@contextmanager
def llama_server(python: Path, model: Path, threads: int) -> Iterator[str]:
    """Start the server in a process of its own; give its address."""
    command = [str(python), "-P", str(Path(__file__).with_name("llama_server.py"))]
    process = subprocess.Popen(
        [*command, str(model), str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url, _, version = process.stdout.readline().strip().partition(" ")
        assert url, "llama.cpp's server did not start"
        print(f"xllamacpp {version} at {url}", file=sys.stderr)  # noqa: T201
        yield url
    finally:
        process.kill()
        process.wait()


def places(count: int) -> Iterator[tuple[str, CompletionRequest]]:
    """Cut lines of this repository somewhere in their second half."""
    chosen = random.Random(_SEED)
    files = sorted((ROOT / "server").rglob("*.py"))
    while count:
        file = chosen.choice(files)
        lines = file.read_text(encoding="utf-8").split("\n")
        number = chosen.randrange(len(lines)) if len(lines) > 1 else 0
        line = lines[number]
        if len(line.strip()) < _MIN_LINE_CHARS or line.lstrip().startswith(("#", '"')):
            continue
        indent = len(line) - len(line.lstrip())
        column = chosen.randrange(indent + (len(line) - indent) // 3, len(line) - 2)
        before = "\n".join([*lines[:number], line[:column]])
        after = "\n".join(["", *lines[number + 1 :]])
        path = str(file.relative_to(ROOT))
        request = CompletionRequest(before + after, len(before), path, explicit=True)
        yield f"{path}:{number + 1}:{column + 1}", request
        count -= 1


def asked(
    wanted: Iterator[tuple[str, CompletionRequest]], url: str, local: Generator
) -> Iterator[Asked]:
    """Ask both for each place, the one behind the other."""
    options = CompletionOptions(retrieval=False, context_tokens=_PROMPT_TOKENS)
    settings = RemoteOptions(route="remote", url=url, timeout_ms=600_000)
    remote = open_remote(settings, local, context_tokens=_CONTEXT_TOKENS, mask=masked_part)
    remote.local = None  # a fault is to be seen
    here, there = Completer(local, None, options), Completer(remote, None, options)
    remote.connect()
    print(remote.state.sentence, file=sys.stderr)  # noqa: T201
    for place, request in wanted:
        own = here.complete(request)
        began = time.perf_counter()
        other = there.complete(request)
        total = (time.perf_counter() - began) * 1000
        assert not other.finish.startswith("filtered:problem"), other.facts
        server_ms = remote.remote.server_ms
        added = total - other.timings_ms["context"] - server_ms if server_ms else None
        yield Asked(place, own.text, other.text, added)
    remote.close()


def report(rows: Sequence[Asked], *, as_json: bool) -> int:
    """Print what was found."""
    same = sum(row.here == row.there for row in rows)
    added = sorted(row.added_ms for row in rows if row.added_ms is not None)
    for row in rows:
        if row.here != row.there and not as_json:
            print(f"{row.place}\n  here   {row.here!r}\n  there  {row.there!r}")  # noqa: T201
    figures = {
        "places": len(rows),
        "same": same,
        "added_ms_p50": round(statistics.median(added), 1) if added else None,
        "added_ms_p95": round(added[int(len(added) * 0.95)], 1) if added else None,
        "timed": len(added),
    }
    print(json.dumps(figures))  # noqa: T201
    return 0 if same >= LEAST_SAME * len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
