"""What a run has said so far: tokens, their text, and where the stop rule ends it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from homespun.models.engine.output_head import TokenChoice
from homespun.models.engine.token_healing import Healer
from homespun.models.types import StopRule
from homespun.models.weights.tokenizer import BpeTokenizer


class GeneratedText:
    """The text generated so far, and the stop rule's verdict on it."""

    def __init__(
        self, tokenizer: BpeTokenizer, stop: StopRule, heal: str, healer: Healer | None
    ) -> None:
        self._tokenizer, self._stop = tokenizer, stop
        self._heal, self._healer = heal, healer
        self._rest = heal.encode("utf-8", "replace")  # of `heal`, still to be written
        self._first: npt.NDArray[np.int64] | None = None  # the tokens that may come first
        self.ids: list[int] = []
        self.text = self.stop_reason = ""
        self.choices: list[TokenChoice] = []  # of each token, the end token's last
        self.ends: list[int] = []  # characters of the uncut text up to the end of each of them

    def begin_without(self, tokens: Collection[int], vocabulary: int) -> None:
        """Leave tokens out of those that may come first, unless that leaves none."""
        usual = self.allowed()
        every = np.arange(vocabulary) if usual is None else usual
        first = every[~np.isin(every, list(tokens))]
        self._first = first if len(first) else None

    def allowed(self) -> npt.NDArray[np.int64] | None:
        """Return the tokens that may come next, None for any."""
        if self._first is not None and not self.ids:
            return self._first
        return self._healer.allowed(self._rest) if self._healer and self._rest else None

    def end(self, choice: TokenChoice) -> None:
        """Take in the end token, which adds no text."""
        self.choices.append(choice)
        self.ends.append(len(self.text))

    def add(self, choice: TokenChoice) -> bool:
        """Append a token; True when the stop rule ended the run and cut the text."""
        self.ids.append(choice.token)
        self.choices.append(choice)
        if self._healer and self._rest:
            self._rest = self._healer.rest_after(self._rest, choice.token)
            if self._rest:
                self.ends.append(0)
                return False
        # An unfinished character shows as U+FFFD; it must not reach the stop rule or the text.
        self.text = self._tokenizer.decode(self.ids).rstrip("\ufffd")[len(self._heal) :]
        self.ends.append(len(self.text))
        verdict = self._stop(self.text)
        if verdict is None:
            return False
        self.text = self.text[: verdict.end]
        self.stop_reason = verdict.reason
        return True
