"""Traces of verbs, where the user's settings want them; the language server sees to its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from homespun.cli.output import say

_VERBS = ("index", "search", "related", "complete", "train", "mcp", "serve --openai")


@contextmanager
def observed(verb: str) -> Iterator[None]:
    """Keep or send what a verb's work took; what waits at its end gets a second."""
    if verb not in _VERBS:
        yield
        return
    from homespun.models.observe.open import recorder_of_user
    from homespun.traces.recorder import use_recorder

    use_recorder(recorder_of_user(say=say))
    try:
        yield
    finally:
        use_recorder(None)
