"""When a stopping worker gives back what runs; whole workers stand in `tests/faults/test_drain.py`."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.settings import settings
from tests.fixtures.waiting import WaitUntil
from workers.duties import drain
from workers.duties.drain import Drain
from workers.upstream.celery import exit_status, is_stopping

Started = Callable[..., Drain]


class Ended(BaseException):
    """In the place of the end of the process."""


@pytest.fixture
def calls() -> list[str]:
    """What the worker's pool and its leases were asked, in order."""
    return []


@pytest.fixture
def started(calls: list[str], own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """`started(drain_s)`: the duty on a worker whose pool never ends; the process is never ended in earnest."""
    made: list[Any] = []
    before = {number: signal.getsignal(number) for number in drain.STOP_SIGNALS}

    def give_back() -> None:
        calls.append("give back")
        raise Ended  # once is enough here; it ends the duty's thread

    def start(drain_s: float) -> Drain:
        monkeypatch.setenv("SLOTLINE_DRAIN_S", str(drain_s))
        settings.cache_clear()
        duty = Drain(SimpleNamespace(pool=SimpleNamespace(give_back_running=give_back)))
        duty.start(None)
        made.append(duty)
        return duty

    monkeypatch.setattr("threading.excepthook", lambda args: None)
    monkeypatch.setattr("celery.worker.state.should_stop", None)
    monkeypatch.setattr("celery.worker.state.should_terminate", None)
    yield start
    for duty in made:
        duty._on_signal(signal.SIGTERM, None)
        duty._on_signal(signal.SIGTERM, None)
        duty._thread.join(5)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_asks_and_what_runs_keeps_its_time(started: Started, calls: list[str]) -> None:
    started(600)
    assert not is_stopping()
    signal.raise_signal(signal.SIGTERM)
    assert is_stopping()
    assert exit_status() == 0
    assert calls == []


@pytest.mark.parametrize("second", drain.STOP_SIGNALS)
def test_a_second_signal_gives_back_at_once(
    started: Started, calls: list[str], wait_until: WaitUntil, second: signal.Signals
) -> None:
    started(600)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(second)
    wait_until(lambda: calls == ["give back"], 5, "the pool to give back")


def test_when_its_time_is_over_what_runs_goes_back(started: Started, calls: list[str], wait_until: WaitUntil) -> None:
    duty = started(0)
    duty.close(None)
    wait_until(lambda: calls == ["give back"], 5, "the pool to give back")


def test_a_cold_shutdown_waits_for_nothing(
    started: Started, calls: list[str], wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    duty: Any = started(600)
    monkeypatch.setattr("celery.worker.state.should_terminate", 0)
    duty.close(None)
    wait_until(lambda: calls == ["give back"], 5, "the pool to give back")
