"""A command that runs until it is stopped: signals are counted, the end of standard input is one of them."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from workers.stack.stop_signals import STOP_SIGNALS, StopSignals


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_one_signal_asks_and_a_second_one_hurries(number: signal.Signals) -> None:
    with StopSignals() as signals:
        assert not signals.asked
        os.kill(os.getpid(), number)
        assert signals.asked
        assert not signals.asked_twice
        os.kill(os.getpid(), number)
        assert signals.asked_twice


def test_afterwards_signals_are_handled_as_before() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with StopSignals():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_the_end_of_standard_input_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, StopSignals(watch_stdin=True) as signals:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(writing, b"still here\n")
        signals.wait(0.01)
        assert not signals.asked
        os.close(writing)
        signals.wait(5.0)
        assert signals.asked
        signals.wait(0.01)
        assert not signals.asked_twice
