"""What the editors are opened on: a real repository, and a `homespun` that leaves a trace."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from homespun.training.shipped.packages import Package, unpacked
from tests.e2e.editors.programs import DEBUG, put_program

PYGLS = Package(
    "pypi", "pygls", "2.1.1", "1da03ba9053201bb337dcdd8d121df70feb2a91e1a0dcc74de5da79755b1a201"
)
COVERAGE = Package(
    "pypi", "coverage", "7.17.3", "6695d1bb2a9a2fbd7806d69d78cf30f35eb0f65045da0ec5b5045242fadd6a78"
)
# A new file of pygls in which somebody is about to write a name that another file defines.
PEEK = '''"""What stands at a position."""

from __future__ import annotations

from lsprotocol import types

from pygls.workspace import TextDocument


def peek(document: TextDocument, position: types.Position) -> str:
    """Return the word at a position."""
    return
'''
MEANT, DEFINED_IN = "word_at_position", "text_document.py"  # what follows in PEEK
# The machine may be busy: nothing is left out or cut off because of the time it takes.
PATIENT = {
    "HOMESPUN_COMPLETION_RETRIEVE_DEADLINE_MS": "10000",
    "HOMESPUN_COMPLETION_BLOCK_BUDGET_MS": "60000",
    # The editors are tried here: a doubtful suggestion is to be seen, too.
    "HOMESPUN_COMPLETION_EAGERNESS": "all",
}
_OFFLINE = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}


def repository(folder: Path, package: Package = PYGLS) -> Path:
    """Copy a package's source into a new git repository; return the folder."""
    ignored = shutil.ignore_patterns(".homespun", ".git")
    shutil.copytree(unpacked(package), folder, ignore=ignored)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def put_server(path: Path, *, log: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    """Write a program `homespun` that is the real one at debug level; return how it serves."""
    given = {"HOMESPUN_SERVER_ACCEPTANCE_LOG": "0", **(environment or {})}
    command = [sys.executable, "-P", "-m", "homespun.cli"]
    put_program(path, command, log=log, more=DEBUG, environment=given)
    return [str(path), "serve", "--stdio"]


def without_model(folder: Path) -> dict[str, str]:
    """Return the environment of a machine that has no model and no network."""
    return {"HOMESPUN_HOME": str(folder), **_OFFLINE}
