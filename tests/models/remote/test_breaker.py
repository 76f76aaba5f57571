"""A server that does not answer is left alone, for longer each time, and tried by one request."""

from __future__ import annotations

import pytest

from homespun.models.remote.wire.breaker import CircuitBreaker


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(clock)


def test_it_opens_after_three_failures_in_a_row(breaker):
    for _ in range(2):
        breaker.failed("down")
    breaker.succeeded()
    for _ in range(2):
        breaker.failed("down")
    assert breaker.admit() == ""
    breaker.failed("down")
    assert breaker.admit() == "down"


def test_one_request_tries_after_a_rest_and_its_success_closes_it(breaker, clock):
    breaker.failed("refused", for_good=True)
    assert breaker.admit() == "refused"
    clock.now += 5.0
    assert [breaker.admit(), breaker.admit()] == ["", "refused"]
    breaker.succeeded()
    assert [breaker.admit(), breaker.admit()] == ["", ""]


def test_it_rests_twice_as_long_after_each_try_that_fails_and_a_minute_at_most(breaker, clock):
    breaker.failed("down", for_good=True)
    rests = []
    for _ in range(6):
        began = clock.now
        while breaker.admit():
            clock.now += 1.0
        rests.append(clock.now - began)
        breaker.failed("down")
    assert rests == [5, 10, 20, 40, 60, 60]


def test_a_try_that_is_cancelled_says_nothing(breaker, clock):
    breaker.failed("down", for_good=True)
    clock.now += 5.0
    assert breaker.admit() == ""
    breaker.left()
    assert breaker.admit() == ""


def test_it_rests_as_long_as_the_server_asks_and_a_minute_at_most(breaker, clock):
    breaker.failed("busy", rest_seconds=30.0)
    clock.now += 29.0
    assert breaker.admit() == "busy"
    clock.now += 1.0
    assert breaker.admit() == ""
    breaker.failed("busy", rest_seconds=3600.0)
    clock.now += 60.0
    assert breaker.admit() == ""


def test_it_opens_where_the_next_key_comes_before_any_answer_six_seconds_long(breaker):
    for _ in range(39):
        breaker.left(0.15)
    assert breaker.admit() == ""
    breaker.left(0.15)
    assert breaker.admit() == "it does not answer while its answers are wanted"


def test_an_answer_ends_the_silence(breaker):
    for _ in range(39):
        breaker.left(0.15)
    breaker.succeeded()
    breaker.left(0.15)
    assert breaker.admit() == ""


def test_silence_after_a_rest_opens_it_for_twice_as_long(breaker, clock):
    breaker.left(6.0)
    clock.now += 5.0
    assert breaker.admit() == ""
    breaker.left(3.0)
    assert breaker.admit() == ""
    breaker.left(3.0)
    clock.now += 9.9
    assert breaker.admit()
    clock.now += 0.2
    assert breaker.admit() == ""
