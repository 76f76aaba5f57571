"""Drafts by copying: what followed the last tokens elsewhere probably follows them again.

A step with a few rows costs hardly more than one with a single row, so guessed tokens are run
along and those that the model would have chosen itself are taken. The result is that of plain
greedy decoding, token for token (up to `head.NEAR_TIE`). Source: prompt lookup decoding (Saxena
2023), LLMA (Yang et al., arXiv 2304.04487); the length follows what was accepted.
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_DRAFTED = 15  # with the token that is known a step of 16 rows

# One more row in a step costs this share of it (0.5B, two cores, 2 to 16 rows: 4 to 6 %;
# bench/results/engine-*.json). A guess pays while its chance is above that.
_ROW_COST = 0.05
_LONGEST_MATCH = 4
_PRIOR = {1: 0.2, 2: 0.45, 3: 0.65, 4: 0.85}  # chance of a guess by the length of the match
_PRIOR_WEIGHT = 4.0
_DECAY = 0.9  # of the evidence, with each draft: about the last ten count
_LATEST = 24  # places of a match that are compared


class Acceptance:
    """How often guesses come true, by the length of the match that they stand on."""

    def __init__(self) -> None:
        self._right = dict.fromkeys(_PRIOR, 0.0)
        self._wrong = dict.fromkeys(_PRIOR, 0.0)

    def judge(self, match: int, drafted: int, accepted: int) -> None:
        """Learn that of `drafted` tokens behind a match the first `accepted` were right."""
        self._right[match] = self._right[match] * _DECAY + accepted
        self._wrong[match] = self._wrong[match] * _DECAY + (accepted < drafted)

    def length(self, match: int) -> int:
        """Return how many tokens are worth a guess: as long as the chance pays for the row."""
        right = self._right[match] + _PRIOR[match] * _PRIOR_WEIGHT
        chance = right / (right + self._wrong[match] + (1 - _PRIOR[match]) * _PRIOR_WEIGHT)
        length, still = 0, chance
        while still > _ROW_COST and length < MAX_DRAFTED:
            length += 1
            still *= chance
        return length


class Drafter:
    """Guesses for one prompt and its continuation."""

    def __init__(
        self, prompt: Sequence[int], hints: Sequence[Sequence[int]], acceptance: Acceptance
    ) -> None:
        """`hints` are other texts to copy from; the prompt is preferred, its end most of all."""
        self._acceptance = acceptance
        self._tokens: list[int] = []
        self._behind: dict[tuple[int, int], list[int]] = {}  # bigram -> places right behind it
        self._behind_one: dict[int, int] = {}
        for hint in hints:
            for token in hint:
                self.add(token)
            self.add(-1)  # no match runs across
        for token in prompt:
            self.add(token)
        self._match = 0

    def add(self, token: int) -> None:
        """Note the next token of the text."""
        tokens = self._tokens
        if tokens:
            # The place is noted only now: a match of the end with itself would say nothing.
            self._behind_one[tokens[-1]] = len(tokens)
            if len(tokens) > 1:
                self._behind.setdefault((tokens[-2], tokens[-1]), []).append(len(tokens))
        tokens.append(token)

    def propose(self, most: int) -> list[int]:
        """Return up to `most` guesses of what comes next, maybe none."""
        place = self._place()
        self._match = min(self._matching(place), _LONGEST_MATCH) if place else 0
        if not self._match:
            return []
        length = min(self._acceptance.length(self._match), most)
        guesses = self._tokens[place : place + length]
        return guesses[: guesses.index(-1)] if -1 in guesses else guesses

    def judge(self, drafted: int, accepted: int) -> None:
        """Learn how many of the last guesses were right."""
        if drafted and self._match:
            self._acceptance.judge(self._match, drafted, accepted)

    def _place(self) -> int:
        """Return the place behind the longest match of the end, the latest of equals; 0 = none."""
        if len(self._tokens) < 2:
            return 0
        places = self._behind.get((self._tokens[-2], self._tokens[-1]), ())[-_LATEST:]
        if not places:
            return self._behind_one.get(self._tokens[-1], 0)
        return max(places, key=lambda place: (self._matching(place), place))

    def _matching(self, place: int) -> int:
        """Return how many tokens before `place` are those at the end, up to a few."""
        end, length = len(self._tokens), 0
        longest = min(2 * _LONGEST_MATCH, place)
        while (
            length < longest and self._tokens[place - 1 - length] == self._tokens[end - 1 - length]
        ):
            length += 1
        return length
