from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homespun.models.weights.safetensors import SafetensorsSource
from homespun.models.weights.tokenizer import BpeTokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen2):
    data = SafetensorsSource(tiny_qwen2[0]).tokenizer_json()
    return BpeTokenizer(data.json, data.control)


def test_a_control_string_in_source_text_stays_text(tokenizer):
    text = "x = '<|fim_middle|>'  # <|endoftext|>\n"
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not tokenizer.control_ids() & set(ids)


def test_control_tokens_are_reached_by_name_only(tokenizer):
    assert tokenizer.control("<|fim_middle|>") in tokenizer.control_ids()
    with pytest.raises(KeyError):
        tokenizer.control("<|unheard_of|>")


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=80))
def test_decoding_gives_back_any_text(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_lone_surrogate_does_not_raise(tokenizer):
    assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a?b"


@pytest.mark.model
def test_the_gguf_tokenizer_gives_the_ids_that_qwen_published():
    """Ids from QwenLM/Qwen2.5-Coder's own tokenizer for a text with every kind of piece."""
    from homespun.models.load import load_generator

    tokenizer = load_generator("qwen2.5-coder-0.5b", context_tokens=64).tokenizer
    assert tokenizer.control("<|fim_prefix|>") == 151659
    assert tokenizer.control("<|fim_middle|>") == 151660
    assert tokenizer.control("<|fim_suffix|>") == 151661
    assert tokenizer.encode("def add(a, b):\n    return a + b\n") == [
        750, 912, 2877, 11, 293, 982, 262, 470, 264, 488, 293, 198,
    ]  # fmt: skip
