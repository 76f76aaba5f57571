"""What each part of the ranking counts. One place; a part that weighs nothing is switched off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


def _penalties() -> Mapping[str, float]:
    return MappingProxyType(
        {
            "tests": 0.3,
            "compat": 0.3,
            "older": 0.3,
            "examples": 0.3,
            "changelog": 0.3,
            "build": 0.3,
            "prose": 0.5,
            "init": 0.6,
            "declarations": 0.7,
            "headers": 0.7,
            "interfaces": 0.7,
        }
    )


@dataclass(frozen=True, slots=True)
class Weights:
    """Shares are in units of the best text score that any chunk has: they mean the same everywhere.

    Chosen on development queries for 32 packages in 17 languages; the optimum is flat, half or
    twice of most values costs less than a point. bench/retrieval/ablation.py says what each brings.
    """

    text: float = 1.0  # BM25 of the chunk, relative to the best chunk's
    text_power: float = 0.5  # below 1 the runners-up come nearer to the best
    whole_file: float = 0.2  # BM25 of the file as one document, relative to the best file's
    dense: float = 1.0  # nearness of the vector, relative to the nearest
    dense_for_names: float = 0.4  # the same for a symbol or a path
    ending: float = 0.5  # how much a word with another ending counts, of 1
    abbreviation: float = 0.4  # the same for `config`, where the query says configuration
    definition: float = 3.0  # the chunk that defines the queried symbol
    same_stem: float = 1.3  # times `definition` where the file is named like the symbol
    mentioned: float = 1.5  # a definition of a name that stands in prose
    compound: float = 0.3  # a definition whose name is two or three words of the query
    path: float = 1.7  # times the share of the query's words that the path has
    path_folder: float = 0.85  # of a word that only the file's folder has
    path_further: float = 0.5  # of a word that only the folders above have
    whole_path: float = 3.0  # the query is (the end of) this path
    coherence: float = 0.2  # times the file's share of all text and dense scores, once a file
    repeat: float = 0.5  # factor for each better chunk of the same file
    penalties: Mapping[str, float] = field(
        default_factory=_penalties
    )  # name in penalties.py -> factor


WEIGHTS = Weights()
