"""Every periodic duty starts, steps and stops alike, and no fault of a step goes further than the log."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from redis import RedisError

from workers.duties.duty import PeriodicDuty


class Timer:
    """Celery's timer, without time: what was asked for and what was cancelled."""

    def __init__(self) -> None:
        self.repeated: list[tuple[float, Callable[[], None]]] = []
        self.at_once: list[Callable[[], None]] = []
        self.cancelled = 0

    def call_repeatedly(self, interval_s: float, step: Callable[[], None]) -> Any:
        self.repeated.append((interval_s, step))
        return SimpleNamespace(cancel=self._cancel)

    def call_after(self, delay_s: float, step: Callable[[], None]) -> None:
        assert delay_s == 0
        self.at_once.append(step)

    def _cancel(self) -> None:
        self.cancelled += 1


class Count(PeriodicDuty):
    interval_s = 2.5

    def __init__(self, consumer: Any, fault: Exception | None = None) -> None:
        super().__init__(consumer)
        self.steps = 0
        self.fault = fault

    def step(self) -> None:
        self.steps += 1
        if self.fault:
            raise self.fault


class CountAtOnce(Count):
    begins_at_once = True


class CountInSlots(Count):
    slot_workers_only = True


@pytest.fixture
def consumer() -> Any:
    return SimpleNamespace(timer=Timer(), pool=object())


def test_a_duty_steps_on_its_interval_and_once_more_for_each_connection_if_it_begins_at_once(consumer: Any) -> None:
    for duty in (Count(consumer), CountAtOnce(consumer)):
        duty.start(consumer)
        interval_s, step = consumer.timer.repeated.pop()
        assert interval_s == 2.5
        step()
        assert duty.steps == 1
    (first,) = consumer.timer.at_once
    first()
    assert duty.steps == 2


def test_a_new_connection_replaces_the_timer_and_a_stop_cancels_it(consumer: Any) -> None:
    duty = Count(consumer)
    duty.start(consumer)
    duty.start(consumer)
    assert (len(consumer.timer.repeated), consumer.timer.cancelled) == (2, 1)
    duty.stop(consumer)
    duty.shutdown(consumer)
    assert consumer.timer.cancelled == 2


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (RedisError("it restarts"), "test duty: skipped this time: it restarts"),
        (KeyError("text"), "test duty: this step failed; the next one comes in 2.5 s"),
    ],
)
def test_a_step_that_fails_is_logged_and_the_next_one_comes(
    consumer: Any, fault: Exception, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    duty = Count(consumer, fault)
    duty.run_step()
    duty.run_step()
    assert duty.steps == 2
    assert caplog.messages == [line, line]


def test_a_flow_worker_leaves_out_what_looks_after_a_model(consumer: Any) -> None:
    assert Count(consumer).include_if(consumer)
    assert not CountInSlots(consumer).include_if(consumer)
