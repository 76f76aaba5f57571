"""What verbs say beside their result, on the standard error."""

from __future__ import annotations

import sys


def say(sentence: str) -> None:
    """Tell the user something."""
    print(f"homespun: {sentence}", file=sys.stderr, flush=True)
