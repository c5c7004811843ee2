"""How long a child may load. The time is a number that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workers.parent.load_watch import LoadWatch

LIMIT_S = 10.0


class Clock:
    """A loop and a clock in one: `pass_s` lets time pass, and calls what is due by then."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        """As an event loop has it."""
        self._timers.append((self.now + delay_s, lambda: callback(*args)))

    def forget(self) -> None:
        """Drop all timers, as Celery does with those that were set while it connected, when that connection is lost."""
        self._timers.clear()

    def pass_s(self, seconds: float) -> None:
        """So many seconds later."""
        until = self.now + seconds
        while due := sorted((one for one in self._timers if one[0] <= until), key=lambda one: one[0]):
            self._timers.remove(due[0])
            self.now = due[0][0]
            due[0][1]()
        self.now = until


class Loading:
    """A child that loads until the test says otherwise."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.goes_on = True
        self.killed_at: list[float] = []
        self.watch = LoadWatch(
            self.clock,
            LIMIT_S,
            lambda: self.goes_on,
            lambda: self.killed_at.append(self.clock.now - 100.0),
            lambda: self.clock.now,
        )
        self.watch.begin()


@pytest.fixture
def loading() -> Loading:
    """A load that has just begun."""
    return Loading()


def test_a_load_beyond_its_limit_is_ended_once(loading: Loading) -> None:
    loading.clock.pass_s(100.0)
    assert loading.killed_at == [LIMIT_S]


def test_a_load_that_is_done_in_time_is_left_alone_and_the_next_one_has_its_own_time(loading: Loading) -> None:
    loading.clock.pass_s(9.0)
    loading.goes_on = False
    loading.clock.pass_s(91.0)
    assert loading.killed_at == []
    loading.goes_on = True
    loading.watch.begin()
    loading.clock.pass_s(100.0)
    assert loading.killed_at == [100.0 + LIMIT_S]


def test_a_load_that_begins_again_has_its_whole_time(loading: Loading) -> None:
    loading.clock.pass_s(9.0)
    loading.watch.begin()
    loading.clock.pass_s(100.0)
    assert loading.killed_at == [9.0 + LIMIT_S]


def test_a_load_after_the_broker_was_lost_has_its_limit_too(loading: Loading) -> None:
    loading.clock.forget()
    loading.watch.begin()
    loading.clock.pass_s(100.0)
    assert loading.killed_at == [LIMIT_S]


def test_waiting_for_others_to_load_takes_none_of_the_time(loading: Loading) -> None:
    loading.watch.pause()
    loading.clock.pass_s(500.0)
    assert loading.killed_at == []
    loading.watch.begin()
    loading.clock.pass_s(100.0)
    assert loading.killed_at == [500.0 + LIMIT_S]


def test_a_child_that_is_gone_is_not_ended_again(loading: Loading) -> None:
    loading.watch.end()
    loading.clock.pass_s(100.0)
    assert loading.killed_at == []
