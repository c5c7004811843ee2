"""A trace whose model has run before: its runtime is the whole time. Real Flower: `tests/acceptance/test_flower.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.app.trace import build_tracer

from workers.upstream import tracer
from workers.upstream.tracer import TracerClock


@pytest.fixture
def app() -> Iterator[Celery]:
    with Celery("traced", broker="memory://", backend="cache+memory://", set_as_current=False) as one:
        yield one


def test_the_clock_begins_earlier_once() -> None:
    clock = TracerClock()
    now = time.monotonic()
    clock.begin(100.0)
    assert now - 100 <= clock() < now - 50
    assert clock() >= now


def test_the_runtime_counts_from_the_beginning_of_the_run(app: Celery) -> None:
    @app.task(name="traced.one", shared=False)
    def one() -> str:
        return "done"

    # As `begin_child` makes it for each task of a slot's child.
    trace = build_tracer("traced.one", one, app.loader, "h@h", app=app, monotonic=tracer._clock)
    signalled: list[float] = []

    def heard(sender: Any, **given: Any) -> None:
        signalled.append(given["runtime"])

    signals.task_success.connect(heard, sender=one)
    runs = []
    for before_s in (5.0, 0.0):
        tracer._clock.begin(before_s)
        runs.append(trace("an id", (), {}, {}).runtime)
    signals.task_success.disconnect(heard, sender=one)
    assert 5.0 <= runs[0] < 6.0
    assert runs[1] < 1.0
    assert signalled == runs
