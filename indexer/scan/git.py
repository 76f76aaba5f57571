"""EDGE: the only file that starts the `git` command, always with fixed arguments, never a shell.

A repository's own settings are not trusted. Nothing of it is executed and nothing is fetched:

- Git finds no program by name, not even itself (`_NOWHERE` for PATH and its own programs), so it
  cannot start the `git fetch` that would bring what a partial clone lacks.
- No transport is allowed (`GIT_ALLOW_PROTOCOL`), and newer versions do not even try.
- What the commands that we use might start by a full path is switched off: the file system monitor
  and hooks here, `--no-ext-diff` and `--no-textconv` where a difference is read. None of them runs
  filters, because none reads or writes files of the work tree.
- The program is never one of the folder's (homespun/programs.py), nor is it started inside of it.
- A bare repository is read only where nothing is around it: any clone may carry one.
- Which lists of ignored names hold is the user's choice and the work tree's, not the settings'.

`transfer` alone lets git reach another repository, for `clone.py`: by the transports of
`TRANSPORTS` and with the programs that these need, still without hooks, submodules and templates.

What stays: git reads its own data wherever `.git`, alternates and included settings say, also
outside of the folder. That is how work trees and submodules work, and only names come of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO

from homespun import programs
from homespun.indexer.errors import GitFailed

PATIENCE_SECONDS = 120.0  # for a command whose answer is read at once

_SETTINGS = (
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.quotepath=off",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_CHOSEN = {"core.excludesfile": "ignore", "core.attributesfile": "attributes"}  # -> default's name
_CHOICES = r"^core\.(excludes|attributes)file$"
_USERS = ("system", "global", "command")  # scopes; the others are the repository's
TRANSPORTS = ("file", "https", "ssh")
_KEPT_OF_USER = ("GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND")  # how the user himself gets in
_NOWHERE = str(Path(__file__).with_name("no-programs"))  # is not there
_SECTION_BYTES = 1 << 20


class Git:
    """Runs git in one folder."""

    def __init__(self, folder: Path, *, failure: type[Exception] = GitFailed) -> None:
        """Find the program; raises `failure`, as all else here, where git cannot be asked.

        There is none on this machine, or the folder is a bare repository inside of another tree.
        """
        self.folder = Path(os.path.abspath(folder))
        self._failure = failure
        program = programs.find("git", outside=self.folder)
        if program is None:
            raise failure(
                f"there is no `git` command on this machine outside of {str(self.folder)!r}: "
                "install git, or go on without a history"
            )
        self._program = program
        self._named = self._bare_folder()

    def run(self, *arguments: str, feed: bytes = b"") -> bytes:
        """Return what a git command prints; raises `failure` with its own words."""
        done = self._done(self._command(arguments), feed)
        if done.returncode != 0:
            raise self._refused(arguments[0], done.stderr)
        return done.stdout

    def ask(self, *arguments: str) -> str | None:
        """Return what a git command prints, stripped; None where it says no."""
        try:
            return self.run(*arguments).decode("utf-8", "replace").strip()
        except self._failure:
            return None

    @contextmanager
    def lines(self, *arguments: str, feed: bytes) -> Iterator[Iterator[bytes]]:
        """Give the lines that a git command prints, while it runs; they keep their line ends.

        Raises `failure` behind the last line where the command failed.
        """
        process = subprocess.Popen(
            self._command(arguments),
            cwd=self._folder,
            env=_environment(),
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
            raise self._refused(arguments[0], b"".join(errors))

    def write(self, *arguments: str, parts: Iterator[bytes]) -> None:
        """Run a command that reads a long input; raises `failure` where it does not take it."""
        process = subprocess.Popen(
            self._command(arguments),
            cwd=self._folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        try:
            # Where git has ended before it read everything, its exit status tells.
            with suppress(BrokenPipeError), process.stdin as stream:
                stream.writelines(parts)
            status = process.wait()
        finally:
            _end(process)
        if status != 0:
            raise self._refused(arguments[0], b"")

    def blobs(self) -> Blobs:
        """Start a reader of objects."""
        return Blobs(self._command(("cat-file", "--batch")), self._folder, failure=self._failure)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [*self._start, *_flags([*_SETTINGS, *self._lists]), *arguments]

    @property
    def _start(self) -> list[str]:
        return [self._program, "--no-pager", "-C", str(self.folder), *self._named]

    @property
    def _folder(self) -> str:
        """Where git is started: Windows looks for libraries there."""
        return os.path.dirname(self._program)

    def _bare_folder(self) -> list[str]:
        """Return what names the folder as a bare repository; older versions take any for one."""
        around = repository_of(self.folder)
        steps = (self.folder, *self.folder.parents)
        inside = steps if around is None else steps[: steps.index(around)]
        bare = next((step for step in inside if _looks_bare(step)), None)
        if bare is None:
            return []
        if around is None and bare == self.folder and programs.is_own(bare):
            return [f"--git-dir={bare}"]
        raise self._failure(
            f"{str(bare)!r} is a bare repository that somebody else owns or that another tree "
            "carries, it is not read; clone it, and give that folder"
        )

    @cached_property
    def _lists(self) -> list[str]:
        """Return settings that put the user's own files back where the repository's name others."""
        wanted = ("config", "--show-scope", "--type=path", "-z", "--get-regexp", _CHOICES)
        done = self._done([*self._start, *_flags(_SETTINGS), *wanted], b"")
        return _users_own(os.fsdecode(done.stdout)) if done.returncode == 0 else []

    def _done(self, command: Sequence[str], feed: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                command,
                cwd=self._folder,
                env=_environment(),
                input=feed,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._refused(command[-1], str(error).encode()) from error

    def _refused(self, verb: str, errors: bytes) -> Exception:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        return self._failure(
            f"git cannot read {str(self.folder)!r} (`git {verb}`): "
            f"{said[0] if said else 'it gives no reason'}"
        )


class Blobs:
    """One `git cat-file --batch`: thousands of files a second."""

    def __init__(self, command: Sequence[str], folder: str, *, failure: type[Exception]) -> None:
        """Start it; it ends with this object."""
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._failure = failure
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
                raise self._failure(f"git stopped answering: {error}") from error
        return body if head[1] == b"blob" else None


def transfer(
    *arguments: str,
    outside: Path,
    patience_seconds: float,
    failure: type[Exception] = GitFailed,
) -> str:
    """Run a git command that reaches another repository; return what it prints, stripped.

    `outside` is the folder that is written: no program of it is started. The arguments are the
    caller's to guard (`clone.py`). Raises `failure` with git's own words.
    """
    program = programs.find("git", outside=outside)
    if program is None:
        raise failure("there is no `git` command on this machine: install git")
    allowed = [f"protocol.{name}.allow=always" for name in TRANSPORTS]
    process = subprocess.Popen(
        [program, "--no-pager", *_flags([*_SETTINGS, *allowed]), *arguments],
        cwd=os.path.dirname(program),
        env=_environment(of_transfer=True),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=patience_seconds)
    except subprocess.TimeoutExpired:
        raise failure(
            f"git did not end within {patience_seconds:.0f} s (`git {_verb(arguments)}`)"
        ) from None
    finally:
        _end_all(process)
    if process.returncode != 0:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        why = next((line for line in said if line.startswith("fatal:")), said[-1] if said else "")
        raise failure(f"git refuses (`git {_verb(arguments)}`): {why or 'it gives no reason'}")
    return printed.decode("utf-8", "replace").strip()


def _verb(arguments: Sequence[str]) -> str:
    """Return what a command does, for a sentence."""
    known = ("clone", "checkout", "fetch", "ls-remote", "rev-parse", "config")
    return next((word for word in arguments if word in known), "?")


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """End a process that began a session, and what it has started: ssh, or the other git."""
    if process.poll() is None and hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    _end(process)


def repository_of(folder: Path) -> Path | None:
    """Return the nearest folder with `.git`, the given one or one around it; None: there is none.

    Only what has that name counts, which no clone can bring.
    """
    return next((step for step in (folder, *folder.parents) if (step / ".git").exists()), None)


def _looks_bare(folder: Path) -> bool:
    return (
        os.path.lexists(folder / "HEAD")
        and (folder / "objects").is_dir()
        and (folder / "refs").is_dir()
    )


def _flags(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("-c", setting)]


def _users_own(printed: str) -> list[str]:
    """Read `scope NUL key LF value NUL …`; return settings where a repository's key is among it."""
    own, foreign = {}, set()
    parts = printed.split("\0")
    for scope, entry in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = entry.partition("\n")
        if scope in _USERS:
            own[key] = value
        else:
            foreign.add(key)
    folder = os.environ.get("XDG_CONFIG_HOME", "") or os.path.expanduser("~/.config")
    return [
        f"{key}={own.get(key, os.path.join(folder, 'git', name))}"
        for key, name in _CHOSEN.items()
        if key in foreign
    ]


def _environment(*, of_transfer: bool = False) -> dict[str, str]:
    """Return the variables for git: none that points elsewhere, nothing fetched, nothing asked.

    `of_transfer` is the exception: the transports work, with the user's own way in.
    """
    # Inside a hook GIT_DIR and others point at another repository.
    kept = {key: value for key, value in os.environ.items() if not key.upper().startswith("GIT_")}
    fixed = {
        "PATH": _NOWHERE,
        "GIT_EXEC_PATH": _NOWHERE,
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    if not of_transfer:
        return {**kept, **fixed}
    for name in ("GIT_EXEC_PATH", "GIT_NO_LAZY_FETCH"):
        del fixed[name]
    users = {name: os.environ[name] for name in _KEPT_OF_USER if os.environ.get(name)}
    batch = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}  # nobody is there to answer a question
    return {
        **kept,
        **fixed,
        **batch,
        **users,
        "PATH": programs.absolute_entries(os.environ.get("PATH", os.defpath)),
        "GIT_ALLOW_PROTOCOL": ":".join(TRANSPORTS),
    }


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
