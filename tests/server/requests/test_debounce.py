"""How long is waited after a key."""

from __future__ import annotations

import pytest

from homespun.server.requests.debounce import Debounce, is_urgent


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def watching(*, interval, service, keys=10, whole=True):
    """A debounce that has seen keys at an interval and answers of a length, at the last key."""
    clock = Clock()
    debounce = Debounce(clock=clock)
    for _ in range(keys):
        clock.now += interval
        debounce.typed()
        debounce.served(service, whole=whole)
    return debounce, clock


@pytest.mark.parametrize(
    ("interval", "service", "delay"),
    [
        pytest.param(0.2, 0.05, 0.0, id="answers come before the next key"),
        pytest.param(0.2, 0.2, 0.0, id="just before it"),
        pytest.param(0.2, 0.21, 0.01, id="a little late"),
        pytest.param(0.1, 0.8, 0.1, id="late: an eighth of what it takes anyway"),
        pytest.param(0.3, 9.0, 0.25, id="never longer than that"),
    ],
)
def test_the_wait_grows_with_what_the_answers_are_late(interval, service, delay):
    debounce, _ = watching(interval=interval, service=service)
    assert debounce.delay(urgent=False) == pytest.approx(delay)
    assert debounce.delay(urgent=True) == 0


def test_what_the_editor_has_waited_already_counts():
    debounce, clock = watching(interval=0.1, service=0.8)
    clock.now += 0.08
    assert debounce.delay(urgent=False) == pytest.approx(0.02)
    clock.now += 0.1
    assert debounce.delay(urgent=False) == 0


def test_three_keys_say_nothing_yet():
    debounce, _ = watching(interval=0.1, service=0.9, keys=4)  # three intervals
    assert debounce.delay(urgent=False) == 0


def test_pauses_and_edits_in_one_go_are_no_intervals():
    debounce, clock = watching(interval=0.1, service=0.104)
    for seconds in [5, 0.001] * 20:
        clock.now += seconds
        debounce.typed()
    assert debounce.delay(urgent=False) == pytest.approx(0.004)


def test_the_last_keys_count():
    debounce, clock = watching(interval=0.1, service=0.3)
    for _ in range(20):
        clock.now += 0.4
        debounce.typed()
    assert debounce.delay(urgent=False) == 0


def test_requests_that_were_broken_off_early_do_not_make_the_model_seem_fast():
    debounce, _ = watching(interval=0.1, service=0.8)
    for _ in range(20):
        debounce.served(0.01, whole=False)
    assert debounce.delay(urgent=False) == pytest.approx(0.1)


def test_requests_that_are_always_broken_off_still_show_a_slow_model():
    debounce, clock = watching(interval=0.1, service=0.11, whole=False)
    for _ in range(20):
        debounce.served(0.8, whole=False)
    assert debounce.delay(urgent=False) == pytest.approx(0.1)


@pytest.mark.parametrize("before", ["", "    ", "x\n", "x\n\t", "f(", "x = [", "g({", "if (a) {"])
def test_a_new_line_or_bracket_is_urgent(before):
    assert is_urgent(before)


@pytest.mark.parametrize("before", ["x", "x = ", "f(a", "x\n  y", "f()"])
def test_anything_else_is_not(before):
    assert not is_urgent(before)
