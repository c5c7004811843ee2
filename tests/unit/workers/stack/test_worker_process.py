"""One process of a stack: started, ended, and what its log says last."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.waiting import WaitUntil
from workers.stack.worker_process import DEATHS_ALLOWED, WorkerProcess, backoff_s

Start = Callable[[str], WorkerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(program)`: a process that runs this Python program."""
    started: list[WorkerProcess] = []

    def begin(program: str) -> WorkerProcess:
        command = [sys.executable, "-c", program]
        worker = WorkerProcess("sleeper", command, tmp_path / "sleeper.log", dict(os.environ), tmp_path)
        started.append(worker)
        worker.start()
        return worker

    yield begin
    for worker in started:
        worker.kill()


def test_a_worker_that_keeps_dying_waits_longer_and_is_then_given_up() -> None:
    deaths: list[float] = []
    waits = []
    for second in range(DEATHS_ALLOWED + 1):
        deaths.append(float(second))
        waits.append(backoff_s(deaths, float(second)))
    assert waits == [1, 2, 4, 8, 16, None]
    assert backoff_s(deaths, 10_000.0) is not None


def test_its_status_and_its_last_line_say_how_it_ended(start: Start, wait_until: WaitUntil) -> None:
    line = "2026-01-01 00:00:00,000 ERROR MainProcess slotline: no room"
    worker = start(f"import sys; print({line!r}); print(); sys.exit(3)")
    wait_until(lambda: worker.status is not None, 20, "its end")
    assert (worker.status, worker.how_it_ended(), worker.is_alive) == (3, "exit status 3", False)
    assert worker.last_words() == "no room"


def test_a_kill_ends_its_children_too(start: Start, wait_until: WaitUntil, tmp_path: Path) -> None:
    worker = start("import os, time; child = os.fork(); print(child, flush=True); time.sleep(600)")
    wait_until(lambda: len(worker.log.read_text().split()) == 2, 20, "both processes")
    pids = [int(word) for word in worker.log.read_text().split()]
    worker.kill()
    assert worker.how_it_ended() == "SIGKILL"
    wait_until(lambda: not any(_runs(pid) for pid in pids if pid), 5, "the end of the child")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
