"""Near copies are found, and what only resembles is not one."""

from __future__ import annotations

import random

from homespun.training.sources.near_duplicates import near_duplicates, shingles, similarity

WORDS = [f"word{n}" for n in range(4_000)]


def text(seed, length=400):
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def changed(original, every):
    words = original.split()
    words[::every] = ["other"] * len(words[::every])
    return " ".join(words)


def test_similarity_is_that_of_the_runs_of_five_tokens():
    one, other = shingles("a b c d e f g"), shingles("a b c d e f h")
    assert len(one) == 3
    assert similarity(one, other) == 2 / 4
    assert similarity(one, one) == 1.0
    assert similarity(shingles(""), shingles("")) == 0.0


def test_layout_does_not_count_and_names_do():
    assert list(shingles("f(a,  b)\n\n")) == list(shingles("f( a, b )"))
    assert list(shingles("f(a, b)")) != list(shingles("f(a, c)"))


def test_short_texts_are_compared_as_a_whole():
    assert near_duplicates(["a b", "a b", "a c", "", ""], threshold=0.7) == {1: 0}


def test_of_near_copies_the_first_is_kept():
    base = text(1)
    near = changed(base, 80)  # 5 of 400 words: 25 of 396 runs
    texts = [text(2), base, near, text(3), base]
    assert near_duplicates(texts, threshold=0.7) == {2: 1, 4: 1}


def test_what_lies_below_the_threshold_stays():
    base = text(1)
    assert similarity(shingles(base), shingles(changed(base, 25))) < 0.7
    assert near_duplicates([base, changed(base, 25)], threshold=0.7) == {}


def test_hundreds_of_pairs_at_the_threshold_are_all_found():
    bases = [text(seed, 200) for seed in range(150)]
    copies = [changed(base, 40) for base in bases]
    pairs = zip(bases, copies, strict=True)
    assert min(similarity(shingles(one), shingles(other)) for one, other in pairs) > 0.7
    expected = {150 + n: n for n in range(150)}
    assert near_duplicates([*bases, *copies], threshold=0.7) == expected
