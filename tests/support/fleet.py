"""A list of repositories of a team, and the command that goes over it."""

from __future__ import annotations

import json

from tests.support.command import run_command
from tests.support.team import TeamRepository


class FleetOfTests:
    """Three repositories by path, a place for packs, and folders for the rest."""

    def __init__(self, folder, names=("acme/auth", "acme/billing", "acme/ledger")):
        self.folder = folder
        self.place = folder / "place"
        self.place.mkdir()
        self.work = folder / "work"
        self.list = folder / "repos.txt"
        self.repositories = {}
        for name in names:
            package = name.replace("/", "_")
            files = {
                f"src/{package}/__init__.py": f"from {package}.core import Core as Core\n",
                f"src/{package}/core.py": f'class Core:\n    """Of {name}."""\n\n'
                "    def run(self, times: int) -> int:\n        return times\n",
            }
            self.repositories[name] = TeamRepository(folder / "sources" / package, files)
        self.write_list(*(f"{name} {one.folder}" for name, one in self.repositories.items()))

    def write_list(self, *lines):
        self.list.write_text("\n".join(lines) + "\n")

    def index_words(self, *more, on="local"):
        words = ("fleet", "index", self.list, "--publish", self.place, "--encoder", "none")
        return (*words, "--work", self.work, "--on", on, *more)

    def index(self, capsys, *more, on="local"):
        """Run `fleet index --json`; return its exit status and its report."""
        status, out, err = run_command(capsys, *self.index_words("--json", *more, on=on))
        assert out, err
        return status, json.loads(out)

    def states(self, report):
        return {one["name"]: one["status"] for one in report["repositories"]}


def offered_rows(place):
    """What is offered at a folder: name -> (revision, the pack's bytes)."""
    found = {}
    for pointer in sorted(place.rglob("current")):
        body = json.loads(pointer.read_text())
        pack = pointer.with_name(f"{body['pack']}.parquet").read_bytes()
        found[body["repo"]] = (body["revision"], pack)
    return found
