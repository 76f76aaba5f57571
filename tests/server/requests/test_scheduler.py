"""What the one thread runs next."""

from __future__ import annotations

import threading

import pytest

from homespun.server.requests.scheduler import Job, Scheduler

PATIENCE_SECONDS = 30  # a limit against hanging, never a measurement


@pytest.fixture
def scheduler():
    scheduler = Scheduler()
    yield scheduler
    scheduler.close()


class Log:
    """What jobs ran, in their order."""

    def __init__(self):
        self.lines = []
        self._changed = threading.Condition()

    def add(self, line):
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait(self, line):
        with self._changed:
            assert self._changed.wait_for(lambda: line in self.lines, PATIENCE_SECONDS), self.lines

    def job(self, name):
        return Job(lambda stop: self.add(name))

    def endless(self, name):
        """A job that ends when it is broken off."""

        def work(stop):
            ended = threading.Event()
            stop.on_cancel(ended.set)
            self.add(f"{name} begins")
            self.add(f"{name} ends" if ended.wait(PATIENCE_SECONDS) else f"{name} hangs")

        return Job(work)


def test_the_newest_request_goes_first(scheduler):
    log = Log()
    busy = log.endless("busy")
    scheduler.request(busy)
    log.wait("busy begins")
    for name in ("1", "2", "3"):
        scheduler.request(log.job(name))
    scheduler.cancel(busy)
    log.wait("1")
    assert log.lines == ["busy begins", "busy ends", "3", "2", "1"]


def test_a_request_does_not_break_another_one_off(scheduler):
    log = Log()
    busy = log.endless("busy")
    scheduler.request(busy)
    log.wait("busy begins")
    scheduler.request(log.job("second"))
    assert not busy.stop()
    scheduler.cancel(busy)
    log.wait("second")


def test_a_preparation_is_broken_off_by_a_request_which_runs_next(scheduler):
    log = Log()
    scheduler.prepare(log.endless("preparation"))
    log.wait("preparation begins")
    scheduler.prepare(log.job("another preparation"))
    scheduler.request(log.job("request"))
    log.wait("another preparation")
    assert log.lines == [
        "preparation begins",
        "preparation ends",
        "request",
        "another preparation",
    ]


def test_a_preparation_waits_for_every_request(scheduler):
    log = Log()
    busy = log.endless("busy")
    scheduler.request(busy)
    log.wait("busy begins")
    scheduler.prepare(log.job("preparation"))
    scheduler.request(log.job("request"))
    scheduler.cancel(busy)
    log.wait("preparation")
    assert log.lines[-2:] == ["request", "preparation"]


def test_what_is_cancelled_while_it_waits_never_begins(scheduler):
    log = Log()
    busy = log.endless("busy")
    scheduler.request(busy)
    log.wait("busy begins")
    request, preparation = log.job("request"), log.job("preparation")
    scheduler.request(request)
    scheduler.prepare(preparation)
    scheduler.cancel(request)
    scheduler.cancel(preparation)
    scheduler.request(log.job("last"))
    scheduler.cancel(busy)
    log.wait("last")
    assert log.lines == ["busy begins", "busy ends", "last"]


def test_a_document_in_which_somebody_types_does_not_starve_another(scheduler):
    """Each key of A breaks its request off and asks anew, while B's waits."""
    log = Log()
    keys = [log.endless(f"A{number}") for number in range(6)]
    scheduler.request(keys[0])
    log.wait("A0 begins")
    scheduler.request(log.job("B"))
    for old, new in zip(keys[:4], keys[1:5], strict=True):
        scheduler.request(new)
        scheduler.cancel(old)
        log.wait(f"A{keys.index(new)} begins")
    begun = [line for line in log.lines if not line.endswith("ends")]
    assert begun == ["A0 begins", "A1 begins", "A2 begins", "A3 begins", "B", "A4 begins"]
    scheduler.cancel(keys[4])


def test_closing_breaks_off_what_runs_and_begins_nothing_more():
    scheduler, log = Scheduler(), Log()
    scheduler.request(log.endless("busy"))
    log.wait("busy begins")
    scheduler.request(log.job("request"))
    scheduler.prepare(log.job("preparation"))
    scheduler.close()
    log.wait("busy ends")
    assert not scheduler.request(log.job("late"))
    assert not scheduler.prepare(log.job("late"))
    assert log.lines == ["busy begins", "busy ends"]
