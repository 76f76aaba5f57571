"""A pause by the clock, whatever timers do."""

from __future__ import annotations

import asyncio
import time

from homespun.server.background.pause import Pause


class Clock:
    def __init__(self):
        self.now = time.mktime((2026, 11, 20, 14, 0, 0, 0, 0, -1))

    def __call__(self):
        return self.now


def paused(act):
    """Run `act` with a pause, its clock and the list of whether it was on at each change."""
    clock, changes = Clock(), []

    async def run():
        pause = Pause(changed=lambda: changes.append(pause.is_on()), now=clock)
        act(pause, clock)

    asyncio.run(run())
    return changes


def test_it_ends_at_its_time_even_where_no_timer_ran():
    def act(pause, clock):
        began = clock.now
        pause.begin(5)
        assert pause.until() == began + 300
        assert pause.sentence() == "paused until 14:05"
        clock.now += 299
        assert pause.is_on()
        clock.now += 1  # the machine slept
        assert not pause.is_on()
        assert (pause.until(), pause.status()) == (None, None)

    assert paused(act) == [True]


def test_another_length_counts_from_then_on():
    def act(pause, clock):
        pause.begin(None)
        clock.now += 10**6
        assert (pause.is_on(), pause.until()) == (True, None)
        pause.begin(60)
        assert pause.until() == clock.now + 3600

    assert paused(act) == [True, True]


def test_resuming_what_is_not_paused_changes_nothing():
    def act(pause, clock):
        pause.end()
        pause.begin(1)
        pause.end()
        pause.end()

    assert paused(act) == [True, False]


def test_a_long_pause_says_the_day():
    def act(pause, clock):
        pause.begin(24 * 60)
        assert pause.sentence() == "paused until 2026-11-21 14:00"

    paused(act)
