"""An instance in a process of its own: what it prints, how it ends, and that it does not stay."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.unit.workers.conformance.checked import entry_of
from workers.conformance.failure import CallFailed
from workers.conformance.process import Process, where
from workers.conformance.side import Lost


@pytest.fixture
def process(installed: object) -> Iterator[Process]:
    made = Process("computes", entry_of("Prints"), "cpu")
    made.begin()
    yield made
    made.end()


def pid_of(process: Process) -> int:
    assert process._process is not None
    return process._process.pid


def test_a_load_that_prints_megabytes_is_answered_and_an_error_is_raised_here(process: Process) -> None:
    assert process.call("load", limit_s=60.0).revision == "right-1"
    with pytest.raises(CallFailed, match="prepare"):
        process.call("run", [b"no pickle"], limit_s=60.0)
    assert process.is_there


def test_a_process_that_dies_is_lost_and_can_begin_again(process: Process) -> None:
    pid = pid_of(process)
    process.call("load", limit_s=60.0)
    os.kill(pid, 9)
    with pytest.raises(Lost, match="the process died by SIGKILL in warm_up; it printed last: loading loading"):
        process.call("warm_up", limit_s=60.0)
    assert not process.is_there
    process.begin()
    assert pid_of(process) != pid
    assert process.call("load", limit_s=60.0).revision == "right-1"


def test_the_end_leaves_no_process(process: Process) -> None:
    pid = pid_of(process)
    process.end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    process.end()


REPORT = """loading weights
Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/x/lib/ctypes/__init__.py", line 519 in string_at
  File "/x/own/adapter.py", line 7 in one
  File "/x/own/adapter.py", line 30 in run
  File "/x/workers/conformance/computes.py", line 9 in _run

Extension modules: numpy (total: 1)
"""


def test_where_a_process_ended_is_read_from_its_last_report() -> None:
    assert where(REPORT) == ", at adapter.py line 7; it printed last: loading weights"
    assert where("licence expired\n\n") == "; it printed last: licence expired"
    assert where("") == ""
