"""EDGE: the only file that starts the `git` command, always with fixed arguments, never a shell.

Nothing of a repository is executed: no hooks, filters, external diffs, file system monitors, and
no fetching of objects that a partial clone lacks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from homespun.training.errors import HistoryUnreadable

_SETTINGS = ("core.fsmonitor=false", "core.quotepath=off", "log.showSignature=false")
_SECTION_BYTES = 1 << 20


class Git:
    """Runs git in one folder."""

    def __init__(self, folder: Path) -> None:
        """Find the program; raises `HistoryUnreadable` where there is none on this machine."""
        program = shutil.which("git")
        if program is None:
            raise HistoryUnreadable(
                "the history cannot be read, there is no `git` command on this machine: install "
                "git, or go on without a history"
            )
        self.folder = folder
        self._program = program

    def run(self, *arguments: str, feed: bytes = b"") -> bytes:
        """Return what a git command prints; raises `HistoryUnreadable` with its own words."""
        done = subprocess.run(
            self.command(arguments),
            cwd=self.folder,
            env=environment(),
            input=feed,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise self._refused(arguments, done.stderr)
        return done.stdout

    def ask(self, *arguments: str) -> str | None:
        """Return what a git command prints, stripped; None where it says no."""
        try:
            return self.run(*arguments).decode("utf-8", "replace").strip()
        except HistoryUnreadable:
            return None

    @contextmanager
    def lines(self, *arguments: str, feed: bytes) -> Iterator[Iterator[bytes]]:
        """Give the lines that a git command prints, while it runs; they keep their line ends.

        Raises `HistoryUnreadable` behind the last line where the command failed.
        """
        process = subprocess.Popen(
            self.command(arguments),
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        writer = threading.Thread(target=_write, args=(process.stdin, feed), daemon=True)
        errors: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)
        writer.start()
        reader.start()
        try:
            yield self._all_lines(process, arguments, errors, reader)
        finally:
            _end(process)
            writer.join()
            reader.join()

    def _all_lines(
        self,
        process: subprocess.Popen[bytes],
        arguments: Sequence[str],
        errors: list[bytes],
        reader: threading.Thread,
    ) -> Iterator[bytes]:
        assert process.stdout is not None
        yield from process.stdout
        if process.wait() != 0:
            reader.join()
            raise self._refused(arguments, b"".join(errors))

    def blobs(self) -> Blobs:
        """Start a reader of objects."""
        return Blobs(self.command(("cat-file", "--batch")), self.folder)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return what to start for a git command."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        return [self._program, *settings, *arguments]

    def _refused(self, arguments: Sequence[str], errors: bytes) -> HistoryUnreadable:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        return HistoryUnreadable(
            f"git cannot read {str(self.folder)!r} (`git {arguments[0]}`): "
            f"{said[0] if said else 'it gives no reason'}"
        )


class Blobs:
    """One `git cat-file --batch`: thousands of files a second."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """Start it; it ends with this object."""
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _end, self._process)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of "REVISION:PATH" or of an object ID; None: no such file."""
        if "\n" in name or "\0" in name:
            return None
        with self._lock:
            asked, answer = self._process.stdin, self._process.stdout
            assert asked is not None and answer is not None
            try:
                asked.write(name.encode("utf-8", "surrogateescape") + b"\n")
                asked.flush()
                head = answer.readline().split()
                if len(head) != 3 or not head[2].isdigit():
                    return None  # "missing", "ambiguous", "submodule"
                body = answer.read(int(head[2]))
                answer.read(1)
            except OSError as error:
                raise HistoryUnreadable(f"git stopped answering: {error}") from error
        return body if head[1] == b"blob" else None


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for git: none that points elsewhere, nothing fetched, nothing asked."""
    # Inside a hook GIT_DIR and others point at another repository.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    fixed = {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return {**kept, **fixed, **(extra or {})}


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    assert stream is not None
    # Git may have ended before it read everything; its exit status tells.
    with suppress(OSError):
        stream.write(data)
    with suppress(OSError):
        stream.close()


def _drain(stream: IO[bytes] | None, found: list[bytes]) -> None:
    assert stream is not None
    with suppress(OSError, ValueError):
        while block := stream.read(_SECTION_BYTES):
            found.append(block)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and close its pipes."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
