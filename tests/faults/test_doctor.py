"""`slotline doctor` where real processes run, hang or are frozen: it says so in one line, and ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.fixtures.commands import Said, Slotline
from tests.fixtures.environment import UseCatalog
from tests.fixtures.processes import StartProcess
from tests.fixtures.waiting import WaitUntil
from tests.fixtures.workers import StartFlow, StartSlot
from workers.stack.embedded_redis import EmbeddedRedis

CATALOG = '[models.model]\nadapter = "rehearsal"\n'


@pytest.fixture(autouse=True)
def catalog_file(use_catalog: UseCatalog) -> Path:
    return use_catalog(CATALOG)


def wrong(said: Said) -> list[str]:
    """What it calls wrong, but the test's Redis, which keeps nothing on purpose."""
    lines = [" ".join(line.split()) for line in said.out.splitlines() if line.startswith("✗")]
    return [line for line in lines if "keeps nothing" not in line]


def test_of_real_workers_the_healthy_are_counted_and_a_frozen_one_is_named(
    start_flow: StartFlow, start_slot: StartSlot, slotline: Slotline, wait_until: WaitUntil
) -> None:
    start_flow()
    slot = start_slot("model")
    said = slotline("doctor")
    assert wrong(said) == []
    assert "2 healthy: 1 of flow, 1 of model" in said.out
    assert "slotline, and this is" not in said.out, "these workers have told their version"
    slot.signal(signal.SIGSTOP)
    frozen = wait_until(lambda: wrong(slotline("doctor")), what="a worker without heartbeats")
    assert len(frozen) == 1
    assert frozen[0].startswith("✗ worker model-cpu-0@")
    assert "it is dead, frozen, cut off from Redis, or refused by it → look at its log: pid" in frozen[0]


def test_another_store_than_the_workers_is_named(
    start_flow: StartFlow, slotline: Slotline, tmp_path: Path, start_process: StartProcess, broker: str
) -> None:
    start_flow()
    other = start_process(
        sys.executable, "-m", "tasks.command", "doctor", env={"SLOTLINE_STORE_URL": str(tmp_path / "other")}
    )
    assert other.wait() == 1
    assert f"✗ store         SLOTLINE_STORE_URL: the store here is {tmp_path}/other on " in other.log()


def test_a_redis_that_hangs_is_one_line_and_the_rest_is_looked_at(tmp_path: Path, start_process: StartProcess) -> None:
    with EmbeddedRedis(tmp_path / "own") as server:
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        try:
            doctor = start_process(
                sys.executable, "-m", "tasks.command", "doctor", env={"CELERY_BROKER_URL": server.url}
            )
            assert doctor.wait() == 1
        finally:
            os.kill(server.pid, signal.SIGCONT)
    lines = doctor.log().splitlines()
    assert [line for line in lines if line.startswith("✗")] == [
        f"✗ broker        no Redis answers at {server.url} (Timeout reading from socket) → its process hangs, or the "
        "network to it swallows packets: look there"
    ]
    assert any(line.startswith("✓ model         model: ") for line in lines)


def test_a_stack_that_runs_here_is_found_and_whole(start_process: StartProcess, slotline: Slotline) -> None:
    up = start_process(sys.executable, "-m", "tasks.command", "up", "--model", "model", name="up")
    up.wait_for_log("slotline is up")
    said = slotline("doctor")
    assert (said.status, said.out.splitlines()[-1]) == (0, "nothing to repair")
    assert "runs here since 20" in said.out
    assert "healthy: 1 of flow, 1 of model" in said.out
    assert up.stop() == 0
