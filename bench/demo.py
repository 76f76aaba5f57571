"""What `make demo` runs: index a real package, complete at cursors that need another file.

The package is pygls 2.1.1 (Apache-2.0), its wheel taken as data, never imported. At each cursor
the rest of the line is cut out of the file's text and the model writes it again, with retrieval
and without. Everything goes through the installed `homespun` command.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from homespun.models.paths import home

PACKAGE = "pygls==2.1.1"
WHEEL_SHA256 = "510a6dea2476177230c7d851125e5948efdf3fdb9ebfd8543fc434972f8faed4"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A line of the package, named by its text so that the place cannot drift."""

    path: str
    before: str  # the line up to the cursor
    rest: str  # what the package's authors wrote
    needs: str  # where the knowledge is


CURSORS = (
    Cursor(
        "pygls/workspace/text_document.py",
        "        range = self._position_codec.",
        "range_from_client_units(lines, change_range)",
        "pygls/workspace/position_codec.py",
    ),
    Cursor(
        "pygls/workspace/workspace.py",
        "        self._position_codec = PositionCodec(",
        "encoding=position_encoding)",
        "pygls/workspace/position_codec.py",
    ),
    Cursor(
        "pygls/protocol/json_rpc.py",
        "            future.set_exception(JsonRpcException.",
        "from_error(error))",
        "pygls/exceptions.py",
    ),
    Cursor(
        "pygls/protocol/json_rpc.py",
        "            err = JsonRpcInternalError.",
        "of(sys.exc_info()).to_response_error()",
        "pygls/exceptions.py",
    ),
)


def main() -> int:
    """Print the demo; exit status 0 when every step answered."""
    console = Console(highlight=False)
    started = time.perf_counter()
    repository = _package()
    console.print(f"[bold]$ homespun index {repository.name}[/bold]")
    _homespun("index", str(repository))
    rows = [_row(repository, number, cursor) for number, cursor in enumerate(CURSORS)]
    answers = {}
    for arm, flags in (("with retrieval", ()), ("without", ("--no-retrieval",))):
        console.print(f"\n[bold]$ homespun complete --batch cursors.jsonl {' '.join(flags)}[/bold]")
        answers[arm] = _complete(repository, rows, flags)
        if arm == "with retrieval":
            console.print(f"first answers after {time.perf_counter() - started:.1f} s")
    for number, cursor in enumerate(CURSORS):
        _show(console, cursor, {arm: batch[number] for arm, batch in answers.items()})
    for arm, batch in answers.items():
        pairs = zip(CURSORS, batch, strict=True)
        right = sum(answer["text"] == cursor.rest for cursor, answer in pairs)
        console.print(f"{arm}: {right} of {len(CURSORS)} lines exactly as their authors wrote them")
    console.print(f"\nTry it on your own repository: cd there, then {_command()} index")
    return 0


def _package() -> Path:
    """Return the package's folder, unpacked below the state directory."""
    target = home() / "demo" / PACKAGE.replace("==", "-")
    if (target / "pygls").is_dir():
        return target
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", scratch]
        subprocess.run([*command, "download", *options, "-r", str(wanted)], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        partial = target.with_name(target.name + ".partial")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial)
        partial.replace(target)
    return target


def _row(repository: Path, number: int, cursor: Cursor) -> dict[str, Any]:
    text = (repository / cursor.path).read_text(encoding="utf-8")
    before, found, after = text.partition(cursor.before + cursor.rest)
    if not found:
        raise SystemExit(f"demo: {cursor.before.strip()!r} is not in {cursor.path}")
    return {
        "id": str(number),
        "path": cursor.path,
        "prefix": before + cursor.before,
        "suffix": after,
    }


def _complete(
    repository: Path, rows: list[dict[str, Any]], flags: tuple[str, ...]
) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as scratch:
        batch = Path(scratch) / "cursors.jsonl"
        batch.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        out = _homespun(
            *("complete", "--batch", str(batch), "--workspace", str(repository), "--json"),
            *flags,
            capture=True,
        )
    return [json.loads(line) for line in out.splitlines()]


def _show(console: Console, cursor: Cursor, answers: dict[str, dict[str, Any]]) -> None:
    console.print(f"\n[bold]{cursor.path}[/bold]  (needs {cursor.needs})")
    console.print(
        f"  {'the authors':<15}{escape(cursor.before.strip())}[green]{escape(cursor.rest)}"
    )
    for arm, answer in answers.items():
        color = "green" if answer["text"] == cursor.rest else "red"
        shown = escape(answer["text"] or f"({answer['finish']})")
        console.print(f"  {arm:<15}{escape(cursor.before.strip())}[{color}]{shown}")
        times, tokens = answer["timings_ms"], answer["tokens"]
        console.print(
            f"  {'':<15}[dim]{times['total']:.0f} ms: retrieve {times['retrieve']:.0f}, "
            f"prefill {times['prefill']:.0f} ({tokens['prompt']} tokens, {tokens['reused']} "
            f"reused), decode {times['decode']:.0f} ({tokens['generated']} tokens)"
        )
        for source in answer["sources"]:
            place = f"{source['path']}:{source['start_line']}-{source['end_line']}"
            console.print(f"  {'':<15}[dim]source {place}  score {source['score']:.2f}")


def _homespun(*arguments: str, capture: bool = False) -> str:
    command = [sys.executable, "-P", "-m", "homespun.cli", *arguments]
    done = subprocess.run(
        command,
        check=True,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE if capture else None,
    )
    return done.stdout or ""


def _command() -> str:
    script = Path(sys.executable).with_name("homespun")
    return str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else "homespun"


if __name__ == "__main__":
    sys.exit(main())
