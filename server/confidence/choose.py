"""What of a suggestion is shown: the cut that is expected to save most, nothing where none does.

A suggestion of n characters that is right saves them. One that is wrong costs: it was read, and the
more there is of it, the longer. And each one that comes up draws the eye, right or wrong: the rest
of a word or a closing bracket is typed before it is seen. So what a cut is expected to save is
p * n - (1 - p)(glance + reading * n) - look, in characters, and the eagerness says what these are.
What is on display and typed along stays there to its last character. How much each eagerness shows,
and how much of that is right, is in docs/settings.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from homespun.models.remote.route.question import REMOTE
from homespun.server.confidence.cuts import cuts
from homespun.server.confidence.earlier import Predecessors
from homespun.server.confidence.evidence import EvidenceMissing, rows_of
from homespun.server.confidence.learned import UNCHANGED, recalibrated, stored
from homespun.server.confidence.probability import Calibration, Likelihood, shipped
from homespun.server.confidence.suggestion import Judge, Verdict, WrittenSuggestion, shown_whole
from homespun.server.options import CompletionOptions


@dataclass(frozen=True, slots=True)
class Costs:
    """What a suggestion costs, in characters typed."""

    glance: float  # a wrong one: to see that it is wrong
    reading: float  # of each of its characters
    look: float = 0.0  # right or wrong: that one comes up

    def saving(self, chars: int, probability: float) -> float:
        """Return how many characters a suggestion of this length is expected to save."""
        return probability * chars - (1 - probability) * self.of(chars) - self.look

    def least(self, chars: int) -> float:
        """Return the probability from which on a suggestion of this length saves anything.

        It is 1 or more where none of this length does.
        """
        return (self.of(chars) + self.look) / (self.of(chars) + chars)

    @property
    def enough(self) -> int:
        """How many characters a suggestion needs, be it certain."""
        return math.floor(self.look) + 1

    def of(self, chars: int) -> float:
        """Return what a wrong one of this length costs."""
        return self.glance + self.reading * chars


# Chosen on packages that the model judging them had not seen; what each shows of others is in
# docs/settings.md. The reading of the log-odds is fitted to what the balanced show by these costs:
# after a change run `make confidence` again.
COSTS = {
    "calm": Costs(glance=6.0, reading=2.0, look=7.0),
    "balanced": Costs(glance=4.0, reading=0.5, look=5.0),
    "eager": Costs(glance=0.5, reading=0.1, look=2.0),
}
ALL = "all"  # the eagerness that shows whatever the rules let pass


class Chooser:
    """A judge by likelihood. Not thread-safe, as the completer that asks it is not."""

    def __init__(
        self, likelihood: Likelihood, costs: Costs, learned: Calibration = UNCHANGED
    ) -> None:
        """Judge by a model, by what a wrong suggestion costs, and by the user's own log."""
        self._likelihood, self._costs, self._learned = likelihood, costs, learned
        self._predecessors = Predecessors()

    def __call__(self, suggestion: WrittenSuggestion) -> Verdict:
        """Return the beginning that is worth showing, whole where it was asked for by hand.

        Whole also where a server does not tell of its tokens: there the rules alone decide.
        """
        text, cursor = suggestion.text, suggestion.cursor
        earlier = self._predecessors.of(cursor.before, suggestion.generation.text)
        ends = cuts(text, cursor.tail, suggestion.language)
        try:
            rows = rows_of(suggestion, ends, earlier)
        except EvidenceMissing:
            return shown_whole(suggestion)
        calibration = self._likelihood.calibration(writer_of(suggestion))
        usual = [calibration.probability(each) for each in self._likelihood.log_odds(rows)]
        likely = [recalibrated(each, self._learned) for each in usual]
        if suggestion.explicit:
            return Verdict(text, likely[-1], likelihood=usual[-1])
        chars = [len(text[: cut.end].strip()) for cut in ends]
        savings = [self._costs.saving(n, p) for n, p in zip(chars, likely, strict=True)]
        best = max(range(len(ends)), key=savings.__getitem__)
        is_worth_it = savings[best] > 0
        return Verdict(
            text[: ends[best].end] if is_worth_it else "",
            likely[best],
            self._costs.least(chars[best]),
            usual[best],
            chars[best],
            self._costs.enough,
        )


def writer_of(suggestion: WrittenSuggestion) -> str:
    """Return whose calibration holds: a server tells less of its tokens than a model here."""
    return REMOTE if suggestion.generation.route == REMOTE else suggestion.model


def judge_of(options: CompletionOptions) -> Judge:
    """Return who judges by the settings."""
    if options.eagerness == ALL:
        return shown_whole
    learned = stored() if options.recalibrate else UNCHANGED
    return Chooser(shipped(), COSTS[options.eagerness], learned)
