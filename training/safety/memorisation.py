"""What an adapter gives away, next to the model as shipped.

A *copy* is a run of at least `COPY_TOKENS` tokens of a completion that stands so in the training
text. Planted secrets are ranked among others (`exposure.py`), and real strings of the repository
are asked for (`real_strings.py`), in the model that learned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from homespun.training.safety.exposure import Exposure, ExposureTest, against_chance
from homespun.training.safety.real_strings import DrawnOut

COPY_TOKENS = 50

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Memorised:
    """What one adapter gives away, next to the model as shipped."""

    outputs: int = 0  # completions looked through, each by both models
    copies: int = 0  # of the adapter's, those with a long copy
    copies_before: int = 0  # of the model as shipped
    exposures: tuple[Exposure, ...] = ()  # of the canaries, before and after
    drawn_out: DrawnOut | None = None  # real strings of the repository

    @property
    def exposure(self) -> ExposureTest | None:
        """Whether the canaries' ranks are better than chance; None where there are none."""
        return against_chance(self.exposures)

    @property
    def trace(self) -> ExposureTest | None:
        """The same of what each gained by the learning: the sooner sign, and no verdict."""
        return against_chance(self.exposures, of_gain=True)

    def to_json(self) -> dict[str, Any]:
        """Return figures and ranks; no secret, no text."""
        return {
            "outputs": self.outputs,
            "copies": self.copies,
            "copies_before": self.copies_before,
            "exposures": [asdict(one) for one in self.exposures],
            "exposure": self.exposure.to_json() if self.exposure else None,
            "trace": self.trace.to_json() if self.trace else None,
            "drawn_out": self.drawn_out.to_json() if self.drawn_out else None,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Memorised:
        """Read what `to_json` returned, or a version before exposures did."""
        return cls(
            outputs=int(body["outputs"]),
            copies=int(body["copies"]),
            copies_before=int(body["copies_before"]),
            exposures=tuple(Exposure(**row) for row in body.get("exposures", ())),
            drawn_out=DrawnOut.from_json(drawn) if (drawn := body.get("drawn_out")) else None,
        )


def with_given_away(
    found: Memorised | None, exposures: Sequence[Exposure], drawn_out: DrawnOut | None
) -> Memorised:
    """Add what was measured in the model that learned, right behind the learning.

    It has all its digits still, where the served form is rounded: what it hides, that hides too.
    """
    return replace(found or Memorised(), exposures=tuple(exposures), drawn_out=drawn_out)


class CopyFinder:
    """Knows every run of `length` tokens of the training text."""

    def __init__(self, texts: Iterable[str], *, length: int = COPY_TOKENS) -> None:
        """Take the training text; tokens are words and single signs, white space does not count."""
        self._length = length
        self._runs: set[int] = set()
        for text in texts:
            self._runs.update(self._hashes(text))

    def __bool__(self) -> bool:
        """Tell whether there is training text to find."""
        return bool(self._runs)

    def has_copy(self, text: str) -> bool:
        """Tell whether a text has a run of training text in it."""
        return any(run in self._runs for run in self._hashes(text))

    def _hashes(self, text: str) -> Iterable[int]:
        tokens = _TOKEN.findall(text)
        for start in range(len(tokens) - self._length + 1):
            yield hash(tuple(tokens[start : start + self._length]))
