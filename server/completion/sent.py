"""What of a document may leave the machine: all of it with its secrets replaced, or nothing.

A document is masked whole, before it is cut at the cursor: of a key that the cursor or the budget
cuts in two neither half looks like one.
"""

from __future__ import annotations

from dataclasses import replace

from homespun.indexer.secrets.mask import mask
from homespun.server.types import CompletionRequest

# Of a prompt's parts nobody knows the language any more: the rules for code, as for most of it.
_CODE = "python"


def masked(request: CompletionRequest, language: str) -> CompletionRequest:
    """Return the request with each secret of its document replaced by as many other characters."""
    text = mask(request.text, language)
    return request if text == request.text else replace(request, text=text)


def is_in_a_secret(request: CompletionRequest, safe: CompletionRequest) -> bool:
    """Tell whether the cursor of `request` stands in or behind what `masked` has replaced."""
    last = slice(max(request.offset - 1, 0), request.offset)
    return request.text[last] != safe.text[last]


def masked_part(text: str) -> str:
    """Return a part of a prompt with what is left of secrets replaced: the net behind `masked`."""
    return mask(text, _CODE)
