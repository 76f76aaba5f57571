"""What `homespun serve --openai` adds to a completion, beside the completion's own time.

    python -m bench.completion.door [--package structlog-26.1.0] [--places 50] [--write]

The command is started on a copy of a package; lines of its files are cut in the middle and asked
for as an editor without LSP does: text before and after, over HTTP on this machine, by
`/v1/completions` and llama.vim's `/infill` in turn. Added is what the client waits beyond the
completion's own total, which the reply names: HTTP, taking the prompt apart, finding the file it is
of, the queue. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.common.provenance import RESULTS, facts
from bench.typing.corpus import copy_with, corpus, source_files

MODEL = "qwen2.5-coder-0.5b"
_PATIENCE_SECONDS = 120
_MIN_CHARS = 20  # of a line that is cut


@dataclass(frozen=True, slots=True)
class DoorRow:
    """One question."""

    endpoint: str
    waited_ms: float  # by the client
    own_ms: float  # the completion's total
    is_found: bool  # the file it is of was found in the index

    @property
    def added_ms(self) -> float:
        """What was waited beyond the completion."""
        return self.waited_ms - self.own_ms


def main() -> int:
    """Ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--package", default="", help="by name; by default the first of the corpus")
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep it in bench/results/door.json")
    args = parser.parse_args()
    package = corpus(names=[args.package] if args.package else ())[0]
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / package.name
        copy_with(package.folder(), root, {})
        files = source_files(root, package.language)
        rows = list(_asked(root, _places(files, args.places, args.seed)))
    _print(rows)
    if args.write:
        body = {**facts(MODEL, 2), "package": package.name, "rows": [_json(row) for row in rows]}
        (RESULTS / "door.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return 0


def _places(files: dict[str, str], count: int, seed: int) -> list[tuple[str, str]]:
    """Return texts before and after cursors in the middle of lines, whose rest is taken away."""
    found = []
    for text in files.values():
        at = 0
        for line in text.splitlines(keepends=True):
            body = line.rstrip()
            if len(body.strip()) >= _MIN_CHARS:
                cut = at + (len(body) - len(body.strip()) + len(body)) // 2
                found.append((text[:cut], text[at + len(body) :]))
            at += len(line)
    return random.Random(seed).sample(found, count)


def _asked(root: Path, places: Sequence[tuple[str, str]]) -> Iterator[DoorRow]:
    token = secrets.token_hex(16)
    command = [sys.executable, "-P", "-m", "homespun.cli", "serve", "--openai", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, str(root)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOMESPUN_TOKEN": token},
    )
    with process:
        try:
            url = _listening(process)
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(
                base_url=url, headers=headers, timeout=_PATIENCE_SECONDS, trust_env=False
            ) as client:
                _until_indexed(client, places[0])
                for number, (before, after) in enumerate(places):
                    yield _row(client, before, after, is_infill=bool(number % 2))
        finally:
            process.terminate()


def _row(client: httpx.Client, before: str, after: str, *, is_infill: bool) -> DoorRow:
    path = "/infill" if is_infill else "/v1/completions"
    body = (
        {"input_prefix": before, "input_suffix": after, "prompt": ""}
        if is_infill
        else {"prompt": before, "suffix": after}
    )
    began = time.perf_counter()
    reply = client.post(path, json=body)
    waited = (time.perf_counter() - began) * 1000
    ours = reply.raise_for_status().json()["homespun"]
    return DoorRow(path, waited, ours["timings_ms"]["total"], bool(ours["path"]))


def _listening(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on " in line:
            return line.split("listening on ")[1].strip()
    raise SystemExit("the server has ended before it listened")


def _until_indexed(client: httpx.Client, place: tuple[str, str]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        if _row(client, *place, is_infill=False).is_found:
            return
        time.sleep(0.5)
    raise SystemExit("the file of the first place was not found in time")


def _print(rows: Sequence[DoorRow]) -> None:
    print("| endpoint | places | file found | completion, median ms | added, p50 / p95 ms |")
    print("|---|--:|--:|--:|--:|")
    for name in ("/v1/completions", "/infill"):
        of_it = [row for row in rows if row.endpoint == name]
        added = statistics.quantiles([row.added_ms for row in of_it], n=100, method="inclusive")
        own = statistics.median(row.own_ms for row in of_it)
        found = sum(row.is_found for row in of_it)
        print(
            f"| {name} | {len(of_it)} | {found} | {own:.0f} | {added[49]:.1f} / {added[94]:.1f} |"
        )


def _json(row: DoorRow) -> dict[str, object]:
    return {
        "endpoint": row.endpoint,
        "waited_ms": round(row.waited_ms, 2),
        "own_ms": round(row.own_ms, 2),
        "is_found": row.is_found,
    }


if __name__ == "__main__":
    sys.exit(main())
