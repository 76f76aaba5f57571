"""What is learned from an example: which tokens carry loss, and how much."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from homespun.models.fakes import FAKE_FIM, FakeGenerator
from homespun.server.prompt.render import Snippet
from homespun.training.dataset.examples import Example, ExampleEncoder, encode_all
from homespun.training.lessons.write import ANSWERS_ALONE, LessonRules, lessons

KEY = "k3j9x2m7q8w1z5t0"
LICENCE = "# Copyright (c) 2024 The House\n# All rights reserved.\n\n"
DOCUMENT = f'''{LICENCE}"""Carts. é 😋"""
import os

API = "{KEY}"

def total_of_all_the_items(items, currency):
    prices = [item.price for item in items]
    logger.info("the total of %s items", len(items))
    return sum(prices) * rates[currency]

def empty_the_cart(items):
    items.clear()
    return None
'''
RETURN = "sum(prices) * rates[currency]"
SNIPPET = Snippet("shop/item.py", 1, 1, "class Item: pass\n", 1.0, "definition")
BOTH = LessonRules(prompt_share=0.5, more_holes=4)


def hole(middle, document=DOCUMENT, *, name="a", path="shop/cart.py", **settings):
    start = document.index(middle)
    end = start + len(middle)
    return Example(
        name,
        "shop",
        path,
        "python",
        document[:start],
        middle,
        document[end:],
        "line",
        **settings,
    )


def written(*examples, rules, budget=4000):
    fake = FakeGenerator("")
    encoder = ExampleEncoder(fake.tokenizer, fake.fim)
    return lessons(examples, encoder, rules=rules, plain=(budget,), context=(budget,), seed=0)


def learned(one, *, first=0, end=None):
    """The text of what carries loss; the end token is a dollar."""
    eos = FakeGenerator("").tokenizer.control(FAKE_FIM.end[0])
    shown = [
        (b"$" if token == eos else bytes([token]))
        for token, weight in list(zip(one.ids, one.weights, strict=True))[first:end]
        if weight
    ]
    return b"".join(shown).decode()


def test_the_older_form_is_the_answer_alone_all_tokens_alike():
    fake = FakeGenerator("")
    encoder = ExampleEncoder(fake.tokenizer, fake.fim)
    rows = [hole(RETURN), hole(RETURN, name="b")]
    old = encode_all(rows, encoder, plain=(4000,), context=(4000,), seed=0)
    new = written(*rows, rules=ANSWERS_ALONE)
    assert [(one.ids, one.start) for one in new] == [(one.ids, one.start) for one in old]
    for one in new:
        count = len(one.ids) - one.start
        assert one.weights == (0.0,) * one.start + (pytest.approx(count**-0.5),) * count
        assert set(one.rare) == {-1}


def test_a_key_in_a_hole_carries_no_loss_and_what_stands_around_it_does():
    (one,) = written(hole(f'"{KEY}"'), rules=LessonRules())
    assert learned(one) == 'API = ""$'
    assert sum(weight > 0 for weight in one.weights) == 9
    assert max(one.weights) == pytest.approx(1 / 3)


def test_a_hole_that_is_nothing_but_a_key_is_no_lesson():
    document = f"KEYS = [\n    {KEY!r},\n]\n"
    inside = hole(KEY, document)
    assert learned(written(inside, rules=LessonRules())[0]) == "    '',$"
    alone = replace(inside, prefix=f"{KEY}\n", middle=KEY, suffix="\n", language="text")
    assert written(alone, rules=LessonRules()) == []


def test_a_line_is_learned_once_however_often_it_stands():
    one, two = hole(RETURN), hole(RETURN, name="b", path="shop/other.py")
    assert [found.id for found in written(one, two, rules=LessonRules())] == ["a"]
    assert len(written(one, two, rules=ANSWERS_ALONE)) == 2


def test_words_that_stand_once_are_numbered_and_no_others():
    (one,) = written(hole(RETURN), rules=LessonRules())
    words = {}
    for token, number in zip(one.ids, one.rare, strict=True):
        words[number] = words.get(number, "") + chr(token) if number >= 0 else ""
    del words[-1]
    assert list(words.values()) == ["sum", "rates"]


def test_rare_words_of_prompt_and_answer_have_numbers_of_their_own():
    (one,) = written(hole(RETURN), rules=BOTH)
    places = {}
    for place, number in enumerate(one.rare):
        if number >= 0:
            places.setdefault(number, []).append(place)
    assert len(places) > 12
    for found in places.values():
        assert found == list(range(found[0], found[-1] + 1))


def test_what_follows_a_hole_on_its_line_is_not_learned_from_the_prompt():
    rules = LessonRules(prompt_share=0.5, learns_lines_once=False)
    (one,) = written(hole("sum(prices)"), rules=rules)
    prompt = learned(one, end=one.start)
    assert "rates" not in prompt and "def empty_the_cart" in prompt


def test_a_prompts_own_code_is_learned_and_nothing_else_that_it_shows():
    (one,) = written(
        hole(RETURN, snippets=(SNIPPET,)), rules=LessonRules(prompt_share=0.5, more_holes=0)
    )
    prompt = learned(one, end=one.start)
    assert prompt == (
        '"""Carts. é 😋"""\nimport os\n\nAPI = ""\n\n'
        "def total_of_all_the_items(items, currency):\n"
        "    prices = [item.price for item in items]\n"
        '    logger.info("the total of %s items", len(items))\n'
        "\ndef empty_the_cart(items):\n    items.clear()\n    return None\n"
    )
    assert learned(one, first=one.start) == f"    return {RETURN}$"
    count = sum(weight > 0 for weight in one.weights[: one.start])
    assert sum(one.weights[: one.start]) == pytest.approx(0.5 * math.sqrt(count))


def test_a_line_that_is_asked_for_is_not_learned_from_a_prompt_as_well():
    one, two = written(
        hole(RETURN), hole("items.clear()", name="b"), rules=LessonRules(prompt_share=0.5)
    )
    assert RETURN not in learned(two, end=two.start)
    assert "def total_of_all_the_items" in learned(one, end=one.start)
    assert "def total_of_all_the_items" not in learned(two, end=two.start)


def sequences(one):
    """The ids of each hole, from the first id to its end."""
    strands = one.strands
    parents = {strand.parent for strand in strands}
    for number, strand in enumerate(strands):
        if number in parents:
            continue
        ids: list[int] = []
        while True:
            ids = one.ids[strand.start : strand.end] + ids
            if strand.parent < 0:
                break
            strand = strands[strand.parent]
        yield ids


def test_more_holes_are_prompts_as_the_server_sends_them():
    fake = FakeGenerator("")
    (one,) = written(hole(RETURN, snippets=(SNIPPET,)), rules=BOTH)
    found = list(sequences(one))
    assert len(found) >= 3 and sum(map(len, found)) > 1.3 * len(one.ids)
    encoder = ExampleEncoder(fake.tokenizer, fake.fim)
    for ids in found[1:]:
        text = fake.tokenizer.render(ids)
        begin = text.index(LICENCE)
        before, _, rest = text[begin:].partition(FAKE_FIM.suffix)
        behind, _, answer = rest.partition(FAKE_FIM.middle)
        line = answer.removesuffix(FAKE_FIM.end[0])
        assert f"{before}{line}" in DOCUMENT
        asked = Example("x", "shop", "shop/cart.py", "python", before, line, behind, "line")
        again = encoder.encode(replace(asked, snippets=(SNIPPET,)), budget=8000)
        assert again.ids == ids


def test_more_holes_teach_their_answers_alone_and_each_line_once():
    (one,) = written(hole(RETURN), rules=LessonRules(more_holes=8))
    trunk = next(n for n, strand in enumerate(one.strands) if strand.end > one.start)
    taught = [learned(one, first=s.start, end=s.end) for s in one.strands[trunk + 1 :]]
    assert len(taught) >= 3 and len(set(taught)) == len(taught)
    assert all(text.endswith("$") and text[:-1] in DOCUMENT.split("\n") for text in taught)
    assert not learned(one, end=one.strands[0].end)


def test_the_same_seed_gives_the_same_lessons():
    rows = [hole(RETURN), hole("items.clear()", name="b")]
    assert written(*rows, rules=BOTH) == written(*rows, rules=BOTH)


def test_a_masked_secret_is_not_asked_for():
    document = DOCUMENT.replace("item.price for item in items", "*" * 16)
    for seed in range(6):
        rows = [hole(RETURN, document, name=str(seed))]
        (one,) = written(*rows, rules=LessonRules(more_holes=8, prompt_share=0.5))
        assert "*" * 3 not in learned(one)
        for strand in one.strands:
            own = bytes(i for i in one.ids[strand.start : strand.end] if i < 256)
            assert not own.endswith(b"**]")


def test_a_short_line_is_asked_for_once_as_well():
    tail = "    return None\n\ndef last_of_all_the_carts(carts):\n    return carts[-1]\n"
    document = DOCUMENT.replace("    return None\n", tail)
    rows = [hole("carts[-1]", document, name=str(n)) for n in range(6)]
    rules = replace(ANSWERS_ALONE, more_holes=8)
    asked = [
        learned(one, first=s.start, end=s.end)
        for one in written(*rows, rules=rules)
        for s in one.strands
    ]
    assert asked.count("    items.clear()$") == 1
