"""A git repository that a test fills."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def write_files(folder, files):
    """Write files below a folder, by their paths; None removes one."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


class Scratch:
    """A git repository that a test fills; each commit is a day later than the one before."""

    def __init__(self, folder: Path, day: int = 0):
        self.folder = folder
        self.day = day
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments, date=None):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        day = f"{1_700_000_000 + 86_400 * self.day} +0000" if date is None else date
        who = {"NAME": "A", "EMAIL": "a@example.org", "DATE": day}
        people = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
        none = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=self.folder,
            env={**kept, **people, **none},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, **files):
        """Write files; `__` in a name is a `/`, the suffix is .py; None removes."""
        self.write_files({f"{name.replace('__', '/')}.py": text for name, text in files.items()})

    def write_files(self, files):
        write_files(self.folder, files)

    def commit(self, message="change", date=None, **files):
        """Write files, commit everything; return the commit's ID."""
        self.write(**files)
        self.day += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, date=date)
        return self.git("rev-parse", "HEAD")
