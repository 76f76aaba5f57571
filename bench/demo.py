"""What `make demo` runs: index a real package, complete at cursors that need another file.

    python -m bench.demo

The package is pygls 2.1.1 (Apache-2.0), its wheel taken as data, never imported. It is younger than
the model, which therefore cannot know it by heart. The cursors stand in files that somebody is just
writing in that repository, and in one line of the package itself, whose rest is cut out. Everything
goes through the installed `homespun` command, with retrieval and without.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from homespun.paths import home

PACKAGE = "pygls==2.1.1"
WHEEL_SHA256 = "510a6dea2476177230c7d851125e5948efdf3fdb9ebfd8543fc434972f8faed4"


@dataclass(frozen=True, slots=True)
class DemoCursor:
    """A place where the next name is defined in another file."""

    path: str
    before: str
    after: str
    needs: str  # the file that defines the name
    name: str  # what a person who knows the repository would write next


CURSORS = (
    DemoCursor(
        "pygls/lsp/announce.py",
        """from lsprotocol import types

from pygls.progress import Progress


def announce(progress: Progress, token: str, title: str) -> None:
    # Begin to report, before the work does.
    progress.""",
        "\n",
        "pygls/progress.py",
        "begin",
    ),
    DemoCursor(
        "pygls/workspace/columns.py",
        """from pygls.workspace.position_codec import PositionCodec


def width(codec: PositionCodec, line: str) -> int:
    # How long the line is for the client.
    return codec.""",
        "\n",
        "pygls/workspace/position_codec.py",
        "client_num_units",
    ),
    DemoCursor(
        "pygls/lsp/refuse.py",
        """from pygls.exceptions import JsonRpcMethodNotFound


def refuse(method: str) -> None:
    # Say that a method is unknown.
    raise JsonRpcMethodNotFound.""",
        "\n",
        "pygls/exceptions.py",
        "of",
    ),
    DemoCursor(
        "pygls/workspace/peek.py",
        """from lsprotocol import types

from pygls.workspace import TextDocument


def peek(document: TextDocument, position: types.Position) -> str:
    # The word at a position.
    return document.""",
        "\n",
        "pygls/workspace/text_document.py",
        "word_at_position",
    ),
)
LINE_PATH = "pygls/protocol/json_rpc.py"
LINE_BEFORE = "            future.set_exception(JsonRpcException."
LINE_REST = "from_error(error))"


def main() -> int:
    """Print the demo; exit status 0 when every step answered."""
    argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0]).parse_args()
    console = Console(highlight=False, soft_wrap=True)
    started = time.perf_counter()
    repository = _package()
    cursors = (*CURSORS, _line_of_the_package(repository))
    console.print(f"[bold]$ homespun index {repository.name}[/bold]")
    _homespun("index", str(repository))
    answers = {}
    for arm, flags in (("with retrieval", ()), ("without", ("--no-retrieval",))):
        console.print(f"\n[bold]$ homespun complete --batch cursors.jsonl {' '.join(flags)}[/bold]")
        answers[arm] = _complete(repository, cursors, flags)
        if arm == "with retrieval":
            console.print(f"all answers after {time.perf_counter() - started:.1f} s")
    for number, cursor in enumerate(cursors):
        _show(console, cursor, {arm: batch[number] for arm, batch in answers.items()})
    console.print()
    for arm, batch in answers.items():
        right = sum(map(_is_right, cursors, batch))
        console.print(f"{arm}: {right} of {len(cursors)} go on with the name that is meant")
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


def _line_of_the_package(repository: Path) -> DemoCursor:
    """Return a cursor in a file that exists; its line is found by its text, so it cannot drift."""
    text = (repository / LINE_PATH).read_text(encoding="utf-8")
    before, found, after = text.partition(LINE_BEFORE + LINE_REST)
    if not found:
        raise SystemExit(f"demo: {LINE_BEFORE.strip()!r} is not in {LINE_PATH}")
    return DemoCursor(LINE_PATH, before + LINE_BEFORE, after, "pygls/exceptions.py", "from_error")


def _is_right(cursor: DemoCursor, answer: dict[str, Any]) -> bool:
    """Tell whether the completion begins with the whole name."""
    return re.match(r"\w*", answer["text"])[0] == cursor.name  # type: ignore[index]


def _complete(
    repository: Path, cursors: Sequence[DemoCursor], flags: Sequence[str]
) -> list[dict[str, Any]]:
    rows = [
        {"id": str(number), "path": c.path, "prefix": c.before, "suffix": c.after}
        for number, c in enumerate(cursors)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        batch = Path(scratch) / "cursors.jsonl"
        batch.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        out = _homespun(
            *("complete", "--batch", str(batch), "--workspace", str(repository), "--json"),
            *flags,
            capture=True,
        )
    return [json.loads(line) for line in out.splitlines()]


def _show(console: Console, cursor: DemoCursor, answers: dict[str, dict[str, Any]]) -> None:
    console.print(f"\n[bold]{cursor.path}[/bold]  (the next name is defined in {cursor.needs})")
    line = escape(cursor.before.rpartition("\n")[2].strip())
    for arm, answer in answers.items():
        color = "green" if _is_right(cursor, answer) else "red"
        shown = escape(answer["text"] or f"({answer['finish']})")
        console.print(f"  {arm:<15}{line}[{color}]{shown}")
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
