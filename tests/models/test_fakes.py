from __future__ import annotations

import numpy as np
import pytest

from homespun.models.errors import PromptTooLong
from homespun.models.fakes import FAKE_FIM, FakeEncoder, FakeGenerator, FakeTokenizer
from homespun.models.types import Encoder, Generator, Stop, Tokenizer


def never(text: str) -> Stop | None:
    return None


def first_line(text: str) -> Stop | None:
    return Stop(end=text.index("\n"), reason="newline") if "\n" in text else None


def generate(generator, prompt="a = ", *, max_tokens=100, stop=never, cancelled=lambda: False):
    ids = generator.tokenizer.encode(prompt)
    return generator.generate(ids, max_tokens=max_tokens, stop=stop, cancelled=cancelled)


def test_the_fakes_keep_the_protocols():
    encoder: Encoder = FakeEncoder()
    generator: Generator = FakeGenerator("x")
    tokenizer: Tokenizer = FakeTokenizer()
    assert (encoder.name, generator.name) == ("fake", "fake")
    assert tokenizer.decode(tokenizer.encode("😋 x")) == "😋 x"


def test_encoder_rows_are_unit_norm_float32_in_input_order_and_repeatable():
    texts = ["def f(): pass", "", "class A: ...", "😋"]
    rows = FakeEncoder(dimensions=16).encode(texts)
    assert rows.shape == (4, 16) and rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1, 1], abs=1e-6)
    assert np.array_equal(FakeEncoder(dimensions=16).encode(texts[::-1])[::-1], rows)


def test_encoder_puts_texts_that_share_words_nearer_than_others():
    one, near, far = FakeEncoder(dimensions=64).encode(
        ["read the config file", "write the config file", "send http request now"]
    )
    assert one @ near > 0.5 > one @ far


def test_encoder_of_nothing_returns_no_rows():
    assert FakeEncoder().encode([]).shape == (0, 32)


def test_a_control_string_in_plain_text_stays_text():
    tokenizer = FakeTokenizer()
    ids = tokenizer.encode("<|fim_middle|>")
    assert tokenizer.control("<|fim_middle|>") not in ids
    assert tokenizer.decode(ids) == "<|fim_middle|>"


def test_an_unknown_control_token_is_a_key_error():
    with pytest.raises(KeyError):
        FakeTokenizer().control("<|no_such|>")


def test_cut_utf8_decodes_to_the_replacement_character():
    assert FakeTokenizer().decode("é".encode()[:1]) == "\ufffd"


def test_render_writes_control_tokens_out_and_decode_leaves_them_away():
    tokenizer = FakeTokenizer()
    ids = [
        tokenizer.control(FAKE_FIM.prefix),
        *tokenizer.encode("é"),
        tokenizer.control("<|endoftext|>"),
    ]
    assert tokenizer.render(ids) == "<|fim_prefix|>é<|endoftext|>"
    assert tokenizer.decode(ids) == "é"


def test_generation_ends_with_the_script():
    result = generate(FakeGenerator("1 + 2"))
    assert (result.text, result.finish, result.stop_reason) == ("1 + 2", "eos", "")
    assert result.token_ids == tuple(b"1 + 2")
    assert result.prompt_tokens == 4


def test_the_score_of_what_it_says_is_its_log_probability():
    generator = FakeGenerator("1 + 2")
    assert generator.score([1, 2, 3], list(b"1 + 2")) == generate(generator).logprob
    with pytest.raises(PromptTooLong):
        FakeGenerator("", context_tokens=4).score([1, 2, 3], [4, 5])


def test_where_its_answer_may_not_come_it_says_another():
    generator = FakeGenerator("one")
    generator.others = ["other", "two"]
    ids = FakeTokenizer().encode("x = ")

    def say(*not_first):
        return generator.generate(
            ids,
            max_tokens=9,
            stop=lambda text: None,
            cancelled=lambda: False,
            not_first=[ord(character) for character in not_first],
        ).text

    assert [say(), say("o"), say("o", "t")] == ["one", "two", ""]


def test_a_stop_rule_cuts_and_names_its_reason():
    result = generate(FakeGenerator("1\n2"), stop=first_line)
    assert (result.text, result.finish, result.stop_reason) == ("1", "stop", "newline")


def test_max_tokens_counts_bytes_and_keeps_characters_whole():
    result = generate(FakeGenerator("aéé"), max_tokens=4)
    assert (result.text, result.finish) == ("aé", "length")


def test_a_cancelled_run_keeps_what_it_has():
    polls = iter([False, False, True, True])
    result = generate(FakeGenerator("abcdef"), cancelled=lambda: next(polls))
    assert (result.text, result.finish) == ("ab", "cancelled")


def test_a_script_may_read_the_prompt():
    generator = FakeGenerator(lambda prompt: prompt.upper())
    assert generate(generator, "abc").text == "ABC"
    assert generator.prompts == [tuple(b"abc")]


def test_the_common_prefix_with_the_last_run_is_reused_but_never_the_last_token():
    generator = FakeGenerator("xy")
    assert generate(generator, "abc").reused_tokens == 0
    assert generate(generator, "abc").reused_tokens == 2
    assert generate(generator, "abcxyz").reused_tokens == 5
    assert generate(generator, "aZ").reused_tokens == 1


def test_a_prompt_past_the_context_says_both_sizes():
    with pytest.raises(PromptTooLong, match=r"4 tokens and 7 new ones exceed the context of 10 "):
        generate(FakeGenerator("x", context_tokens=10), "abcd", max_tokens=7)
