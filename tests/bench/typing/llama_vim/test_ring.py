"""llama.vim's chunks of other files."""

from __future__ import annotations

import random

from bench.typing.llama_vim.ring import Ring


def test_the_ring_takes_parts_of_32_lines_and_drops_what_is_like_the_text_at_the_cursor():
    ring = Ring(random.Random(0))
    lines = [f"word{n} other{n}" for n in range(200)]
    ring.pick("a.py", lines, evict=True)
    ring.pick("a.py", ["no", "more"], evict=True)
    assert ring.take_one() and not ring.take_one()
    (chunk,) = ring.extra()
    assert chunk["filename"] == "a.py" and chunk["text"].count("\n") == 33
    ring.drop_like(["nothing in common"])
    assert len(ring.chunks) == 1
    ring.drop_like(chunk["text"].split("\n"))
    assert ring.chunks == []


def test_the_ring_holds_16_chunks_and_none_twice():
    ring = Ring(random.Random(0))
    for number in range(20):
        text = [f"a{number}x{line}" for line in range(4)]
        for _ in range(2):
            ring.pick("a.py", text, evict=True)
        ring.take_one()
    assert len(ring.chunks) == 16
    assert ring.chunks[-1][1][0] == "a19x0"


def test_a_new_chunk_replaces_one_that_is_nearly_the_same_or_is_not_taken():
    ring = Ring(random.Random(0))
    old, new = [[f"word{n}" for n in range(30)] + [end] for end in ("old", "new")]
    ring.pick("a.py", old, evict=True)
    ring.pick("b.py", new, evict=False)
    assert ring.queued == [("a.py", old)]
    ring.pick("b.py", new, evict=True)
    assert ring.queued == [("b.py", new)]
    ring.pick("c.py", new, evict=True)
    assert ring.queued == [("b.py", new)]


def test_the_oldest_chunks_go_when_they_do_not_fit_the_budget_together():
    ring = Ring(random.Random(0), fits=lambda texts: sum(map(len, texts)) <= 40)
    for word in ("aaaa", "bbbb", "cccc"):
        ring.pick("a.py", [word, word + "1", word + "2"], evict=True)
        ring.take_one()
    assert [text[0] for _, text in ring.chunks] == ["bbbb", "cccc"]
    ring.pick("a.py", ["much", "too", "l" * 40], evict=True)
    assert ring.take_one()
    assert [text[0] for _, text in ring.chunks] == ["bbbb", "cccc"]
