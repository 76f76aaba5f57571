"""What the steps share: what is noted, how homespun is run, a repository of a team, a reader."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.scale.proxy import StoreProxy
from tests.e2e.scale.store import SeaweedStore
from tests.support.team import TeamRepository

NAME = "acme/auth"
_LAST_GOOD = "its pack is the last good one, 2 hours old"
_READER = """
import json, sys, time
from homespun.indexer.packs.sharing.configured import trouble_of
from homespun.indexer.packs.sharing.pull import pull
(found,) = pull(sys.argv[1], [sys.argv[2]])
said = trouble_of(found, time.time() + 7200) if found.trouble else ""
rows = found.pack.rows if found.pack else 0
print(json.dumps({"revision": found.revision, "rows": rows, "trouble": said}))
"""


class Steps:
    """What was wanted, and whether it was so."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def check(self, holds: bool, what: str, found: object = "") -> None:  # noqa: FBT001  (a check and its words)
        """Note a step and say it; `found` is said where it was not so."""
        told = "" if holds or not found else f": {found}"
        sys.stdout.write(f"{'ok  ' if holds else 'FAIL'} {what}{told}\n")
        sys.stdout.flush()
        self.failed += [] if holds else [what]


def command(words: Sequence[str]) -> list[str]:
    """Return how `homespun WORDS` is started."""
    return [sys.executable, "-P", "-m", "homespun.cli", *words]


def homespun(
    words: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `homespun WORDS` to its end."""
    return subprocess.run(
        command(words), env=dict(environment), capture_output=True, text=True, check=False
    )


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def is_sentence(done: subprocess.CompletedProcess[str], *wanted: str) -> bool:
    """Tell whether a command failed with one sentence that has some words."""
    said = last_line(done.stderr)
    is_plain = said.startswith("homespun: ") and "Traceback" not in done.stderr
    return done.returncode == 1 and is_plain and all(words in said for words in wanted)


@dataclass
class Team:
    """A repository of three commits, the store, and what stands between."""

    folder: Path
    store: SeaweedStore
    proxy: StoreProxy
    root: str  # a place of these steps alone

    def repository(self, commits: int = 1) -> TeamRepository:
        """Make a repository with some commits, the same ones each time; each adds a definition."""
        number = sum(1 for _ in self.folder.iterdir())
        made = TeamRepository(self.folder / f"auth-{number}")
        for count in range(1, commits):
            text = f"def more_{count}():\n    return {count}\n"
            made.commit_files({f"src/acme_auth/more_{count}.py": text})
        return made

    def words(self, repository: TeamRepository) -> list[str]:
        """Return the command that publishes what is checked out."""
        place = ["index", str(repository.folder), "--encoder=none", "--json"]
        return [*place, f"--publish={self.root}", f"--name={NAME}"]

    def publish(
        self, commits: int, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Publish a repository of so many commits, by way of the store itself or as said."""
        words = self.words(self.repository(commits))
        return homespun(words, environment or self.store.environment())

    def through(self) -> dict[str, str]:
        """Return the variables with which the store is asked through what stands between."""
        return self.proxy.environment(self.store.environment())

    def object(self, name: str) -> bytes:
        """Return an object of the repository, read with a key of our own."""
        import obstore

        return bytes(obstore.get(self.store.opened(), self._key(name)).bytes())

    def place(self, name: str, data: bytes) -> None:
        """Put an object by hand, without a condition."""
        import obstore

        obstore.put(self.store.opened(), self._key(name), data, use_multipart=False)

    def pointer(self) -> dict[str, Any]:
        """Return what is offered."""
        return dict(json.loads(self.object("current")))

    def _key(self, name: str) -> str:
        return f"{self.root.partition('://')[2].partition('/')[2]}/{NAME}/{name}"


class Laptop:
    """Somebody who reads what is offered, with a home of their own."""

    def __init__(self, team: Team, home: Path) -> None:
        self._team, self._home = team, str(home)

    def look(self, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Pull, as `homespun complete --siblings-root` does; revision, rows, trouble."""
        asked = dict(environment or self._team.store.environment())
        words = [sys.executable, "-P", "-c", _READER, self._team.root, NAME]
        asked["HOMESPUN_HOME"] = self._home
        done = subprocess.run(words, env=asked, capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.stdout else {"trouble": last_line(done.stderr)}


def is_last_good(found: Mapping[str, Any], before: Mapping[str, Any], *wanted: str) -> bool:
    """Tell whether a reader goes on with what it had and says why, and how old that is."""
    same = all(found.get(key) == before[key] for key in ("revision", "rows"))
    said = str(found.get("trouble", ""))
    told = said.endswith(_LAST_GOOD) and all(words in said for words in wanted)
    return same and bool(before["rows"]) and told
