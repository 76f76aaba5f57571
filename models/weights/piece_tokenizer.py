"""A tokenizer without weights: it numbers pieces of text as it meets them.

For prompts that are sent as text, on a machine that has no model and so no tokenizer. It cuts
about as often as a model's does, which is all that a token budget needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from homespun.models.types import FimTokens

# Half a long word, a run of blanks, up to three signs: 3.4 characters of code in the mean, where
# Qwen's tokenizer has 3.3 (all Python files of this repository).
_PIECE = re.compile(r"[^\W\d_]{1,6}|\d|\s+|[^\w\s]{1,3}|_")
_CONTROL_IDS = 256  # below are control tokens, from here on pieces


class PieceTokenizer:
    """Implements `homespun.models.types.Tokenizer`; keeps every piece that it has met."""

    def __init__(self, fim: FimTokens) -> None:
        """Know the control tokens of `fim`."""
        names = (fim.prefix, fim.suffix, fim.middle, fim.repo_name, fim.file_sep, *fim.end)
        self._controls = {name: number for number, name in enumerate(dict.fromkeys(names)) if name}
        self._numbers: dict[str, int] = {}
        self._pieces: list[str] = []

    def encode(self, text: str) -> list[int]:
        """Encode as plain text: a control string in it stays text."""
        return [self._number(piece) for piece in _PIECE.findall(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """Decode; control tokens are left out."""
        return "".join(self._pieces[each - _CONTROL_IDS] for each in ids if each >= _CONTROL_IDS)

    def control(self, name: str) -> int:
        """Return the id of a control token. Raises KeyError if unknown."""
        return self._controls[name]

    def _number(self, piece: str) -> int:
        number = self._numbers.get(piece)
        if number is None:
            number = self._numbers[piece] = _CONTROL_IDS + len(self._pieces)
            self._pieces.append(piece)
        return number
