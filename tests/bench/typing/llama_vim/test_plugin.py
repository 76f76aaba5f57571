"""llama.vim's policy: what it asks and when, and what it shows."""

from __future__ import annotations

import pytest

from bench.typing.llama_vim.context import Buffer
from bench.typing.llama_vim.plugin import Vim


class _Editor:
    """The plug-in with a server that answers when it is told to."""

    def __init__(self, text, *, busy="wait"):
        self.sent, self.shown, self.kills = [], [], 0
        self.vim = Vim(
            send=self.sent.append,
            cancel=self._count_kill,
            show=lambda text, cached: self.shown.append((text, cached)),
            busy=busy,
        )
        self.vim.enter(Buffer("a.py", text.split("\n")))
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


def test_a_chunk_in_use_is_read_by_the_server_before_it_is_needed():
    editor = _Editor("\n".join(f"line{n}" for n in range(10)))
    assert editor.vim.update_ring()
    assert editor.sent[-1].kind == "ring"
    assert editor.sent[-1].body["n_predict"] == 0
    assert len(editor.sent[-1].body["input_extra"]) == 1
    assert not editor.vim.update_ring()
