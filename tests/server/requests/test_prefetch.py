"""What is made ready ahead of need, when, and how it gives way."""

from __future__ import annotations

import asyncio
import threading

from homespun.server.requests.prefetch import Prefetch, View
from homespun.server.requests.scheduler import Job, Scheduler
from homespun.server.types import CompletionRequest

PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement


class Room:
    """Documents, a scheduler, and a log of what was prepared as "before accepted|after"."""

    def __init__(self, *, rest=0.0, shown=0.0, key="key"):
        self.documents = {}
        self.prepared = []
        self.failures = []
        self.key = key
        self.endless = False
        self.begun = threading.Event()
        self.scheduler = Scheduler()
        self.prefetch = Prefetch(
            self.scheduler,
            look=self.look,
            failed=self.failures.append,
            rest_seconds=rest,
            shown_seconds=shown,
        )

    def look(self, uri, offset):
        text = self.documents.get(uri)
        if text is None:
            return None
        cursor = len(text) if offset is None else min(offset, len(text))
        return View(self.prepare, CompletionRequest(text, cursor, path=uri), self.key)

    def prepare(self, request, accepted, stop):
        text, offset = request.text, request.offset
        if "RAISE" in text:
            raise RuntimeError("RAISE was in the text")
        if self.endless:
            ended = threading.Event()
            stop.on_cancel(ended.set)
            self.begun.set()
            assert ended.wait(PATIENCE_SECONDS)
            return False
        self.prepared.append(f"{text[:offset]}{accepted}|{text[offset:]}")
        return True

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(0.002)

    async def settled(self):
        """Wait until nothing is under way; what a timer holds back does not count."""
        await asyncio.sleep(0.02)
        await self.until(lambda: not self.scheduler.running() and self.prefetch._under_way is None)


def in_a_room(scenario, *, failures=(), **settings):
    async def run():
        room = Room(**settings)
        try:
            await scenario(room)
            assert [str(failure) for failure in room.failures] == list(failures)
        finally:
            room.prefetch.forget()
            room.scheduler.close()

    asyncio.run(run())


def test_a_document_is_prepared_at_its_end_when_it_is_opened():
    async def scenario(room):
        room.documents["a"] = "one\ntwo\n"
        room.prefetch.opened(["a"])
        await room.settled()
        assert room.prepared == ["one\ntwo\n|"]
        assert room.prefetch.prepared == 1

    in_a_room(scenario)


def test_of_many_documents_at_once_the_last_four_are_prepared():
    async def scenario(room):
        room.documents |= {f"{n}": f"{n}" for n in range(9)}
        room.prefetch.opened(f"{n}" for n in range(9))
        await room.settled()
        assert room.prepared == ["8|", "7|", "6|", "5|"]

    in_a_room(scenario)


def test_where_the_cursor_rests_and_where_a_suggestion_would_lead_is_prepared():
    async def scenario(room):
        room.documents["a"] = "x = \n"
        room.prefetch.moved("a", 4)
        room.prefetch.resting("a", accepted="foo()")
        await room.settled()
        await room.until(lambda: len(room.prepared) == 2)
        assert room.prepared == ["x = foo()|\n", "x = |\n"]

    in_a_room(scenario, rest=0.01)


def test_nothing_is_prepared_before_the_cursor_rests():
    async def scenario(room):
        room.documents["a"] = "x = \n"
        for _ in range(5):
            room.prefetch.moved("a", 4)
            room.prefetch.resting("a", accepted="foo()")
            await asyncio.sleep(0.001)
        await room.settled()
        assert room.prepared == []

    in_a_room(scenario, rest=60, shown=60)


def test_a_key_in_between_begins_the_rest_anew():
    async def scenario(room):
        room.documents["a"] = "x = \n"
        room.prefetch.moved("a", 4)
        room.prefetch.resting("a")
        room.prefetch.moved("a", 5)
        await asyncio.sleep(0.05)
        assert room.prepared == []
        room.prefetch.resting("a")
        await room.until(lambda: room.prepared == ["x = \n|"])

    in_a_room(scenario, rest=0.01)


def test_nothing_is_prepared_twice():
    async def scenario(room):
        room.documents["a"] = "x = \n"
        room.prefetch.moved("a", 4)
        for _ in range(3):
            room.prefetch.resting("a", accepted="foo()")
            await room.settled()
        room.documents["a"] = "x = foo()\n"  # it was accepted
        room.prefetch.moved("a", 9)
        room.prefetch.resting("a")
        await room.settled()
        assert sorted(room.prepared) == ["x = foo()|\n", "x = |\n"]
        room.key = "another adapter"
        room.prefetch.resting("a")
        await room.settled()
        assert len(room.prepared) == 3

    in_a_room(scenario)


def test_a_request_breaks_it_off_and_it_goes_on_afterwards():
    async def scenario(room):
        room.documents["a"] = "a"
        room.endless = True
        room.prefetch.opened(["a"])
        await room.until(room.begun.is_set)
        room.endless = False
        room.scheduler.request(Job(lambda stop: room.prepared.append("request")))
        await room.until(lambda: room.prepared == ["request", "a|"])

    in_a_room(scenario)


def test_an_edit_of_the_document_breaks_it_off_for_good():
    async def scenario(room):
        room.documents |= {"a": "a", "b": "b"}
        room.endless = True
        room.prefetch.opened(["b"])
        await room.until(room.begun.is_set)
        room.endless = False
        room.prefetch.opened(["a"])
        assert room.prepared == []
        room.prefetch.moved("b", 0)
        await room.settled()
        assert room.prepared == ["a|"]

    in_a_room(scenario)


def test_documents_that_are_closed_or_switched_off_are_not_prepared():
    async def scenario(room):
        room.documents |= {"a": "a"}
        room.prefetch.opened(["unknown"])
        room.prefetch.moved("a", 1)
        room.prefetch.resting("a")
        room.prefetch.closed("a")
        await room.settled()
        room.prefetch.resting("a")
        await room.settled()
        assert room.prepared == []

    in_a_room(scenario)


def test_a_renewed_model_is_prepared_at_the_last_known_cursor():
    async def scenario(room):
        room.documents["a"] = "x = \n"
        room.prefetch.moved("a", 4)
        room.prefetch.resting("a")
        await room.settled()
        room.prefetch.forget()
        room.prefetch.opened(["a"])
        await room.settled()
        assert room.prepared == ["x = |\n", "x = |\n"]

    in_a_room(scenario)


def test_a_failure_is_told_and_the_next_document_prepared():
    async def scenario(room):
        room.documents |= {"a": "a", "b": "RAISE"}
        room.prefetch.opened(["a", "b"])
        await room.settled()
        assert room.prepared == ["a|"]

    in_a_room(scenario, failures=["RAISE was in the text"])
