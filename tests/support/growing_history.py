"""A workspace whose repository has commits that add lines, as many as a test wants."""

from __future__ import annotations

import os
import subprocess


def history(folder, *, commits):
    """Make the workspace a repository; return its first commit, behind which lines are added."""

    def git(*arguments):
        who = {
            f"GIT_{role}_{k}": "a" for role in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")
        }
        run = subprocess.run(
            ["git", "-c", "core.autocrlf=false", *arguments],
            cwd=folder,
            env=os.environ | who,
            capture_output=True,
            check=True,
            text=True,
        )
        return run.stdout.strip()

    (folder / ".git").rmdir()
    git("init", "--quiet")
    (folder / ".gitignore").write_text(".homespun/\n")
    first = ""
    for number in range(commits):
        functions = [
            f"def price_of_item_{number}_{n}(order, customer):\n"
            f"    amount = order.amount({number} + {n})\n"
            f"    return amount * customer.rate_{n}\n"
            for n in range(8)
        ]
        (folder / f"prices{number}.py").write_text("\n\n".join(functions))
        git("add", "--all")
        git("commit", "--quiet", "-m", "more")
        first = first or git("rev-parse", "HEAD")
    return first
