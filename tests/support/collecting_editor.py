"""An editor of which only what it is told is kept."""

from __future__ import annotations

from homespun.progress import NoProgress


class CollectingEditor:
    """Collects what the work says."""

    def __init__(self):
        self.said = []

    def say_problem(self, sentence):
        self.said.append(sentence)

    def log(self, sentence):
        self.said.append(sentence)

    def progress(self, title):
        return NoProgress()
