"""Which characters a token stands for."""

from __future__ import annotations

import pytest

from homespun.models.fakes import FakeTokenizer
from homespun.models.weights.tokenizer import BpeTokenizer, without_control_tokens
from homespun.training.lessons.spelling import Spelling, overlaps
from tests.support.tiny import save_tiny_qwen2


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_qwen2(folder)
    found = without_control_tokens((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return BpeTokenizer(found.json, found.control)


@pytest.mark.parametrize("text", ["return sum(items)\n", "é 😋 漢字 x = 1\n", "a\ud800b", ""])
def test_the_spans_cover_the_text_and_spell_it(tokenizer, text):
    ids = tokenizer.encode(text)
    spans = Spelling(tokenizer).spans(ids, text)
    assert len(spans) == len(ids)
    covered = [place for start, end in spans for place in range(start, end)]
    assert sorted(set(covered)) == list(range(len(text)))
    if text.isascii():
        assert [text[start:end] for start, end in spans] == [tokenizer.decode([i]) for i in ids]


def test_a_character_of_several_tokens_belongs_to_all_of_them():
    fake = FakeTokenizer()
    assert Spelling(fake).spans(fake.encode("aé"), "aé") == [(0, 1), (1, 2), (1, 2)]


def test_ids_of_another_text_are_refused():
    fake = FakeTokenizer()
    with pytest.raises(ValueError, match="2 bytes of tokens for 3 bytes"):
        Spelling(fake).spans(fake.encode("ab"), "abc")


def test_spans_that_share_a_character_overlap():
    words = [(2, 4), (6, 9)]
    spans = [(0, 2), (1, 3), (3, 4), (4, 6), (5, 7), (8, 12), (12, 13)]
    assert overlaps(spans, words) == [-1, 0, 0, -1, 1, 1, -1]
