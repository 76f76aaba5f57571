"""Follows the packs of other repositories, on a thread of its own, while nothing is completed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from homespun.errors import HomespunError
from homespun.indexer.config import IndexConfig
from homespun.indexer.packs.sharing.configured import joined, named, trouble_of
from homespun.indexer.packs.sharing.pull import PulledPack, pull
from homespun.indexer.packs.siblings import NO_SIBLINGS, Siblings

logger = logging.getLogger(__name__)

LOOK_SECONDS = 300.0  # between two looks at the place; most find nothing new
_STEP_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 10.0  # for a rest, or who types fast never sees a pack


class SiblingFollower:
    """Knows the packs that a folder's settings name; nothing is asked where they name none."""

    def __init__(
        self,
        config: IndexConfig,
        *,
        completing: Callable[[], bool],
        taken: Callable[[Siblings], None],
        log: Callable[[str], None],
    ) -> None:
        """Call `taken`, on the thread, with what is known now, after each look that has news."""
        self._root = config.siblings_root
        self._names, refused = named(config)
        self._completing = completing
        self._taken = taken
        self._log = log
        self._pulled: Sequence[PulledPack] = ()
        self._told: set[str] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="homespun-siblings", daemon=True)
        self.siblings = NO_SIBLINGS
        for sentence in refused:
            log(sentence)

    def start(self) -> None:
        """Begin in the background."""
        if self._names:
            self._thread.start()

    def describe(self) -> dict[str, object]:
        """Return how the packs are as JSON; nothing where none is named."""
        if not self._names:
            return {}
        now = time.time()
        return {"siblings": [each.to_json(now) for each in self._pulled]}

    def close(self) -> None:
        """Look at nothing more."""
        self._closing.set()

    def busy(self) -> bool:
        """Say whether the thread is still alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._rest()
            if not self._closing.is_set():
                self._look()
            self._closing.wait(LOOK_SECONDS)

    def _rest(self) -> None:
        """Wait until nothing is completed, for a while."""
        end = time.monotonic() + _LONGEST_WAIT_SECONDS
        while self._completing() and time.monotonic() < end:
            if self._closing.wait(_STEP_SECONDS):
                return

    def _look(self) -> None:
        """Pull; whatever goes wrong leaves completions as they are."""
        try:
            pulled = pull(self._root, self._names, known=self._pulled)
        except HomespunError as error:
            self._say(str(error))
            return
        except Exception as error:
            logger.error("the packs of siblings: %s", error, exc_info=error)
            return
        had = [each.pack for each in self._pulled]
        self._pulled = pulled
        for each in pulled:
            if each.trouble:
                self._say(trouble_of(each, time.time()))
        if [each.pack for each in pulled] != had:
            self.siblings = joined(pulled)
        self._taken(self.siblings)

    def _say(self, sentence: str) -> None:
        """Log a sentence once; its age alone is no news."""
        known = sentence.rpartition(",")[0] or sentence
        if known not in self._told:
            self._told.add(known)
            self._log(sentence)
