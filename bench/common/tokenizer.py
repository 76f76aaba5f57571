"""The tokenizer of a model in the catalogue, out of the weights as they are served."""

from __future__ import annotations

from homespun.models.serve import decoder_form, ensure_served
from homespun.models.weights.tokenizer import BpeTokenizer


def tokenizer_of(model: str) -> BpeTokenizer:
    """Open it. Raises `ModelMissing`."""
    form = decoder_form(ensure_served(model))
    return BpeTokenizer(form.tokenizer_json(), form.control)
