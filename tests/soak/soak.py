"""Three editors at once on one repository: edits, saves, branch switches, cancels and kills.

python tests/soak/soak.py [--requests 100000] [--seed N]      (make soak)

Real servers with a fake model (weights would take days for 100,000 requests), real index, real git.
Afterwards: every request had exactly one answer, memory and handles of the servers are flat, and
the index is what a fresh one of the same files would be. Exit status 1 where one of these fails.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.indexer.test_faults import contents
from tests.support import rpc

PATIENCE_SECONDS = 300.0
SAMPLES = 40  # of memory and handles, over the whole run
MAX_GROWTH = 1.10  # of the memory's median, second half of the run against the second quarter
MAX_MORE_HANDLES = 8
MIN_REQUESTS = 5_000  # of an editor, before its memory says anything: caches fill up first


class Repository:
    """A git repository of small modules with two branches; one switches at a time."""

    def __init__(self, folder: Path, files: int) -> None:
        self.folder = folder
        self.names = [f"part_{number:03}.py" for number in range(files)]
        self.switching = threading.Lock()
        folder.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        for branch in ("main", "other"):
            if branch == "other":
                self._git("checkout", "-q", "-b", branch)
            for number, name in enumerate(self.names):
                if branch == "main" or number % 7 == 0:
                    self.write(name, f"{branch}_{number}")
            self._git("add", "-A")
            self._git("commit", "-q", "-m", branch)

    def write(self, name: str, word: str) -> None:
        """Save a file as an editor does."""
        function = f"def {word}_run(value):\n    return helper_{word}(value)\n"
        text = f"{function}\n\nclass Of{word}:\n    x = 1\n"
        draft = self.folder / f".{name}.{threading.get_ident()}"
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, self.folder / name)

    def switch(self, branch: str) -> None:
        """Check another branch out, and throw away what was saved."""
        with self.switching:
            self._git("checkout", "-q", "-f", branch)

    def _git(self, *arguments: str) -> None:
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0")
        subprocess.run(["git", *author, *arguments], cwd=self.folder, check=True)


class Editor(threading.Thread):
    """One editor with a server of its own; it keeps a bounded number of requests in flight."""

    def __init__(self, name: str, repository: Repository, wanted: int, seed: int, *, killed: bool):
        super().__init__(name=name)
        self.counts: Counter[str] = Counter()
        self.samples: list[tuple[int, int]] = []  # bytes of memory, open handles
        self.failure = ""
        self._repository = repository
        self._wanted = wanted
        self._random = random.Random(seed)
        self._is_killed = killed
        self._versions: dict[str, int] = {}
        self._pending: dict[int, str] = {}
        self._sent = 0
        self._start_server()

    def _start_server(self) -> None:
        settings = {"says": "helper(value)\n\ndef next_one():\n", "remembers": False}
        self._client = rpc.Client(rpc.FAKE_SERVER, env={"FAKE_SERVER": json.dumps(settings)})
        folder = {"uri": self._repository.folder.as_uri(), "name": "soak"}
        self._client.initialize(rootUri=folder["uri"], workspaceFolders=[folder])
        self._versions.clear()
        self._pending.clear()

    def run(self) -> None:
        """Work until all requests were sent and answered."""
        try:
            every = max(1, self._wanted // SAMPLES)
            while self._sent < self._wanted:
                self._step()
                if self._sent % every == 0:
                    self._settle()
                    self.samples.append(_footprint(self._client.process.pid))
            self._settle()
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"

    def finish(self) -> None:
        """Wait until the index is at rest, then leave as an editor does."""
        self._client.wait_until(lambda: self._client.status()["state"] == "ready")
        self.counts["exit status"] = self._client.stop()
        self._client.kill()

    def _step(self) -> None:
        uri, kind = self._uri(), self._random.random()
        if uri not in self._versions:
            self._versions[uri] = 1
            self._client.open(uri, "import part_001\n\n\ndef work(value):\n    return value\n")
        if kind < 0.72:
            self._type_and_ask(uri)
        elif kind < 0.90:
            query = self._random.choice(["run", "main_3 run", "the class of part", "helper"])
            self._ask("workspace/executeCommand", "search", command("homespun.search", query))
        elif kind < 0.95:
            self._ask("workspace/executeCommand", "status", command("homespun.status"))
        elif kind < 0.985:
            self._save()
        elif kind < 0.9985:
            self._versions.pop(uri)
            self._client.note("textDocument/didClose", {"textDocument": {"uri": uri}})
        elif kind < 0.9997:
            self._repository.switch(self._random.choice(["main", "other"]))
            self.counts["branch switches"] += 1
        elif self._is_killed:
            self._kill()
        if len(self._pending) > 20:
            self._settle()

    def _type_and_ask(self, uri: str) -> None:
        self._versions[uri] += 1
        word = self._random.choice(["a", "x = ", "\n", "(", "é", "part_001.", "    return "])
        place = (0, 0, 0, self._random.choice([0, 0, 1]), word)
        self._client.note("textDocument/didChange", rpc.change(uri, self._versions[uri], place))
        self.counts["edits"] += 1
        line = self._random.randrange(6)
        identifier = self._ask("textDocument/inlineCompletion", "completion", rpc.inline(uri, line))
        if self._random.random() < 0.2:
            self._client.note("$/cancelRequest", {"id": identifier})
            self.counts["cancels"] += 1

    def _save(self) -> None:
        name = self._random.choice(self._repository.names)
        with self._repository.switching:
            self._repository.write(name, f"saved_{self._random.randrange(1000)}")
        uri = (self._repository.folder / name).as_uri()
        self._client.note("textDocument/didSave", {"textDocument": {"uri": uri}})
        self.counts["saves"] += 1

    def _kill(self) -> None:
        """End the server amid its work; what it owed dies with it, the index does not."""
        self.counts["killed unanswered"] += len(self._pending)
        self._client.kill()
        self.counts["kills"] += 1
        self._start_server()

    def _ask(self, method: str, what: str, params: object) -> int:
        identifier = self._client.send(method, params)
        self._pending[identifier] = what
        self._sent += 1
        self.counts[what] += 1
        return identifier

    def _settle(self) -> None:
        """Wait for all that was asked: one answer each, an error only where it was cancelled."""
        for identifier, what in list(self._pending.items()):
            answer = self._client.wait(identifier)
            if "error" in answer and answer["error"]["code"] != -32800:  # RequestCancelled
                raise AssertionError(f"{what} was answered with {answer['error']}")
            self.counts["answers"] += 1
        self._pending.clear()
        self._client.answers.clear()
        self._client.incoming.clear()

    def _uri(self) -> str:
        name = self._random.choice(self._repository.names[:12])
        return (self._repository.folder / name).as_uri()


def command(name: str, *arguments: object) -> dict[str, object]:
    """Return the parameters of a command."""
    return {"command": name, "arguments": list(arguments)}


def _footprint(process: int) -> tuple[int, int]:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{process}/fd"))


def main() -> int:
    """Soak; print what came of it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=200)
    args = parser.parse_args()
    rpc.PATIENCE_SECONDS = PATIENCE_SECONDS
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch).resolve()
        os.environ["HOMESPUN_HOME"] = str(base / "home")
        os.environ["HOMESPUN_SERVER_ACCEPTANCE_LOG"] = "0"
        repository = Repository(base / "repository", args.files)
        each = args.requests // 3
        editors = [
            Editor(f"editor {n}", repository, each, args.seed + n, killed=n > 0) for n in range(3)
        ]
        for editor in editors:
            editor.start()
        _watch(editors)
        faults = [f"{e.name}: {e.failure}" for e in editors if e.failure]
        for editor in editors:
            if not editor.failure:
                editor.finish()
        faults += [fault for editor in editors for fault in _judge(editor)]
        if not faults and not _is_fresh(repository.folder, base / "fresh"):
            faults.append("the index is not what a fresh one would be")
    total = sum((editor.counts for editor in editors), Counter())
    print(f"{time.monotonic() - began:.0f} s: " + ", ".join(f"{n} {k}" for k, n in total.items()))
    for fault in faults:
        print(f"FAULT  {fault}")
    print("held" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


def _watch(editors: list[Editor]) -> None:
    while any(editor.is_alive() for editor in editors):
        for editor in editors:
            editor.join(20)
        done = sum(editor._sent for editor in editors)
        print(f"{done} requests", file=sys.stderr, flush=True)


def _judge(editor: Editor) -> list[str]:
    """Say what is wrong with an editor's figures; those of a killed server begin anew each time."""
    asked = sum(editor.counts[what] for what in ("completion", "search", "status"))
    faults = []
    answered = editor.counts["answers"] + editor.counts["killed unanswered"]
    if answered != asked:
        faults.append(f"{editor.name}: {asked} asked, {answered} answered or killed with a server")
    if editor.counts["kills"] or asked < MIN_REQUESTS:
        return faults
    quarter = len(editor.samples) // 4
    early, late = editor.samples[quarter : 2 * quarter], editor.samples[2 * quarter :]
    megabytes = [statistics.median(size for size, _ in part) / 1e6 for part in (early, late)]
    handles = [statistics.median(count for _, count in part) for part in (early, late)]
    print(
        f"{editor.name}: memory {megabytes[0]:.0f} -> {megabytes[1]:.0f} MB, "
        f"handles {handles[0]:.0f} -> {handles[1]:.0f}"
    )
    if megabytes[1] > megabytes[0] * MAX_GROWTH:
        faults.append(f"{editor.name}: memory grows, {megabytes[0]:.0f} to {megabytes[1]:.0f} MB")
    if handles[1] > handles[0] + MAX_MORE_HANDLES:
        faults.append(f"{editor.name}: handles grow, {handles[0]:.0f} to {handles[1]:.0f}")
    return faults


def _is_fresh(folder: Path, copy: Path) -> bool:
    """Bring the index up to date as the next start does, and compare it with a fresh one."""
    from homespun.indexer.config import IndexConfig
    from homespun.indexer.index import Index

    config = IndexConfig(encoder="none")
    index = Index.open(folder, config, create=True)
    index.update()
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".homespun"))
    fresh = Index.open(copy, config, create=True)
    fresh.update()
    return bool(contents(index) == contents(fresh)) and len(fresh.paths()) > 0


if __name__ == "__main__":
    sys.exit(main())
