"""Repositories of a team, each with commits, and a place for their packs."""

from __future__ import annotations

import shutil

from homespun.indexer.config import IndexConfig
from homespun.indexer.index import Index
from tests.support.scratch import Scratch

FRONT_DOOR = "from acme_auth.token import TokenVerifier as TokenVerifier\n"
TOKEN = '''"""Tokens of the house."""

from dataclasses import dataclass

LEEWAY_SECONDS = 30


class TokenVerifier:
    """Verifies what a client brings."""

    issuer: str

    def __init__(self, issuer: str, *, leeway_seconds: int = LEEWAY_SECONDS) -> None:
        self.issuer = issuer
        self.leeway = leeway_seconds

    def verify_bearer(self, header: str) -> "Claims":
        """Return the claims of a header."""
        return Claims()

    @property
    def is_strict(self) -> bool:
        return self.leeway == 0

    def _unsigned(self, header):
        return header


@dataclass
class Claims:
    """What a token says."""

    subject: str
    scopes: list[str]


def _hidden():
    return None
'''
FILES = {
    "src/acme_auth/__init__.py": FRONT_DOOR,
    "src/acme_auth/token.py": TOKEN,
    "tests/test_token.py": "def test_token():\n    pass\n",
}


class TeamRepository(Scratch):
    """A repository on the disk with one commit; each further one is a day later."""

    def __init__(self, root, files=FILES):
        super().__init__(root)
        if files:
            self.commit_files(files)

    def clone(self, folder):
        """Return a copy with the same history."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(".homespun"))
        return TeamRepository(folder, files=None)

    def commit_files(self, files):
        """Commit files by their paths; return the commit."""
        self.write_files(files)
        return self.commit()

    def back_to(self, commit):
        """Check another commit out."""
        self.git("checkout", "--quiet", commit)

    def index(self):
        """Return the index of what is checked out."""
        index = Index.open(self.folder, IndexConfig(encoder="none"), create=True)
        index.update()
        return index
