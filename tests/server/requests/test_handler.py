"""From a request to an item, without a process around it: recalled, waited for, thrown away."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from lsprotocol import types as lsp

from homespun.server.lsp.protocol import DocumentVersion, InlineContext, InlineParams
from homespun.server.requests.scheduler import Scheduler
from homespun.server.types import Completion, CompletionRequest
from tests.support.desk import AUTOMATIC, BY_HAND, PATIENCE_SECONDS, Scripted, at_a_desk

URI = "file:///a.py"


@pytest.mark.parametrize(
    ("later", "is_current"),
    [
        (Scripted("bar"), True),  # another completer with the same model and settings
        (Scripted(key="other"), False),
        (None, False),
    ],
)
def test_a_target_says_whether_it_still_is_the_one_that_was_asked(later, is_current):
    async def scenario(desk):
        target = desk.target("a.py", "python")
        request = CompletionRequest("x = ", 4)
        assert target.is_still_current(request) and target.is_with(target.now())
        desk.completer = later
        assert target.is_still_current(request) is is_current
        assert not target.is_with(target.now())

    at_a_desk(scenario, Scripted())


def test_who_asks_by_hand_may_choose():
    class Several(Scripted):
        def complete(self, request, *, cancelled):
            best = super().complete(request, cancelled=cancelled)
            says = ["bar()", "baz()", "qux()"][: request.others]
            others = tuple(Completion(text, "newline", model="m") for text in says)
            return replace(best, others=others)

    async def scenario(desk):
        offset = desk.show("x = ¦\n", URI)
        version = DocumentVersion(URI)
        position = lsp.Position(0, offset)

        async def items(kind):
            params = InlineParams(version, position, InlineContext(kind))
            return (await desk.inline.complete(params)).items

        assert [item.insert_text for item in await items(AUTOMATIC)] == ["foo(a, b)"]
        listed = await items(BY_HAND)
        assert [item.insert_text for item in listed] == ["foo(a, b)", "bar()", "baz()"]
        identifiers = [item.command.arguments[0] for item in listed]
        assert len(set(identifiers)) == 3
        known = [desk.suggestions.get(identifier) for identifier in identifiers]
        assert [each.completion.text for each in known] == ["foo(a, b)", "bar()", "baz()"]
        assert desk.inline.last.id == identifiers[0]

    at_a_desk(scenario, Several())


def test_what_the_suggestion_says_is_answered_without_the_model():
    async def scenario(desk):
        assert await desk.ask("x = ¦\n") == "foo(a, b)"
        assert await desk.ask("x = f¦\n") == "oo(a, b)"
        assert await desk.ask("x = foo(a¦)\n") == ", b"
        assert len(desk.completer.asked) == 1
        assert (desk.inline.answered, desk.inline.from_cache) == (3, 2)
        assert desk.inline.last.tokens["recalled"] == 1
        assert await desk.ask("x = g¦\n") == "foo(a, b)"
        assert len(desk.completer.asked) == 2
        assert "recalled" not in desk.inline.last.tokens

    at_a_desk(scenario, Scripted())


def test_what_is_known_of_one_document_is_not_told_to_another():
    async def scenario(desk):
        await desk.ask("x = ¦\n", "a")
        await desk.ask("x = ¦\n", "b")
        assert len(desk.completer.asked) == 2

    at_a_desk(scenario, Scripted())


def test_who_asks_by_hand_asks_the_model_and_types_along_like_anybody():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        await desk.ask("x = ¦\n", kind=BY_HAND)
        assert len(desk.completer.asked) == 2
        await desk.ask("y = ¦\n", kind=BY_HAND)
        assert await desk.ask("y = f¦\n") == "oo(a, b)"
        assert len(desk.completer.asked) == 3

    at_a_desk(scenario, Scripted())


def test_silence_is_remembered_but_not_that_of_a_failure():
    async def scenario(desk):
        for _ in range(2):
            assert await desk.ask("x = 1¦\n") == ""
            assert desk.inline.last_finish == desk.completer._finish

    async def by_hand(desk):
        await desk.ask("x = 1¦\n", kind=BY_HAND)
        await desk.ask("x = 1¦\n")
        assert len(desk.completer.asked) == 2

    at_a_desk(by_hand, Scripted("", finish="filtered:empty"))
    silent, failing = Scripted("", finish="filtered:empty"), Scripted("", finish="error:E")
    at_a_desk(scenario, silent)
    at_a_desk(scenario, failing)
    assert (len(silent.asked), len(failing.asked)) == (1, 2)


def test_the_rest_of_a_suggestion_goes_by_the_id_of_the_whole():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        suggestion = desk.suggestions.last()
        await desk.ask("x = foo¦\n")
        assert desk.suggestions.last() is suggestion
        assert suggestion.taken_chars == 3
        desk.suggestions.accepted(suggestion.id)
        assert (suggestion.outcome, suggestion.taken_chars) == ("accepted", 9)
        await desk.ask("x = ¦\n")  # and it was undone
        assert desk.suggestions.last().id != suggestion.id
        assert desk.suggestions.last().completion.text == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_an_answer_that_came_too_late_is_there_for_the_next_key():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("HELD = ¦\n"))
        await desk.until(desk.completer.begun.is_set)
        desk.inline.edited("a", 8)
        assert await asking == ""
        desk.completer.go_on.set()
        desk.show("HELD = ¦\n")
        await desk.until(lambda: not desk.inline.running())
        assert await desk.ask("HELD = f¦\n") == "oo(a, b)"
        assert len(desk.completer.asked) == 1

    at_a_desk(scenario, Scripted())


def test_an_edit_answers_the_request_before_it_and_breaks_the_model_off():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(desk.completer.begun.is_set)
        desk.inline.edited("a", 6)
        assert await asking == ""
        assert desk.inline.last_finish == "cancelled"
        await desk.until(lambda: not desk.inline.running())

    at_a_desk(scenario, Scripted())


def slow_typing(desk):
    """Let the handler see keys 0.1 s apart and answers that take a second."""
    for _ in range(10):
        desk.now += 0.1
        desk.inline._debounce.typed()
        desk.inline._debounce.served(1.0, whole=True)


def test_a_request_that_waits_gives_way_to_a_newer_one_at_once():
    async def scenario(desk):
        slow_typing(desk)
        waiting = asyncio.ensure_future(desk.ask("x = ¦\n"))
        await asyncio.sleep(0)
        assert desk.completer.asked == []
        newer = asyncio.ensure_future(desk.ask("y = ¦\n"))
        assert await waiting == ""
        assert desk.inline.last_finish == "cancelled"
        assert desk.completer.asked == []
        assert await newer == "foo(a, b)"
        assert desk.completer.asked == ["y = \n"]

    at_a_desk(scenario, Scripted())


def test_keys_that_come_faster_than_answers_are_what_is_waited_for():
    async def scenario(desk):
        says = desk.completer.complete

        def slowly(request, *, cancelled):
            desk.now += 1.0
            return says(request, cancelled=cancelled)

        desk.completer.complete = slowly
        for key in range(1, 8):
            desk.now = key * 0.1
            desk.inline.edited("a", key)
            await desk.ask(f"{key} = ¦")
        desk.now = 0.8
        desk.inline.edited("a", 8)
        desk.completer.begun.clear()
        waiting = asyncio.ensure_future(desk.ask("8 = ¦"))
        await asyncio.sleep(0)
        assert not desk.completer.begun.wait(0.05)  # the event loop stands still, so does the wait
        assert await waiting == "foo(a, b)"

    at_a_desk(scenario, Scripted())


@pytest.mark.parametrize(
    ("document", "kind"),
    [("x = ¦\n", BY_HAND), ("x\n¦", AUTOMATIC), ("f(¦)", AUTOMATIC)],
    ids=["by hand", "a new line", "a bracket"],
)
def test_what_is_urgent_does_not_wait(document, kind):
    async def scenario(desk):
        slow_typing(desk)
        asking = asyncio.ensure_future(desk.ask(document, kind=kind))
        await asyncio.sleep(0)
        assert desk.completer.begun.wait(PATIENCE_SECONDS)  # though the event loop stands still
        await asking

    at_a_desk(scenario, Scripted())


def test_what_is_known_does_not_wait():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        slow_typing(desk)
        asking = asyncio.ensure_future(desk.ask("x = f¦\n"))
        await asyncio.sleep(0)
        assert asking.done()

    at_a_desk(scenario, Scripted())


def at_once(says, key):
    """A completer that answers whatever the document says."""
    completer = Scripted(says, key=key)

    def complete(request, *, cancelled):
        completer.asked.append(request.text)
        return Completion(says, "newline", model="m", tokens={"prompt": 9})

    completer.complete = complete
    return completer


def test_the_answer_of_a_model_that_was_replaced_is_thrown_away_and_the_other_model_answers():
    async def scenario(desk):
        old = desk.completer
        asking = asyncio.ensure_future(desk.ask("HELD = ¦\n"))
        await desk.until(old.begun.is_set)
        desk.completer = at_once("bar", "another adapter")
        old.go_on.set()
        assert await asking == "bar"
        assert desk.inline.last_finish == "newline"

    at_a_desk(scenario, Scripted())


def test_a_switch_of_the_model_breaks_off_what_is_under_way_and_asks_anew_and_forgets():
    async def scenario(desk):
        await desk.ask("x = ¦\n", "b")
        asking = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(lambda: len(desk.completer.asked) == 2)
        old, desk.completer = desk.completer, at_once("bar", "another adapter")
        desk.inline.renew()
        assert await asking == "bar"
        assert await desk.ask("x = ¦\n", "b") == "bar"
        desk.completer = old
        assert await desk.ask("x = ¦\n", "b") == "foo(a, b)"
        assert len(old.asked) == 3

    at_a_desk(scenario, Scripted())


def test_what_a_switch_overtook_is_not_asked_anew_behind_an_edit():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(desk.completer.begun.is_set)
        desk.completer = at_once("bar", "another adapter")
        desk.inline.renew()
        desk.inline.edited("a", 6)
        assert await asking == ""
        assert desk.inline.last_finish == "cancelled"

    at_a_desk(scenario, Scripted())


def test_what_a_switch_overtook_gives_way_to_a_newer_request():
    async def scenario(desk):
        older = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(desk.completer.begun.is_set)
        desk.completer = Scripted("bar", key="another adapter")
        desk.inline.renew()
        newer = asyncio.ensure_future(desk.ask("y = ¦\n"))
        assert await older == ""
        assert await newer == "bar"

    at_a_desk(scenario, Scripted())


def test_behind_a_switch_the_document_that_asked_last_is_served_first(monkeypatch):
    request = Scheduler.request

    def at_leisure(scheduler, job):
        is_taken = request(scheduler, job)
        time.sleep(0.05)  # so that the thread begins with the first one that comes
        return is_taken

    monkeypatch.setattr(Scheduler, "request", at_leisure)

    async def scenario(desk):
        older = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(desk.completer.begun.is_set)
        newer = asyncio.ensure_future(desk.ask("SLOW too ¦", "b"))
        await desk.until(lambda: len(desk.inline._newest) == 2)
        desk.completer = at_once("bar", "another adapter")
        desk.inline.renew()
        assert (await older, await newer) == ("bar", "bar")
        assert desk.completer.asked == ["SLOW too ", "SLOW "]

    at_a_desk(scenario, Scripted())


def test_where_the_model_goes_while_it_is_asked_the_reason_is_named():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(desk.completer.begun.is_set)
        desk.completer = None
        desk.inline.renew()
        assert await asking == ""
        assert desk.inline.last_finish == "filtered:disabled"

    completer = Scripted()
    at_a_desk(scenario, completer)


def test_settings_that_change_nothing_for_a_document_leave_its_request_alone():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("HELD = ¦\n"))
        await desk.until(desk.completer.begun.is_set)
        desk.inline.renew()
        desk.completer.go_on.set()
        assert await asking == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_a_preparation_gives_way_to_a_request_which_runs_next():
    async def scenario(desk):
        desk.show("LONG ¦")
        desk.inline.opened("a")
        await desk.until(desk.completer.begun.is_set)
        assert desk.inline.busy()
        assert await desk.ask("x = ¦", "b") == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_what_was_shown_is_prepared_as_if_accepted_and_then_where_the_cursor_rests():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        await desk.until(lambda: len(desk.completer.prepared) == 2)
        assert desk.completer.prepared == ["x = foo(a, b)¦\n", "x = ¦\n"]

    at_a_desk(scenario, Scripted())


def test_where_an_edit_ended_is_prepared_though_nobody_asks():
    async def scenario(desk):
        desk.show("x = ab¦")
        desk.inline.edited("a", 4)
        await desk.until(lambda: desk.completer.prepared == ["x = ¦ab"])

    at_a_desk(scenario, Scripted())


def test_every_open_document_is_prepared_when_the_model_is_there():
    async def scenario(desk):
        model, desk.completer = desk.completer, None
        desk.show("one¦", "a")
        desk.show("two¦", "b")
        desk.inline.opened("a")
        desk.inline.opened("b")
        await asyncio.sleep(0.02)
        desk.completer = model
        desk.inline.renew()
        await desk.until(lambda: len(model.prepared) == 2)
        assert model.prepared == ["two¦", "one¦"]

    at_a_desk(scenario, Scripted())


def test_a_key_that_fails_costs_the_answer_and_nothing_else():
    async def scenario(desk):
        asking = asyncio.ensure_future(desk.ask("HELD = ¦\n"))
        await desk.until(desk.completer.begun.is_set)
        desk.completer.key = lambda request: 1 / 0
        desk.completer.go_on.set()
        assert await asking == ""
        assert desk.inline.last_finish == "error:ZeroDivisionError"
        del desk.completer.key
        assert await desk.ask("x = ¦\n") == "foo(a, b)"

    at_a_desk(scenario, Scripted())


def test_the_last_request_is_the_one_that_came_last_however_late_an_older_one_ends():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        older = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(lambda: len(desk.completer.asked) == 2)
        assert await desk.ask("x = ¦\n") == "foo(a, b)"  # known, so it is answered first
        assert await older == ""
        assert (desk.inline.last_finish, desk.inline.last.text) == ("newline", "foo(a, b)")
        assert desk.inline.last.id == desk.suggestions.last().id

    at_a_desk(scenario, Scripted())


def test_a_cell_is_completed_behind_the_cells_above_it():
    async def scenario(desk):
        desk.show("import os\n¦", "vscode-notebook-cell:/a.ipynb#1")
        cell = "vscode-notebook-cell:/a.ipynb#2"
        desk.inline.edited("vscode-notebook-cell:/a.ipynb#1", 10, 0)
        assert await desk.ask("x = ¦", cell) == "foo(a, b)"
        assert desk.completer.asked == ["import os\n\nx = "]
        assert desk.completer.recent == [()]  # what was edited above is there already
        assert desk.suggestions.last().offset == 4
        await desk.until(lambda: len(desk.completer.prepared) == 3)
        assert set(desk.completer.prepared) == {
            "import os\n¦",
            "import os\n\nx = foo(a, b)¦",
            "import os\n\nx = ¦",
        }

    at_a_desk(scenario, Scripted())


def test_a_request_that_the_client_takes_back_is_the_last_one_too():
    async def scenario(desk):
        await desk.ask("x = ¦\n")
        asking = asyncio.ensure_future(desk.ask("SLOW ¦"))
        await desk.until(lambda: len(desk.completer.asked) == 2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert desk.inline.last_finish == "cancelled"

    at_a_desk(scenario, Scripted())
