"""A workspace whose repository has commits that add lines, as many as a test wants."""

from __future__ import annotations

from tests.support.scratch import Scratch


def history(folder, *, commits):
    """Make the workspace a repository; return its first commit, behind which lines are added."""
    (folder / ".git").rmdir()
    scratch = Scratch(folder)
    scratch.write_files({".gitignore": ".homespun/\n"})
    made = [
        scratch.commit(**{f"prices{number}": "\n\n".join(_functions(number))})
        for number in range(commits)
    ]
    return made[0]


def _functions(number):
    return [
        f"def price_of_item_{number}_{n}(order, customer):\n"
        f"    amount = order.amount({number} + {n})\n"
        f"    return amount * customer.rate_{n}\n"
        for n in range(8)
    ]
