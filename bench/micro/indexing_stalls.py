"""How long indexing keeps another thread of the same process from running.

    python -m bench.micro.indexing_stalls [FOLDER] [--file NAME] [--seconds-a-file]

Parses every file of a folder as the index does, or of a folder of hostile files made for it, while
a second thread sleeps 5 ms and writes down by how much it was woken too late: that long a
completion would have waited. Prints the worst and the 99th percentile for all files together, and
with `--seconds-a-file` the time and the worst of each. What other programs take of the processor is
not counted (Linux and macOS): stalls are those of the parsing thread, and so is the time of a file,
but for a large one, which another process parses (`indexer/syntax/parser_process.py`): its time is
the clock's. `--here` parses those in this process, too, to see what that would cost.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from homespun.indexer.config import IndexConfig
from homespun.indexer.scan import walk
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.syntax.parser_process import LARGE_BYTES, ParserProcess
from homespun.indexer.types import Skipped

NAP_SECONDS = 0.005
MEGABYTE = 1_000_000


def main() -> None:
    """Print one line a file if asked to, and one for all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--file", help="only files whose name holds this")
    parser.add_argument("--seconds-a-file", action="store_true")
    parser.add_argument("--here", action="store_true", help="no other process for large files")
    args = parser.parse_args()
    if args.folder is not None:
        _measure(args.folder, args.file, each=args.seconds_a_file, here=args.here)
        return
    with tempfile.TemporaryDirectory() as made:
        for name, text in hostile():
            (Path(made) / name).write_text(text, encoding="utf-8")
        _measure(Path(made), args.file, each=args.seconds_a_file, here=args.here)


def hostile() -> Iterator[tuple[str, str]]:
    """Yield (name, text) of files of a megabyte at most that cost as much as their maker could."""
    head = "-----BEGIN RSA PRIVATE KEY-----\n"
    yield "heads.txt", head * (MEGABYTE // len(head))
    yield "passwords.py", _filled("password = token + secret_key\n")
    yield "passwords.yaml", _filled("password:\n", 100_000)
    yield "quotes.py", _filled('x = "' + "aB3" * 33 + "\n")
    yield "urls.md", _filled("see a://b" + ":c" * 60 + "\n")
    yield "spaces.txt", _filled(" " * 4_900 + "x\n")
    yield "letters.txt", _filled("a" * 4_900 + "\n")
    yield "equals.sh", _filled("key" + " " * 4_800 + "=\n")
    yield "brackets.py", "x = " + _wrapped("[" * 400_000) + "\n"
    yield "closed.py", "x = (\n" + _wrapped("[" * 200_000 + "]" * 200_000) + ")\n"
    yield "closed.js", "x = (\n" + _wrapped("[" * 200_000 + "]" * 200_000) + ")\n"
    yield "blocks.c", _wrapped("{" * 200_000 + "}" * 200_000)
    yield "calls.py", "x = a\\\n" + _filled(".b()\\\n")
    yield "calls.ts", "x = a\n" + _filled(".b()\n")
    yield "wide.json.py", "x = [\n" + _filled("1,2,3,4,5,6,7,8,9,\n") + "]\n"
    yield "wide.ts", "x = [\n" + _filled("1,2,3,4,5,6,7,8,9,\n") + "]\n"
    yield "minus.py", "x = (\n" + _wrapped("-" * 900_000) + "1)\n"
    yield "sums.py", "x = (\n" + _filled("1 +\n") + "1)\n"
    yield "sums.c", "int x = \n" + _filled("1 +\n") + "1;\n"
    yield "generics.cs", "class A { void f() {\n" + _filled("a<b\n") + "}}\n"
    yield "generics.cpp", _filled("a<b\n")
    yield "ifs.py", "".join(" " * depth + "if x:\n" for depth in range(1_300))
    yield "elses.c", "int f() {" + _filled("if (x) y; else\n") + ";}\n"
    yield "functions.py", _filled("def f(a, b): pass\n")
    yield "classes.py", "".join(" " * depth + f"class A{depth}:\n" for depth in range(1_300))
    yield "comments.py", _filled("# a\n") + "def f(): pass\n"
    yield "comments.c", _filled("/*\n")
    yield "strings.js", _filled("`${\n")
    yield "heredocs.sh", _filled("cat <<A\n")
    yield "macros.c", _filled("A_B(\n")
    yield "exports.cpp", _filled("LIB_EXPORT ")[:900_000].replace(" ", "\n")
    yield "heads.cpp", _filled("class A_B C_D E_F\n")
    yield "kotlin.kt", _filled("interface a (\n")
    yield "generic.ts", _filled("interface A<in out \n")
    yield "imports.py", "from a import (\n" + _filled("b,\n") + ")\n"
    yield "imports.hs", _filled("import A (b,\n")
    yield "use.rs", "use a::{\n" + _filled("b,\n") + "};\n"
    yield "nested.rs", "use " + _wrapped("a::{" * 100_000) + ";\n"
    yield "errors.go", _filled(") } ] func (\n")
    yield "errors.java", _filled("class { ) ( }\n")
    yield "ruby.rb", _filled("a do\n")
    yield "haskell.hs", _filled("f = do\n")
    yield "scala.scala", _filled("a match { case\n")
    yield "php.php", "<?php\n" + _filled("$a = array(\n")
    noise = random.Random(1)
    for ending in ("py", "c", "cpp", "cs", "js", "ts", "go", "rs", "java", "rb", "kt", "swift"):
        words = "( ) [ ] { } < > ; , . = : + - * / \" ' # a b1 if for class def fn in".split()
        text = " ".join(noise.choice(words) for _ in range(200_000))
        yield f"noise.{ending}", text.replace(" # ", "\n")
    yield "prose.md", _filled("# a\n\n- b\n")
    yield "one-line.txt", "a " * 2_450 + "\n"
    yield "lines.txt", "a\n" * 500_000


def _filled(line: str, size: int = MEGABYTE) -> str:
    return line * ((size - 200) // len(line))


def _wrapped(text: str, width: int = 100) -> str:
    return "\n".join(text[place : place + width] for place in range(0, len(text), width))


def _measure(folder: Path, part: str | None, *, each: bool, here: bool) -> None:
    with ParserProcess() as parser:
        _measure_with(parser, folder, part, each=each, here=here)


def _measure_with(
    parser: ParserProcess, folder: Path, part: str | None, *, each: bool, here: bool
) -> None:
    parser.parse("started.py", b"x = 1", IndexConfig())
    config = IndexConfig()
    found = [file.path for file in walk.walk(folder, config).files]
    late = _Late()
    late.start()
    slowest = (0.0, "")
    for path in found:
        if part is not None and part not in path:
            continue
        late.file = path
        source = walk.read(folder, path, config)
        is_large = not here and not isinstance(source, Skipped) and len(source) >= LARGE_BYTES
        clock = time.perf_counter if is_large else time.thread_time
        parse = parser.parse if is_large else parse_file
        began = clock()
        parsed = source if isinstance(source, Skipped) else parse(path, source, config)
        seconds = clock() - began
        slowest = max(slowest, (seconds, path))
        if each:
            said = parsed.reason if isinstance(parsed, Skipped) else f"{len(parsed.chunks)} chunks"
            print(f"{path:<40} {seconds:6.2f} s  stall {late.worst(path):5.0f} ms  {said}")
    late.stop()
    waits = sorted(wait for _, wait in late.waits)
    _, worst = max((wait, path) for path, wait in late.waits)
    print(
        f"{len(found)} files: worst stall {waits[-1]:.0f} ms ({worst}), "
        f"p99 {waits[len(waits) * 99 // 100]:.0f} ms, p50 {waits[len(waits) // 2]:.1f} ms; "
        f"slowest file {slowest[0]:.2f} s ({slowest[1]})"
    )


class _Late(threading.Thread):
    """Sleeps, and writes down by how many milliseconds it was woken too late."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._clock = time.pthread_getcpuclockid(threading.get_ident())  # of who parses
        self.file = ""
        self.waits: list[tuple[str, float]] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            file, began = self.file, time.clock_gettime(self._clock)
            time.sleep(NAP_SECONDS)
            # While it sleeps the other may compute; what it used beyond that was a wait.
            used = time.clock_gettime(self._clock) - began
            self.waits.append((file, max(0.0, 1000 * (used - NAP_SECONDS))))

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def worst(self, file: str) -> float:
        time.sleep(2 * NAP_SECONDS)  # what it is in the middle of counts, too
        return max((wait for path, wait in self.waits if path == file), default=0.0)


if __name__ == "__main__":
    main()
