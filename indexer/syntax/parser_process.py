"""Files are parsed in another process: it may be slow, hungry or crash, and nobody waits.

A grammar is native code that holds the interpreter's lock inside each of its steps, and a
completion that wants to run meanwhile waits; a step that never ends (grammars' scanners have had
loops without a look at the end of the file) ends with the whole process only. So what a look at a
folder finds goes to a child, which is ended when a file has used up its time or memory. The child
is our own program; what it says comes back as JSON, so that a child that was taken over can only
lie about its file.

A single file that was named (one that was saved) goes there only if it is large: a child takes
0.14 s of processor time to start, and the text was parsed in this process while it was typed.

    python -P -m homespun.indexer.syntax.parser_process      (the child: frames in, frames out)
"""

from __future__ import annotations

import dataclasses
import json
import logging
import operator
import os
import struct
import subprocess
import sys
import tempfile
import threading
from types import TracebackType
from typing import IO, Any

from homespun.indexer.config import IndexConfig
from homespun.indexer.syntax.parse import parse_file
from homespun.indexer.types import Call, Chunk, Import, ParsedFile, Skipped, Symbol
from homespun.programs import environment_of_python

logger = logging.getLogger(__name__)

LARGE_BYTES = 65_536  # below it the worst step of a hostile file takes some 20 ms
CPU_SECONDS = 1.0  # of a whole file; the tree alone has `parse.FILE_SECONDS`
_WALL_SECONDS = 60.0  # where the system cannot count a process's own time, or the child hangs
_MEMORY_BYTES = 4 << 30  # of addresses, libraries' reservations among them
_LENGTHS = struct.Struct("<II")  # of the JSON and of the bytes behind it
# `dataclasses.astuple` would copy every value.
_ROWS: tuple[type[Any], ...] = (Chunk, Symbol, Import, Call)
_VALUES = {
    kind: operator.attrgetter(*(field.name for field in dataclasses.fields(kind))) for kind in _ROWS
}


class ParserProcess:
    """Starts the child for the first file; ends it with the block, or when it is closed."""

    def __init__(self, smallest_bytes: int = 0) -> None:
        """Files of fewer than `smallest_bytes` bytes are better parsed by who asks."""
        self.smallest_bytes = smallest_bytes
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ParserProcess:
        """Return itself; nothing is started yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        self.close()

    def parse(self, path: str, source: bytes, config: IndexConfig) -> ParsedFile | Skipped:
        """Do what `parse_file` does; a file that ends the child is skipped as "too-slow"."""
        try:
            process = self._started()
        except OSError as error:
            logger.warning("files are parsed in this process: %s", error)
            return parse_file(path, source, config)
        timer = threading.Timer(_WALL_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            _send(process.stdin, [path, dataclasses.asdict(config)], source)
            answer = _received(process.stdout)
        except OSError:
            answer = None
        finally:
            timer.cancel()
        if answer is None:
            self.close()
            logger.warning("%r takes too long or too much memory to parse, and is skipped", path)
            return Skipped("too-slow")
        return _from_json(answer[0])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "homespun.indexer.syntax.parser_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=tempfile.gettempdir(),
                env=environment_of_python(),
            )
        return self._process

    def close(self) -> None:
        """End the child; another file starts the next one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                try:
                    stream.close()
                except OSError:
                    logger.debug("the parser had ended before it read everything")


def _send(stream: IO[bytes], head: object, data: bytes = b"") -> None:
    body = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(body), len(data)) + body + data)
    stream.flush()


def _received(stream: IO[bytes]) -> tuple[Any, bytes] | None:
    """Return the next frame, None where the other end is gone."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    body_bytes, data_bytes = _LENGTHS.unpack(lengths)
    body, data = stream.read(body_bytes), stream.read(data_bytes)
    if len(body) + len(data) < body_bytes + data_bytes:
        return None
    return json.loads(body), data


def _to_json(found: ParsedFile | Skipped) -> object:
    """Return rows of plain values; lone halves of a character survive as JSON's escapes."""
    if isinstance(found, Skipped):
        return found.reason
    return [
        *(found.path, found.language, found.content_hash),
        *([_VALUES[type(row)](row) for row in rows] for rows in _parts(found)),
        found.partial,
    ]


def _parts(found: ParsedFile) -> tuple[tuple[Any, ...], ...]:
    return found.chunks, found.symbols, found.imports, found.calls


def _from_json(body: Any) -> ParsedFile | Skipped:  # noqa: ANN401 - JSON
    if isinstance(body, str):
        return Skipped(body)
    path, language, content_hash, chunks, symbols, imports, calls, partial = body
    return ParsedFile(
        path=path,
        language=language,
        content_hash=content_hash,
        chunks=tuple(Chunk(*row) for row in chunks),
        symbols=tuple(Symbol(*row) for row in symbols),
        imports=tuple(Import(*row) for row in imports),
        calls=tuple(Call(*row) for row in calls),
        partial=partial,
    )


def main() -> None:
    """Parse what comes until nothing comes any more."""
    source = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    _limit_memory()
    while (asked := _received(source)) is not None:
        (path, settings), data = asked
        config = IndexConfig(**settings | {"exclude": tuple(settings["exclude"])})
        _limit_time(CPU_SECONDS)
        try:
            found = parse_file(path, data, config)
        except Exception as error:  # as in `build`: it costs that file only
            logger.warning("%r cannot be parsed and is skipped: %s", path, error, exc_info=error)
            found = Skipped("unparsable")
        _limit_time(0)
        _send(answers, _to_json(found))


def _limit_time(seconds: float) -> None:
    """Have the system end this process after so much processor time, in native code too."""
    if sys.platform != "win32":
        import signal

        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    main()
