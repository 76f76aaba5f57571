"""What a search had to do without: said once each, counted always.

A search never fails because a server of the user's does not answer, so nobody would know.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

logger = logging.getLogger(__name__)

_MAX_SENTENCES = 100  # that are told apart


class Fallbacks:
    """Sentences on what was left out; safe on any thread."""

    def __init__(self, say: Callable[[str], None] = logger.warning) -> None:
        """`say` gets each sentence once."""
        self.say = say
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, sentence: str) -> None:
        """Count a sentence, and say it where it is new."""
        with self._lock:
            is_new = sentence not in self._counts and len(self._counts) < _MAX_SENTENCES
            self._counts[sentence if sentence in self._counts or is_new else "others"] += 1
        if is_new:
            self.say(sentence)

    @property
    def counts(self) -> dict[str, int]:
        """Return sentence -> how many searches it was true of."""
        with self._lock:
            return dict(self._counts)
