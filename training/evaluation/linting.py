"""New findings of the repository's own linter in a completed document. Optional: needs ruff.

Only ruff is asked, and only where the repository configures it: it reads source and settings and
runs nothing of the repository. The ruff of a repository's own environment is not taken.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from homespun import programs
from homespun.parsing import parse_toml
from homespun.storage import read_bounded

_MAX_BYTES = 1_000_000  # of a pyproject.toml: a real one has some tens of thousands
_CONFIGS = ("ruff.toml", ".ruff.toml")
_SECONDS = 20


class Linter:
    """Asks ruff about documents of one repository; remembers the answers."""

    def __init__(self, program: str, root: Path) -> None:
        """Use `linter_of`."""
        self._program = program
        self._root = root
        self._known: dict[tuple[str, str], Counter[str] | None] = {}

    def new_findings(self, path: str, wanted: str, given: str) -> int | None:
        """Return how many findings `given` has that `wanted` has not; None where ruff fails."""
        if given == wanted:
            return 0
        before, after = self._findings(path, wanted), self._findings(path, given)
        if before is None or after is None:
            return None
        return (after - before).total()

    def _findings(self, path: str, text: str) -> Counter[str] | None:
        if (path, text) not in self._known:
            self._known[path, text] = self._asked(path, text)
        return self._known[path, text]

    def _asked(self, path: str, text: str) -> Counter[str] | None:
        command = ["check", "--quiet", "--no-cache", "--no-fix", "--output-format", "json"]
        try:
            done = subprocess.run(
                [self._program, *command, "--stdin-filename", str(self._root / path), "-"],
                cwd=self._root,
                input=text.encode("utf-8", "replace"),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            rows = json.loads(done.stdout) if done.returncode in (0, 1) else None
        except (OSError, subprocess.TimeoutExpired, ValueError):
            return None
        if not isinstance(rows, list):
            return None
        return Counter(str(row.get("code") or "syntax-error") for row in rows)


def linter_of(root: Path) -> Linter | None:
    """Return the linter of a repository, None where it configures none or ruff is not here."""
    program = _beside_python() or programs.find("ruff", outside=root)
    if program is None or not _is_configured(root):
        return None
    return Linter(program, root.resolve())


def _beside_python() -> str | None:
    """Return the ruff of the environment that runs this, wherever that is: the user chose it."""
    program = Path(sys.executable).with_name("ruff.exe" if os.name == "nt" else "ruff")
    return str(program) if program.is_file() else None


def _is_configured(root: Path) -> bool:
    if any((root / name).is_file() for name in _CONFIGS):
        return True
    try:
        text = read_bounded(root / "pyproject.toml", max_bytes=_MAX_BYTES).decode("utf-8")
        tools = parse_toml(text).get("tool")
    except (OSError, ValueError):
        return False
    return isinstance(tools, dict) and "ruff" in tools
