"""What is shown and not learned; what was learned before; which words stand once."""

from __future__ import annotations

from homespun.training.weighing.rare_words import RareWords
from homespun.training.weighing.repeats import LearnedLines
from homespun.training.weighing.shown_only import licence_end, shown_only

LICENCE = "# Copyright (c) 2024 The House\n# All rights reserved.\n\n"


def test_a_licence_is_shown_only():
    text = f'{LICENCE}import os\nKEY = "k3j9x2m7q8w1z5t0"\n'
    head, key = shown_only(text, "python")
    assert text[: head[1]] == LICENCE
    assert text[slice(*key)] == "k3j9x2m7q8w1z5t0"


def test_a_licence_between_stars_is_one_and_other_comments_are_none():
    text = "/*\n * Licensed under the Apache License, Version 2.0\n */\npackage main\n"
    assert text[licence_end(text) :] == "package main\n"
    assert licence_end("# Adds numbers.\nimport os\n") == 0
    assert licence_end("import os\n# Copyright 2024\n") == 0


def claimed(lines, text, start=0, end=None):
    spans = lines.claim(text, start, len(text) if end is None else end)
    return [text[slice(*span)] for span in spans]


LINE = "    logger.info('the cart of %s is empty', name)\n"


def test_a_line_counts_once_however_it_is_indented():
    lines = LearnedLines()
    assert claimed(lines, LINE) == []
    assert claimed(lines, f"def empty():\n{LINE.replace('    ', '        ')}") == [
        LINE.replace("    ", "        ")
    ]
    assert claimed(lines, LINE + LINE) == [LINE, LINE]


def test_a_part_of_a_line_stands_for_the_line():
    lines = LearnedLines()
    assert claimed(lines, LINE, 20) == []
    assert claimed(lines, LINE, 30, 40) == [LINE[30:40]]


def test_a_short_line_is_new_each_time():
    lines = LearnedLines()
    for _ in range(3):
        assert claimed(lines, "        return total(items)\n") == []


def rare(words, text):
    return [text[slice(*span)] for span in words.spans(text, 0, len(text))]


def test_a_word_is_rare_where_the_files_have_it_once():
    words = RareWords([("a.py", "cart = basket\nhunter2 = cart"), ("b.py", "basket")])
    assert rare(words, "basket hunter2 cart unheard") == ["hunter2", "unheard"]


def test_the_states_of_a_file_are_one_file():
    before, after = "password = falcon\n", "password = falcon\npassword = meadow\n"
    words = RareWords([("a.py", before), ("a.py", after), ("a.py", after)])
    assert rare(words, after) == ["falcon", "meadow"]


def test_a_word_that_is_cut_counts_whole():
    words = RareWords([("a.py", "total_price\ntotal_price falcon")])
    text = "total_price falcon"
    assert [text[slice(*s)] for s in words.spans(text, 3, 15)] == ["fal"]
