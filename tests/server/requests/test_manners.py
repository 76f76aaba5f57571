"""What was dismissed stays away, a cursor that only moves is left alone, nothing flickers."""

from __future__ import annotations

import pytest

from tests.support.desk import BY_HAND, Scripted, at_a_desk

BELOW = "\n\ndef other():\n    pass\n"


async def dismiss(desk, document, uri="a"):
    """Have a suggestion shown and taken away; return its text."""
    text = await desk.ask(document, uri)
    desk.inline.dismissed(desk.inline.last.id, "")
    return text


def test_what_was_dismissed_does_not_come_back_at_that_place():
    async def scenario(desk):
        assert await dismiss(desk, "x = ¦" + BELOW) == "foo(a, b)"
        assert await desk.ask("x = ¦" + BELOW) == ""
        assert desk.inline.last_finish == "filtered:dismissed"
        assert await desk.ask("x = fo¦" + BELOW) == ""  # nor while it is typed along
        assert await desk.ask("x = foo(¦)" + BELOW) == ""

    at_a_desk(scenario, Scripted())


def test_it_does_not_come_back_where_the_place_has_moved_down():
    async def scenario(desk):
        await dismiss(desk, "one\ntwo\nx = ¦" + BELOW)
        assert await desk.ask("import os\none\ntwo\nx = ¦" + BELOW) == ""

    at_a_desk(scenario, Scripted())


def test_another_suggestion_may_come_where_one_was_dismissed():
    async def scenario(desk):
        await dismiss(desk, "x = ¦" + BELOW)
        desk.inline._cache.clear()
        desk.completer.says = "bar()"
        assert await desk.ask("x = ¦" + BELOW) == "bar()"

    at_a_desk(scenario, Scripted())


@pytest.mark.parametrize(
    "document",
    ["x = g¦" + BELOW, "y = ¦" + BELOW, "x = ¦ + 1" + BELOW, "one\nx = ¦" + BELOW],
    ids=["typed otherwise", "another line", "something behind it", "another line above"],
)
def test_what_was_dismissed_may_come_where_the_text_is_another(document):
    async def scenario(desk):
        await dismiss(desk, "x = ¦" + BELOW)
        assert await desk.ask(document) == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_a_text_that_has_changed_otherwise_and_back_is_asked_about_anew():
    async def scenario(desk):
        await dismiss(desk, "x = ¦" + BELOW)
        await desk.ask("x = g¦" + BELOW)
        assert await desk.ask("x = ¦" + BELOW) == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_who_asks_by_hand_gets_what_was_dismissed_and_it_may_come_again():
    async def scenario(desk):
        await dismiss(desk, "x = ¦" + BELOW)
        assert await desk.ask("x = ¦" + BELOW, kind=BY_HAND) == "foo(a, b)"
        assert await desk.ask("x = ¦" + BELOW) == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_a_client_that_knows_no_id_dismisses_what_is_on_display_in_a_document():
    async def scenario(desk):
        await desk.ask("x = ¦" + BELOW)
        desk.inline.dismissed("", "b")  # of another document, and one that nobody knows
        desk.inline.dismissed("unknown", "")
        assert await desk.ask("x = ¦" + BELOW) == "foo(a, b)"
        desk.inline.dismissed("", "a")
        assert await desk.ask("x = ¦" + BELOW) == ""

    at_a_desk(scenario, Scripted())


def test_a_cursor_that_only_moves_is_left_alone():
    async def scenario(desk):
        assert await desk.ask("x = ¦\ny = \n") == "foo(a, b)"
        assert await desk.ask("x = \ny = ¦\n") == ""
        assert desk.inline.last_finish == "filtered:cursor-moved"
        assert await desk.ask("x = ¦\ny = \n") == "foo(a, b)"  # back where it was written
        assert await desk.ask("x = \ny = ¦\n", kind=BY_HAND) == "foo(a, b)"
        assert await desk.ask("x = \ny = ¦\n") == "foo(a, b)"
        assert len(desk.completer.asked) == 2

    at_a_desk(scenario, Scripted())


def test_an_edit_elsewhere_does_not_make_a_place_one_that_is_written_at():
    async def scenario(desk):
        desk.inline.edited("a", 4, 0, 0)
        assert await desk.ask("x = \ny = ¦\n") == ""
        desk.inline.edited("a", 8, 1, 1)
        assert await desk.ask("x = \ny = ¦\n") == "foo(a, b)"
        desk.inline.edited("a", None)  # a client that sends whole documents
        assert await desk.ask("x = \nz = \ny = ¦\n") == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_a_repository_that_changes_does_not_change_what_is_on_display():
    async def scenario(desk):
        await desk.ask("z = ¦\n")
        await desk.ask("x = ¦\n")
        desk.inline.forget()
        desk.completer.says = "foo(b)"
        assert await desk.ask("x = fo¦\n") == "o(a, b)"
        assert await desk.ask("z = ¦\n") == "foo(b)"

    at_a_desk(scenario, Scripted())


def test_the_end_of_an_answer_that_was_cut_is_gone_on_with_and_never_replaced():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        desk.completer.says = "d)"
        assert await desk.ask("x = foo(a¦\n") == ", b"  # the model was asked how it goes on
        assert len(desk.completer.asked) == 2
        assert await desk.ask("x = foo(a¦\n") == ", b"
        desk.completer.says = " b, c)"
        assert await desk.ask("x = foo(a,¦\n") == " b, c)"

    at_a_desk(scenario, Scripted("foo(a, b", finish="length"))
