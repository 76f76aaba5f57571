"""What stands before a query and before a text, by the family of the model that reads them.

The facts are data (`families.json`), from the models' own cards; a family that is not there gets
neither. The first entry with a part of the model's name counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class EncoderFamily:
    """How a family of encoders was trained to be asked."""

    names: tuple[str, ...] = ()  # parts of a model's name, in lower case
    query: str = ""
    passage: str = ""
    query_fields: Mapping[str, str] = field(default_factory=dict)  # beside the text, in JSON
    passage_fields: Mapping[str, str] = field(default_factory=dict)


def family_of(model: str) -> EncoderFamily:
    """Return the family of a model by its name, an empty one where none is known."""
    name = model.lower()
    for family in families():
        if any(part in name for part in family.names):
            return family
    return EncoderFamily()


@cache
def families() -> tuple[EncoderFamily, ...]:
    """Return all that are known."""
    text = files("homespun.models.remote.vectors").joinpath("families.json").read_text("utf-8")
    return tuple(EncoderFamily(**{**row, "names": tuple(row["names"])}) for row in json.loads(text))
