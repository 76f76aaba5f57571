"""llama.vim's answers are found again."""

from __future__ import annotations

from bench.typing.llama_vim.cache import ResultCache, key_of, keys_of
from bench.typing.llama_vim.context import Local


def test_the_cache_holds_250_answers_and_forgets_the_least_recently_used():
    cache = ResultCache()
    for number in range(250):
        cache.insert(str(number), "x")
    cache.get("0")
    cache.insert("250", "x")
    assert len(cache) == 250
    assert cache.get("0") == "x" and cache.get("1") is None


def test_an_answer_is_found_again_when_up_to_three_lines_have_scrolled_out():
    local = Local("1\n2\n3\n4\n5\n", "m", "s", 0)
    scrolled = [key_of(f"{prefix}m", "s") for prefix in ("2\n3\n4\n5\n", "4\n5\n", "5\n")]
    assert [key in keys_of(local) for key in scrolled] == [True, True, False]


def test_the_cache_looks_back_128_characters():
    cache = ResultCache()
    cache.insert(key_of("p", "s"), "a" * 200)
    assert cache.near(Local("p", "a" * 128, "s", 0)) == "a" * 72
    assert cache.near(Local("p", "a" * 129, "s", 0)) is None
    assert cache.near(Local("p", "ab", "s", 0)) is None
