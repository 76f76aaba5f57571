from __future__ import annotations

import random

import pytest

from bench.typing import llama_vim as vim


class _Editor:
    """The plug-in with a server that answers when it is told to."""

    def __init__(self, text, *, busy="wait"):
        self.sent, self.shown, self.kills = [], [], 0
        self.vim = vim.Vim(
            send=self.sent.append,
            cancel=self._count_kill,
            show=lambda text, cached: self.shown.append((text, cached)),
            busy=busy,
        )
        self.vim.enter(vim.Buffer("a.py", text.split("\n")))
        self.now = 0.0

    def _count_kill(self):
        self.kills += 1

    def type(self, text, *, y=0):
        buffer = self.vim.buffer
        buffer.y = y
        buffer.lines[y] += text
        buffer.x = len(buffer.lines[y])
        buffer.modified = True
        self.vim.moved(self.now)

    def answer(self, content):
        self.vim.answered(self.now, self.sent[-1], content)

    def later(self, seconds):
        self.now += seconds
        self.vim.tick(self.now)


def test_the_context_is_cut_by_lines_and_the_typed_line_is_the_prompt():
    lines = [f"line {n}" for n in range(1000)]
    local = vim.local_context(lines, 4, 500)
    assert local.prefix.split("\n")[0] == "line 244"
    assert local.prefix.endswith("line 499\n")
    assert (local.middle, local.suffix.split("\n")[0]) == ("line", " 500")
    assert local.suffix.endswith("line 564\n")


def test_a_line_of_blanks_is_written_from_its_beginning():
    local = vim.local_context(["def f():", "    ", "x"], 4, 1)
    assert (local.middle, local.suffix, local.indent) == ("", "\nx\n", 0)


def test_the_speculative_context_is_that_behind_the_suggestion():
    local = vim.local_context(["a", "b = ", "z"], 4, 1, ["1", "c = 2", "d"])
    assert local.prefix == "a\nb = 1\nc = 2\n"
    assert (local.middle, local.suffix) == ("d", "\nz\n")
    assert vim.local_context(["a", "b = ", "z"], 4, 1, ["1"]).middle == "b = 1"


def test_a_key_asks_and_its_answer_is_shown():
    editor = _Editor("x = 1\n\ny = 2")
    editor.type("val", y=1)
    assert editor.sent[-1].body["prompt"] == "val"
    assert editor.sent[-1].body["t_max_predict_ms"] == 250
    editor.answer("ue = 3")
    assert editor.shown == [("ue = 3", False)]


def test_after_an_answer_the_next_is_asked_for_as_if_it_were_accepted():
    editor = _Editor("")
    editor.type("val")
    editor.answer("ue = 3")
    assert len(editor.sent) == 1  # the request before still counts as under way
    editor.later(0.1)
    assert editor.sent[-1].kind == "speculative"
    assert editor.sent[-1].body["prompt"] == "value = 3"
    assert editor.sent[-1].body["t_max_predict_ms"] == 1000


def test_what_is_typed_along_a_suggestion_comes_from_the_cache():
    editor = _Editor("")
    editor.type("val")
    editor.answer("ue = 3")
    editor.type("u")
    editor.type("e ")
    assert editor.shown[1:] == [("e = 3", True), ("= 3", True)]
    editor.type("+")
    assert len(editor.shown) == 3


def test_while_a_request_is_under_way_the_newest_one_waits_for_a_tenth_of_a_second():
    editor = _Editor("")
    editor.type("a")
    editor.type("b")
    editor.later(0.05)
    editor.type("c")
    editor.later(0.06)
    assert [request.body["prompt"] for request in editor.sent] == ["a"]
    editor.answer("")
    editor.later(0.1)
    assert [request.body["prompt"] for request in editor.sent] == ["a", "abc"]
    assert editor.kills == 0


def test_an_answer_does_not_shorten_the_wait():
    editor = _Editor("")
    editor.type("a")
    editor.type("b")
    editor.answer("")
    editor.later(0.09)
    assert len(editor.sent) == 1
    editor.later(0.02)
    assert len(editor.sent) == 2


def test_the_answer_to_a_key_that_was_typed_over_shows_when_it_was_typed_along():
    editor = _Editor("")
    editor.type("a")
    editor.type("b")
    editor.answer("bcd")
    assert editor.shown == [("cd", False)]


def test_the_older_policy_closes_the_request_under_way():
    editor = _Editor("", busy="kill")
    editor.type("a")
    editor.type("b")
    assert [request.body["prompt"] for request in editor.sent] == ["a", "ab"]
    assert editor.kills == 1


def test_nothing_is_asked_with_much_text_right_of_the_cursor():
    editor = _Editor("call(argument)")
    editor.vim.buffer.x = 5
    editor.vim.moved(0.0)
    assert editor.sent == []


@pytest.mark.parametrize("content", ["", "\n", "   "])
def test_an_empty_answer_is_an_answer(content):
    editor = _Editor("")
    editor.type("a")
    editor.answer(content)
    assert editor.shown == [("", False)]


@pytest.mark.parametrize(
    ("content", "lines", "shown"),
    [
        ("b\n", ["a", "c"], ["b"]),
        ("\nc\nd", ["a", "c", "d"], [""]),
        ("b", ["a", "ab"], [""]),
        ("b", ["a", "", "ab"], [""]),
        ("b\nc", ["a", "ab", "cd"], [""]),
        ("b\nx", ["a", "ab", "cd"], ["b", "x"]),
        ("b\nc\nd", ["a", "ab", "c", "d"], [""]),
    ],
)
def test_suggestions_that_repeat_what_follows_are_withheld(content, lines, shown):
    assert vim.to_show(content, lines, 1, 0)[0] == shown


def test_blanks_that_stand_on_the_line_are_not_shown_again():
    assert vim.to_show("        x = 1", ["    "], 4, 0) == (["    x = 1"], True)


def test_the_cache_holds_250_answers_and_forgets_the_least_recently_used():
    cache = vim.ResultCache()
    for number in range(250):
        cache.insert(str(number), "x")
    cache.get("0")
    cache.insert("250", "x")
    assert len(cache) == 250
    assert cache.get("0") == "x" and cache.get("1") is None


def test_an_answer_is_found_again_when_up_to_three_lines_have_scrolled_out():
    local = vim.Local("1\n2\n3\n4\n5\n", "m", "s", 0)
    scrolled = [vim.key_of(f"{prefix}m", "s") for prefix in ("2\n3\n4\n5\n", "4\n5\n", "5\n")]
    assert [key in vim.keys_of(local) for key in scrolled] == [True, True, False]


def test_the_cache_looks_back_128_characters():
    cache = vim.ResultCache()
    cache.insert(vim.key_of("p", "s"), "a" * 200)
    assert cache.near(vim.Local("p", "a" * 128, "s", 0)) == "a" * 72
    assert cache.near(vim.Local("p", "a" * 129, "s", 0)) is None
    assert cache.near(vim.Local("p", "ab", "s", 0)) is None


def test_the_ring_takes_parts_of_32_lines_and_drops_what_is_like_the_text_at_the_cursor():
    ring = vim.Ring(random.Random(0))
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
    ring = vim.Ring(random.Random(0))
    for number in range(20):
        text = [f"a{number}x{line}" for line in range(4)]
        for _ in range(2):
            ring.pick("a.py", text, evict=True)
        ring.take_one()
    assert len(ring.chunks) == 16
    assert ring.chunks[-1][1][0] == "a19x0"


def test_a_new_chunk_replaces_one_that_is_nearly_the_same_or_is_not_taken():
    ring = vim.Ring(random.Random(0))
    old, new = [[f"word{n}" for n in range(30)] + [end] for end in ("old", "new")]
    ring.pick("a.py", old, evict=True)
    ring.pick("b.py", new, evict=False)
    assert ring.queued == [("a.py", old)]
    ring.pick("b.py", new, evict=True)
    assert ring.queued == [("b.py", new)]
    ring.pick("c.py", new, evict=True)
    assert ring.queued == [("b.py", new)]


def test_the_oldest_chunks_go_when_they_do_not_fit_the_budget_together():
    ring = vim.Ring(random.Random(0), fits=lambda texts: sum(map(len, texts)) <= 40)
    for word in ("aaaa", "bbbb", "cccc"):
        ring.pick("a.py", [word, word + "1", word + "2"], evict=True)
        ring.take_one()
    assert [text[0] for _, text in ring.chunks] == ["bbbb", "cccc"]
    ring.pick("a.py", ["much", "too", "l" * 40], evict=True)
    assert ring.take_one()
    assert [text[0] for _, text in ring.chunks] == ["bbbb", "cccc"]


def test_a_chunk_in_use_is_read_by_the_server_before_it_is_needed():
    editor = _Editor("\n".join(f"line{n}" for n in range(10)))
    assert editor.vim.update_ring()
    assert editor.sent[-1].kind == "ring"
    assert editor.sent[-1].body["n_predict"] == 0
    assert len(editor.sent[-1].body["input_extra"]) == 1
    assert not editor.vim.update_ring()
