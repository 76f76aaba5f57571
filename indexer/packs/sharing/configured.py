"""The siblings that settings name, pulled: what a completer and a server begin with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from homespun.indexer.config import IndexConfig
from homespun.indexer.packs.names import chosen
from homespun.indexer.packs.sharing.pull import PulledPack, age_words, pull
from homespun.indexer.packs.siblings import NO_SIBLINGS, Siblings


def named(config: IndexConfig) -> tuple[list[str], list[str]]:
    """Return the repositories that settings name, and a sentence on each that is not taken."""
    names, refused = chosen(config.siblings, config.siblings_offered)
    if names and not config.siblings_root:
        refused.append(
            "siblings are named, but no place of packs: set index.siblings_root in your own "
            "settings (a workspace cannot)"
        )
        return [], refused
    return names, refused


def siblings_of(config: IndexConfig, *, say: Callable[[str], None]) -> Siblings:
    """Return the packs of the siblings that settings name, looked at now.

    `say` gets a sentence on each that is not as its place offers it. Raises `StorageFull`.
    """
    names, refused = named(config)
    for sentence in refused:
        say(sentence)
    if not names:
        return NO_SIBLINGS
    pulled = pull(config.siblings_root, names)
    for each in pulled:
        if each.trouble:
            say(trouble_of(each, time.time()))
    return joined(pulled)


def joined(pulled: Sequence[PulledPack]) -> Siblings:
    """Return the packs that are there, in the order in which they were named."""
    return Siblings(each.pack for each in pulled if each.pack is not None)


def trouble_of(pulled: PulledPack, now: float) -> str:
    """Return why a pack is not what its place offers, with its age where it is used."""
    if pulled.pack is None or not pulled.looked_at:
        return pulled.trouble
    return f"{pulled.trouble}, {age_words(now - pulled.looked_at)} old"
