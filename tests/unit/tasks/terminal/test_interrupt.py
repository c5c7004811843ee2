"""Stop signals that come at any moment: they are noted, what waits ends, and one too many ends the process at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.terminal import interrupt
from tasks.terminal.interrupt import STOP_SIGNALS, Interrupt, Interrupted, status_of

ROOT = Path(__file__).resolve().parents[4]


class Thing:
    """Something that can be referred to weakly."""


def strike(number: signal.Signals = signal.SIGINT) -> None:
    """Send this process a signal from another thread, and wait until it is sent."""
    thread = threading.Thread(target=os.kill, args=(os.getpid(), number))
    thread.start()
    thread.join()


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What a call that blocks waits for; set at the end of the test."""
    monkeypatch.setattr(interrupt, "_has_abandoned", False)
    monkeypatch.setattr(interrupt, "GRACE_S", 0.0)
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_is_noted_and_raised_only_where_it_is_looked_for(number: signal.Signals) -> None:
    with Interrupt() as stop:
        interrupt.check()
        os.kill(os.getpid(), number)
        assert (stop.asked, interrupt.count()) == (True, 1)
        with pytest.raises(Interrupted) as stopped:
            interrupt.check()
    assert status_of(stopped.value) == 128 + number
    assert status_of(KeyboardInterrupt()) == 130


def test_a_signal_in_a_callback_of_python_is_not_lost(capfd: pytest.CaptureFixture[str]) -> None:
    with Interrupt():
        thing = Thing()
        seen = weakref.ref(thing, lambda gone: strike())
        del thing
        assert seen() is None
        with pytest.raises(Interrupted):
            interrupt.pause(0.0)
    assert capfd.readouterr().err == ""


def test_a_pause_ends_with_the_signal() -> None:
    striker = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    with Interrupt():
        striker.start()
        with pytest.raises(Interrupted):
            interrupt.pause(3600.0)
    striker.join()


def test_a_call_gives_its_result_or_its_error() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with Interrupt():
        assert interrupt.call(lambda: threading.current_thread().name) == "slotline-call"
        with pytest.raises(ValueError, match="broken"):
            interrupt.call(fail)
        # What it calls itself is a plain call: signals wake the main thread alone.
        assert interrupt.call(lambda: interrupt.call(lambda: 7)) == 7
        interrupt.call(lambda: interrupt.pause(0.0))


def test_a_call_that_blocks_is_left_behind(stuck: threading.Event) -> None:
    def block() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        stuck.wait()

    with Interrupt(), pytest.raises(Interrupted):
        interrupt.call(block)
    with Interrupt() as stop:
        stop.numbers.append(signal.SIGINT)
        with pytest.raises(Interrupted):
            interrupt.call(lambda: pytest.fail("begun after the signal"))


def test_a_file_is_waited_for_until_the_signal() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb", buffering=0) as pipe:
        with Interrupt():
            strike()
            with pytest.raises(Interrupted):
                interrupt.until_readable(reading)
        with Interrupt() as stop:
            pipe.write(b"word")
            interrupt.until_readable(reading)
            assert stop.wait(0.0, [reading]) == [reading]
            strike()
            assert stop.wait(3600.0, [reading]) == [reading]


def test_without_an_interrupt_nothing_is_changed() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with Interrupt():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before
    assert interrupt.call(threading.current_thread) is threading.current_thread()
    interrupt.pause(0.0)
    interrupt.until_readable(-1)
    interrupt.check()
    assert interrupt.count() == 0


def test_in_another_thread_it_does_nothing() -> None:
    def enter() -> None:
        before = signal.getsignal(signal.SIGINT)
        with Interrupt() as stop:
            stop.wait(0.0)
            assert signal.getsignal(signal.SIGINT) is before
        done.append(stop.asked)

    done: list[bool] = []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert done == [False]


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def ended(script: str, *arguments: str) -> tuple[int, str]:
    """The exit status of a process that runs this script, and what it printed."""
    words = [sys.executable, "-c", f"import os, signal, sys, threading\nfrom tasks.terminal import interrupt\n{script}"]
    done = subprocess.run([*words, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


ONE_TOO_MANY = """
with interrupt.Interrupt(), interrupt.at_sudden_end(lambda: os.write(1, b"cleaned")):
    with interrupt.at_sudden_end(lambda: 1 / 0):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        print("still here")
"""


def test_one_signal_too_many_ends_the_process_at_once_and_cleans_up() -> None:
    assert ended(ONE_TOO_MANY) == (130, "cleaned")


BEFORE = """
interrupt.end_at_first_signal()
with interrupt.at_sudden_end(lambda: os.write(1, b"cleaned")):
    pass
os.kill(os.getpid(), signal.SIGINT)
print("still here")
"""


def test_outside_of_an_interrupt_the_first_ctrl_c_ends_the_process() -> None:
    assert ended(BEFORE) == (130, "")


LEFT_BEHIND = """
with interrupt.at_sudden_end(lambda: os.write(1, b", cleaned")):
    try:
        with interrupt.Interrupt():
            interrupt.call(lambda: [os.kill(os.getpid(), signal.SIGTERM), threading.Event().wait()])
    except KeyboardInterrupt as stopped:
        print("stopped", end="")
        interrupt.exit_process(interrupt.status_of(stopped))
"""


def test_a_process_ends_also_while_a_call_still_runs() -> None:
    assert ended(LEFT_BEHIND) == (143, "stopped, cleaned")
    assert ended("interrupt.exit_process(3)") == (3, "")
