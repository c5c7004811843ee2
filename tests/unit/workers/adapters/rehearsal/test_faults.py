"""Words of faults do what they say: each in a process of its own, as a slot's child would die of it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from workers.adapters import hardware
from workers.adapters.rehearsal import faults

FAULT = """
import sys
from tasks.catalog import ModelEntry
from tasks.messages import ParagraphRequest
from workers.adapters.rehearsal import Rehearsal
adapter = Rehearsal(ModelEntry(name="r", adapter="rehearsal", options={"faults": True}), "cpu")
print("running", flush=True)
adapter.run([ParagraphRequest(model="r", text=sys.argv[1])])
print("came back", flush=True)
"""


def test_a_crash_kills_the_process_by_a_signal() -> None:
    done = subprocess.run([sys.executable, "-c", FAULT, "⚡crash"], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGSEGV
    assert done.stdout == "running\n"


def test_a_hang_does_not_come_back() -> None:
    process = subprocess.Popen([sys.executable, "-c", FAULT, "⚡hang"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
    finally:
        process.kill()
        process.communicate()


def test_being_killed_is_a_sigkill_and_memory_asked_for_is_really_taken() -> None:
    done = subprocess.run([sys.executable, "-c", FAULT, "⚡killed"], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))" + FAULT
    hog = subprocess.run([sys.executable, "-c", limited, "⚡hog=4096"], capture_output=True, text=True, timeout=60)
    assert hog.stderr.rstrip().endswith("MemoryError")


def test_a_leak_takes_real_memory_each_time() -> None:
    before = hardware.memory("cpu")["rss_bytes"]
    for _ in range(3):
        faults.leak(20)
    assert hardware.memory("cpu")["rss_bytes"] - before > 50 * 1024 * 1024
    faults._LEAKED.clear()
