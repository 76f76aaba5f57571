"""The measured processes as their parent sees them: llama.cpp's builds and formats, and ours.

Each engine is a process of its own that sleeps while another one computes; the parent alternates.
The peers live in `.venv-peers` (`make peers`), so that nothing of theirs is ever installed with us.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.common.provenance import ROOT
from homespun import paths
from homespun.models import catalogue

PEERS_VENV = ROOT / ".venv-peers"
AS_IS = "file as it is"
REQUANTIZED = ("Q8_0", "Q4_0")
# Worker threads of both engines spin for some milliseconds after a step before they sleep.
_SETTLE_SECONDS = 0.05


class PeerFailed(Exception):
    """A measured process answered with an error, or is gone."""


@dataclass(frozen=True, slots=True)
class Build:
    """A way to run an engine: which interpreter, which module in it."""

    name: str
    interpreter: Path
    worker: str


NATIVE = "llama.cpp native"  # llama-cpp-python, compiled here for this processor
WHEEL = "llama.cpp wheel"  # xllamacpp, compiled for any processor; has the real server
OURS = "homespun"


class EngineProcess:
    """A worker process; `call` runs one operation in it and waits."""

    def __init__(self, build: Build, *, environment: dict[str, str] | None = None) -> None:
        """Start the process; nothing is loaded yet."""
        self.build = build
        self.facts: dict[str, Any] = {}
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [str(build.interpreter), "-u", "-m", build.worker],
            cwd=ROOT,  # where `bench` is found, also by an interpreter that knows nothing of us
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            text=True,
            encoding="utf-8",
        )

    def open(self, **arguments: object) -> dict[str, Any]:
        """Load a model; its facts (version, load time, memory) stay in `facts`."""
        self.facts = self.call("open", **arguments)
        return self.facts

    def call(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Run an operation of the worker. Raises `PeerFailed`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"op": operation, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerFailed(f"{self.build.name} ended in {operation!r}: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerFailed(f"{self.build.name}: {answer['error']}")
        time.sleep(_SETTLE_SECONDS)
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> EngineProcess:
        """Return itself: `with` closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode("utf-8", "replace")[-400:].strip() or "no message"


def ours() -> Build:
    """Return our own engine in this interpreter."""
    return Build(OURS, Path(sys.executable), "bench.engine.workers.ours")


def float32() -> Build:
    """Return the reference of the quality measurement, in this interpreter."""
    return Build("float32", Path(sys.executable), "bench.engine.workers.float32")


def peers() -> list[Build]:
    """Find the builds of llama.cpp that are installed; empty without `make peers`."""
    interpreter = PEERS_VENV / "bin" / "python"
    if sys.platform == "win32":
        interpreter = PEERS_VENV / "Scripts" / "python.exe"
    candidates = {
        "llama_cpp": Build(NATIVE, interpreter, "bench.engine.workers.llama"),
        "xllamacpp": Build(WHEEL, interpreter, "bench.engine.workers.server"),
    }
    return [build for name, build in candidates.items() if _imports(interpreter, name)]


def formats(model: str) -> dict[str, Path]:
    """GGUF files of a catalogue model by format; makes Q8_0 and Q4_0 where the native build is."""
    source = paths.source_dir(model) / catalogue.get(model).files[0].name
    found = {AS_IS: source}
    native = [build for build in peers() if build.name == NATIVE]
    if not native:
        return found
    directory = paths.home() / "bench" / "formats" / model
    directory.mkdir(parents=True, exist_ok=True)
    for kind in REQUANTIZED:
        target = directory / f"{kind}.gguf"
        if not target.exists():
            with EngineProcess(native[0]) as engine:
                engine.call("requantize", source=str(source), target=str(target), kind=kind)
        found[kind] = target
    return found


def _imports(interpreter: Path, module: str) -> bool:
    if not interpreter.exists():
        return False
    command = [str(interpreter), "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
