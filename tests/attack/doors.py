"""The ways in which a folder is opened: the command line, the server, and a training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attack.ground import POISON, SECRET, Ground
from tests.support import rpc, train_small
from tests.support.agent_client import connected

AGENTS = ("claude", "cursor", "codex")  # of each form and each file of instructions
QUESTION = "sum of the items"  # helper.py has the answer
# In other words than the planted ones, so that an answer that repeats its query shows nothing.
QUERIES = (POISON.replace("_", " "), SECRET.replace("_", " "))
LIMIT_SECONDS = 180  # of a command; whatever takes longer is a hang


rpc.PATIENCE_SECONDS = LIMIT_SECONDS
COMMAND = (sys.executable, "-P", "-m", "homespun.cli")


@dataclass
class Findings:
    """What went wrong at one door; empty where the attack was held."""

    harms: list[str] = field(default_factory=list)
    said: str = ""  # everything that was shown

    def judge_text(self, what: str, text: str) -> None:
        """Look for what must never be shown, and for a failure that is no sentence."""
        self.said += text
        if POISON in text:
            self.harms.append(f"{what} shows what a stranger planted")
        if SECRET in text:
            self.harms.append(f"{what} shows a file from outside")
        if "Traceback (most recent call last)" in text:
            self.harms.append(f"{what} ends in a stack trace")


@dataclass
class Doors:
    """Opens folders with one environment and one tiny model."""

    environment: dict[str, str]
    model: Path

    def cli(self, ground: Ground) -> Findings:
        """Index, search and complete, started inside of the folder as a person would."""
        found = Findings()
        place = f"{ground.folder / 'app.py'}:8:16"
        for arguments in (
            ("index", str(ground.folder), "--json"),
            ("search", QUESTION, "--path", str(ground.folder), "--json"),
            *(("search", words, "--path", str(ground.folder), "--json") for words in QUERIES),
            ("complete", place, "--json"),
            ("adapters", "list", "--path", str(ground.folder), "--json"),
            ("conventions", str(ground.folder), "--json"),
        ):
            self._command(found, ground, *arguments)
        return found

    def agent(self, ground: Ground) -> Findings:
        """Tell agents of the folder, ask as one does, and take that back."""
        found = Findings()
        before = ground.snapshot()
        for agent in AGENTS:
            self._command(found, ground, "install-agent", agent, "--yes")
        if ground.snapshot() != before:  # what is taken back below is gone by then
            found.harms.append("telling an agent writes outside of the folder")
        self._command(found, ground, "related", "app.py:8", "--json")
        try:
            with connected(
                ground.folder, environment=self.environment, cwd=ground.folder
            ) as client:
                for name, arguments in _questions(ground):
                    is_error, text = client.try_call(name, **arguments)
                    found.judge_text(f"the tool {name}", text)
                    if is_error and "failed (" in text:
                        found.harms.append(f"the tool {name} breaks: {text}")
        except Exception as error:
            found.harms.append(f"the tools do not answer: {type(error).__name__} {error}")
        for agent in AGENTS:
            self._command(found, ground, "install-agent", agent, "--remove", "--yes")
        return found

    def train(self, ground: Ground) -> Findings:
        """Ask for advice, train with the tiny model, go on with a training that may lie there."""
        found = Findings()
        self._command(found, ground, "advise", str(ground.folder), "--items", "2", "--json")
        small = train_small.__file__
        arguments = (sys.executable, "-P", small, str(ground.folder), str(self.model))
        self._run(found, ground, "train", *arguments)
        self._run(found, ground, "train --resume", *arguments, "--resume")
        return found

    def server(self, ground: Ground) -> Findings:
        """Open the folder in an editor: complete, save, search, look at the status."""
        found = Findings()
        client = rpc.Client([*COMMAND, "serve", "--stdio"], env=self.environment)
        try:
            self._edit(found, ground, client)
        except Exception as error:
            found.harms.append(f"the server does not answer: {type(error).__name__} {error}")
        finally:
            client.kill()
        found.judge_text("the server's log", client.log())
        return found

    def _edit(self, found: Findings, ground: Ground, client) -> None:
        folder = {"uri": ground.folder.as_uri(), "name": "folder"}
        client.initialize(
            {"window": {"workDoneProgress": False}, "workspace": {"workspaceFolders": True}},
            rootUri=ground.folder.as_uri(),
            workspaceFolders=[folder],
        )
        uri = (ground.folder / "app.py").as_uri()
        text = "import helper\n\nvalue = helper.\n"
        client.open(uri, text)
        end = time.monotonic() + LIMIT_SECONDS
        while (status := client.status())["state"] in ("starting", "loading model", "indexing"):
            if time.monotonic() > end:
                found.harms.append(f"the server stays {status['state']!r}")
                break
            time.sleep(0.1)
        found.judge_text("a suggestion", json.dumps(client.complete(uri, 2, 15)))
        client.note("textDocument/didSave", {"textDocument": {"uri": uri}})
        for query in (QUESTION, *QUERIES):
            answer = client.command("homespun.search", query)
            found.judge_text("a search", json.dumps(answer))
        adapter = client.status().get("adapter")
        if adapter not in (None, "", "none"):
            found.harms.append(f"the folder's own adapter serves: {adapter}")
        client.stop()

    def _command(self, found: Findings, ground: Ground, *arguments: str) -> None:
        self._run(found, ground, f"homespun {arguments[0]}", *COMMAND, *arguments)

    def _run(self, found: Findings, ground: Ground, what: str, *argv: str) -> None:
        try:
            done = subprocess.run(
                argv,
                cwd=ground.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            found.harms.append(f"{what} does not end in {LIMIT_SECONDS} s")
            return
        if done.returncode not in (0, 1):
            found.harms.append(f"{what} ends with status {done.returncode}")
        said = done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")
        found.judge_text(what, said)


def _questions(ground: Ground) -> Iterator[tuple[str, dict[str, object]]]:
    for query in (QUESTION, *QUERIES):
        yield "search", {"query": query}
    outside = sorted(path for path in ground.folder.parent.rglob("*") if path.is_file())
    for file in ("app.py", "../outside/secret.txt", "/etc/passwd", *map(str, outside[:5])):
        yield "find_related", {"file": file, "line": 8}
    yield "definition", {"name": "total"}
    yield "usages", {"name": "total"}
    yield "conventions", {}


def environment(home: Path, model: Path) -> dict[str, str]:
    """Return the variables of a user: a home of his own, a tiny model, no vectors."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMESPUN_")}
    return {
        **kept,
        "HOME": str(home),
        "HOMESPUN_HOME": str(home / "homespun"),
        "HOMESPUN_COMPLETION_MODEL": str(model),
        "HOMESPUN_COMPLETION_MAX_TOKENS": "8",
        "HOMESPUN_SERVER_ACCEPTANCE_LOG": "0",
        "HF_HUB_OFFLINE": "1",
    }
