"""What is timed, what becomes of it, and what it costs nobody where it goes wrong."""

from __future__ import annotations

import threading

import pytest

from homespun.traces.recorder import MAX_WAITING, Recorder, current_recorder, use_recorder
from homespun.traces.span import Span, is_trace_id, root_id
from homespun.traces.traced import traced


class Shelf:
    """A sink that keeps what it gets."""

    def __init__(self):
        self.taken = []
        self.is_closed = False

    def take(self, spans):
        self.taken.append(list(spans))

    def close(self):
        self.is_closed = True


class Broken(Shelf):
    def take(self, spans):
        raise OSError("the disk is full")


@pytest.fixture
def shelf():
    shelf = Shelf()
    use_recorder(Recorder([shelf]))
    yield shelf
    use_recorder(None)


def test_what_is_within_is_a_part_of_the_whole(shelf):
    @traced("inner")
    def inner():
        with traced("innermost") as told:
            told["found"] = 3

    with traced("whole"):
        inner()
        inner()
    use_recorder(None)
    (spans,) = shelf.taken
    whole, *parts = spans
    assert whole.name == "whole" and whole.parent_id == "" and is_trace_id(whole.trace_id)
    assert whole.span_id == root_id(whole.trace_id)
    assert sorted(part.name for part in parts) == ["inner", "inner", "innermost", "innermost"]
    assert {part.trace_id for part in parts} == {whole.trace_id}
    inners = {part.span_id: part for part in parts if part.name == "inner"}
    assert {part.parent_id for part in inners.values()} == {whole.span_id}
    for part in parts:
        assert whole.start_ns <= part.start_ns <= part.end_ns <= whole.end_ns
        if part.name == "innermost":
            assert part.parent_id in inners and part.attributes == {"found": 3}
    assert shelf.is_closed


def test_two_works_are_two_traces_and_threads_do_not_mix(shelf):
    def elsewhere():
        with traced("other"):
            pass

    with traced("one"):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    with traced("two"):
        pass
    use_recorder(None)
    assert [[span.name for span in spans] for spans in shelf.taken] == [["other"], ["one"], ["two"]]
    assert len({spans[0].trace_id for spans in shelf.taken}) == 3


def test_a_failure_is_marked_and_passed_on(shelf):
    with pytest.raises(KeyError), traced("whole"), traced("part"):
        raise KeyError("x")
    with traced("later"):
        pass
    use_recorder(None)
    assert [[span.is_error for span in spans] for spans in shelf.taken] == [[True, True], [False]]
    assert shelf.taken[1][0].parent_id == ""


def test_where_nobody_wants_traces_nothing_is_kept():
    assert current_recorder() is None
    with traced("whole") as told:
        told["found"] = 1


def test_a_sink_that_fails_costs_the_others_nothing_and_is_said_once(caplog):
    shelf = Shelf()
    recorder = Recorder([Broken(), shelf])
    for _ in range(3):
        recorder.note(lambda: [Span("x", "0" * 32, "0" * 16, 1, 2)])
    recorder.note(lambda: 1 / 0)
    recorder.close()
    assert len(shelf.taken) == 3
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "a trace is lost: the disk is full"
    ]


def test_who_is_traced_never_waits():
    held, begun = threading.Event(), threading.Event()

    def slow():
        begun.set()
        held.wait(30)
        return []

    recorder = Recorder([Shelf()])
    recorder.note(slow)
    assert begun.wait(30)
    for _ in range(MAX_WAITING + 5):
        recorder.note(list)
    assert recorder.dropped == 5
    held.set()
    recorder.close()
