"""EDGE tokenizers: byte-level BPE whose plain side cannot produce a control token.

A repository may well contain the text `<|fim_middle|>`. The tokenizer that encodes source text
is built without any control token, so such text becomes ordinary tokens; control tokens are only
reached by name (`control`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from homespun.models.weights.source import TokenizerData
from homespun.parsing import parse_json

# The pre-tokeniser of Qwen2 (QwenLM/Qwen2.5-Coder tokenizer.json); its NFC normaliser is left out,
# because completion offsets must count the text as it stands in the file.
_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class BpeTokenizer:
    """Implements `homespun.models.types.Tokenizer`."""

    def __init__(self, tokenizer_json: str, control: Mapping[str, int]) -> None:
        """Build from the JSON of a tokenizer without control tokens."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._control = dict(control)

    def encode(self, text: str) -> list[int]:
        """Encode as plain text: a control string such as `<|fim_middle|>` in it stays text."""
        # A lone surrogate (from a broken editor message) has no UTF-8 form.
        clean = text.encode("utf-8", "replace").decode("utf-8")
        ids: list[int] = self._tokenizer.encode(clean, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Decode; incomplete UTF-8 at the end becomes U+FFFD. Control tokens are left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def pieces(self) -> dict[int, bytes]:
        """Return the bytes that each plain token stands for."""
        latin = {ord(character): byte for byte, character in _byte_characters().items()}
        pieces = {}
        for piece, token in self._tokenizer.get_vocab(with_added_tokens=False).items():
            try:
                pieces[token] = piece.translate(latin).encode("latin-1")
            except UnicodeEncodeError:
                continue  # not written in bytes: no text has this token
        return pieces

    def control(self, name: str) -> int:
        """Return the id of a control token. Raises KeyError if the model has none such."""
        return self._control[name]

    def control_names(self) -> frozenset[str]:
        """Return the names of all control tokens."""
        return frozenset(self._control)

    def control_ids(self) -> frozenset[int]:
        """Return the ids of all control tokens: none of them may appear in a suggestion."""
        return frozenset(self._control.values())


def _byte_characters() -> dict[int, str]:
    """Return the character that byte-level BPE writes for each byte (GPT-2, `bytes_to_unicode`)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    characters = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in characters:
            characters[byte] = chr(256 + len(characters) - len(printable))
    return characters


def byte_level_bpe(vocabulary: Mapping[str, int], merges: Sequence[str]) -> str:
    """Return the `tokenizers` JSON of a byte-level BPE with Qwen2's pre-tokeniser."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    tokenizer = Tokenizer(models.BPE(vocab=dict(vocabulary), merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return str(tokenizer.to_str())


def without_control_tokens(tokenizer_json: str) -> TokenizerData:
    """Split a `tokenizer.json` into its plain side and its control tokens. Raises `ValueError`."""
    body: dict[str, Any] = parse_json(tokenizer_json)
    control = {token["content"]: int(token["id"]) for token in body.pop("added_tokens", [])}
    body["added_tokens"] = []
    body["post_processor"] = None
    body["normalizer"] = None
    vocabulary = body["model"]["vocab"]
    for name in control:
        vocabulary.pop(name, None)
    return TokenizerData(json.dumps(body), control)
