"""A command that runs until it is stopped: signals are counted, the end of standard input is one of them."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from workers.stack.stop_signals import STOP_SIGNALS, Stopping


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_one_signal_asks_and_a_second_one_hurries(number: signal.Signals) -> None:
    with Stopping() as stopping:
        assert not stopping.asked
        os.kill(os.getpid(), number)
        assert stopping.asked
        assert not stopping.asked_twice
        os.kill(os.getpid(), number)
        assert stopping.asked_twice


def test_afterwards_signals_are_handled_as_before() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with Stopping():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_the_end_of_standard_input_asks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, Stopping(watch_stdin=True) as stopping:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(writing, b"still here\n")
        stopping.wait(0.01)
        assert not stopping.asked
        os.close(writing)
        stopping.wait(5.0)
        assert stopping.asked
        stopping.wait(0.01)
        assert not stopping.asked_twice
