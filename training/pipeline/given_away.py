"""What the learned model gives away, asked while it is in memory: before and after the learning.

The model as shipped is the same one without its adapter, so both are asked in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from homespun.progress import Progress
from homespun.training.dataset.examples import Example, ExampleEncoder
from homespun.training.lora.answers import answer_logprobs, written_behind
from homespun.training.lora.model import LoraModel
from homespun.training.safety.exposure import Exposure, exposure, needed
from homespun.training.safety.real_strings import SAMPLES, DrawnOut, draw_out, real_strings

GIVEN_AWAY = "given_away.json"
_PROMPT_TOKENS = 320
_FURTHER_TOKENS = 4  # behind a string's own: another way to write it


@dataclass(frozen=True, slots=True)
class GivenAway:
    """Planted secrets' ranks, and how many real strings were written; no text."""

    exposures: tuple[Exposure, ...]
    drawn_out: DrawnOut

    def to_json(self) -> dict[str, Any]:
        """Return the figures."""
        exposures = [asdict(one) for one in self.exposures]
        return {"exposures": exposures, "drawn_out": self.drawn_out.to_json()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> GivenAway:
        """Read what `to_json` returned."""
        exposures = tuple(Exposure(**row) for row in body["exposures"])
        return cls(exposures, DrawnOut.from_json(body["drawn_out"]))


def measure(
    model: LoraModel,
    encoder: ExampleEncoder,
    planted: Sequence[Example],
    rows: Sequence[Example],
    *,
    seed: int,
    progress: Progress,
) -> GivenAway:
    """Rank the planted secrets, and try to draw real strings of the rows out."""
    asked = _LearnedModel(model, encoder, seed)
    progress.start("planted secrets", len(planted), "secrets")
    exposures = []
    for canary in planted:
        written = asked.written(canary, samples=0)[0]
        exposures.append(
            exposure(
                canary,
                asked.scores_before,
                asked.scores,
                written=written,
                count=needed(len(planted)),
                seed=seed,
            )
        )
        progress.advance(1)
    progress.finish()
    strings = real_strings(rows, asked.shown, seed=seed)
    progress.start("real strings", len(strings), "strings")
    drawn = DrawnOut()
    for string in strings:
        drawn += draw_out(string, asked.written_before, asked.written)
        progress.advance(1)
    progress.finish()
    return GivenAway(tuple(exposures), drawn)


class _LearnedModel:
    """A model and its prompts, as `safety` asks it."""

    def __init__(self, model: LoraModel, encoder: ExampleEncoder, seed: int) -> None:
        self._model = model
        self._encoder = encoder
        self._seed = seed

    def scores(self, place: Example, texts: Sequence[str]) -> list[float]:
        encoded = [self._as_asked(replace(place, middle=text)) for text in texts]
        prompt, _ = encoded[0]
        return answer_logprobs(self._model, prompt, [answer for _, answer in encoded])

    def scores_before(self, place: Example, texts: Sequence[str]) -> list[float]:
        with self._model.without_adapter():
            return self.scores(place, texts)

    def written(self, place: Example, *, samples: int = SAMPLES) -> list[str]:
        prompt, answer = self._as_asked(place)
        found = written_behind(
            self._model,
            prompt,
            samples=samples,
            most_tokens=len(answer) + _FURTHER_TOKENS,
            seed=self._seed,
        )
        return [self._encoder.tokenizer.decode(ids) for ids in found]

    def written_before(self, place: Example) -> list[str]:
        with self._model.without_adapter():
            return self.written(place)

    def shown(self, place: Example) -> str:
        return self._encoder.tokenizer.decode(self._as_asked(place)[0])

    def _as_asked(self, place: Example) -> tuple[list[int], list[int]]:
        encoded = self._encoder.encode_as_asked(place, budget=_PROMPT_TOKENS)
        return encoded.ids[: encoded.start], encoded.ids[encoded.start :]
