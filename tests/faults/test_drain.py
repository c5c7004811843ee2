"""Workers stop and start: nothing lost, nothing that finished repeated, and nobody waits for longer than was said."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.redis import keys
from tests.faults.slots import MODEL, Slots, is_alive, record_of
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, at_most
from tests.fixtures.workers import StartWorker

TEXT = "A paragraph that takes its time."
BOTH_SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])


@pytest.fixture
def client(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("SLOTLINE_MODELS", str(tmp_path / "models.toml"))
    return Client(broker, str(tmp_path / "store"))


def _wait_until_running(slots: Slots, wait_until: WaitUntil, count: int = 1) -> None:
    wait_until(lambda: len(slots.runs(TEXT)) == count, 20, "a run of the text")


def _others_may_have(client: Client) -> int:
    """Messages in the model's queue, of whatever priority."""
    lists: Any = client.connection.redis.keys(f"{MODEL}*")
    return sum(int(client.connection.redis.llen(name)) for name in lists)


def _ends_s(worker: Process, limit_s: float) -> float:
    """Seconds until the worker ended; its status must be 0."""
    began = time.monotonic()
    assert worker.wait(limit_s) == 0
    return time.monotonic() - began


@BOTH_SIGNALS
@pytest.mark.parametrize("kind", ["slot", "flow"])
def test_an_idle_worker_ends_at_once(
    kind: str, number: signal.Signals, start_worker: StartWorker, tmp_path: Path, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.0)
    worker = slots.start() if kind == "slot" else slots.flow()
    worker.signal(number)
    print(f"an idle {kind} worker ended {_ends_s(worker, 10):.1f} s after {number.name}")
    assert not redis_client.keys("slotline:slot:*")


@BOTH_SIGNALS
def test_what_runs_ends_and_what_waits_goes_to_others_at_once(
    number: signal.Signals, client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=6.0)
    slots.flow()
    drained = slots.start("drained")
    job = client.submit_chapter(f"{TEXT}\n\nTwo.", model=MODEL)
    _wait_until_running(slots, wait_until)
    wait_until(lambda: client.connection.redis.hlen(keys.HELD) == 2, what="one that runs and one that waits")
    drained.signal(number)
    wait_until(lambda: _others_may_have(client) == 1, what="the return of what waited")
    assert slots.runs(TEXT)[0].ended is None
    _ends_s(drained, 10)
    slots.start("next")
    job.wait(timeout_s=GIVE_UP_S)
    assert [len(slots.runs(text)) for text in (TEXT, "Two.")] == [1, 1]


def test_a_signal_to_every_process_of_a_worker_costs_nothing_that_runs(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=2.0)
    slots.flow()
    drained = slots.start("drained")
    job = client.submit_chapter(TEXT, model=MODEL)
    _wait_until_running(slots, wait_until)
    os.killpg(drained.pid, signal.SIGTERM)  # as systemd does
    _ends_s(drained, 10)
    job.wait(timeout_s=GIVE_UP_S)
    assert len(slots.runs(TEXT)) == 1


def test_what_takes_longer_than_the_limit_goes_back_to_the_front_and_was_no_attempt(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=3.0)
    slots.flow()
    job = client.submit_chapter(TEXT, model=MODEL)
    for count in (1, 2, 3):
        worker = slots.start(f"short-{count}", SLOTLINE_DRAIN_S="0.5")
        _wait_until_running(slots, wait_until, count)
        child = worker.child()
        worker.signal(signal.SIGTERM)
        assert _ends_s(worker, 10) < at_most(0.5 + 2)
        assert not is_alive(child)
        assert _others_may_have(client) == 1
        assert not client.connection.redis.exists(keys.HELD, keys.LEASES)
        worker.wait_for_log(r"SLOTLINE_DRAIN_S = 0\.5 is over")
    slots.start("patient")
    job.wait(timeout_s=GIVE_UP_S)
    assert record_of(client.ledger, job.id).failed == 0


@BOTH_SIGNALS
def test_told_twice_a_worker_gives_back_now(
    number: signal.Signals, client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=60.0)
    slots.flow()
    worker = slots.start("hurried")
    client.submit_chapter(TEXT, model=MODEL)
    _wait_until_running(slots, wait_until)
    worker.signal(number)
    worker.wait_for_log("no new messages; the running batch has 60 s to end")
    worker.signal(number)
    print(f"told twice, it ended after {_ends_s(worker, 10):.1f} s")
    assert _others_may_have(client) == 1
    assert not client.connection.redis.exists(keys.HELD, keys.LEASES)


def test_a_cold_shutdown_gives_back_at_once(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=60.0)
    flow, worker = slots.flow(), slots.start()
    client.submit_chapter(TEXT, model=MODEL)
    _wait_until_running(slots, wait_until)
    for one in (worker, flow):
        one.signal(signal.SIGQUIT)
        one.wait(15)
    assert _others_may_have(client) == 1
    assert not client.connection.redis.exists(keys.HELD, keys.LEASES)


def test_a_cold_start_start_of_all_at_once_and_a_scale_down_lose_and_repeat_nothing(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.1)
    chapters = [{"title": f"{c}", "text": "\n\n".join(f"Chapter {c}, part {p}." for p in range(12))} for c in range(5)]
    workers = [slots.begin(f"slot-{n}") for n in range(4)]
    for n in range(2):
        start_worker("-Q", "flow", "-c", "1", name=f"flow-{n}", env=slots.environment())
    job = client.submit_book(chapters, model=MODEL)
    wait_until(lambda: len(slots.runs()) >= 15, 60, "a quarter of the book")
    for worker in workers[:2]:
        worker.signal(signal.SIGTERM)
    for worker in workers[:2]:
        assert worker.wait(15) == 0
    assert job.wait(timeout_s=GIVE_UP_S)
    assert len(slots.runs()) == 60
    assert len({run.pid for run in slots.runs()}) == 4
    wait_until(lambda: not redis_client.exists(keys.HELD, keys.LEASES, MODEL, "flow"), what="nothing left to do")
    endless = [key for key in redis_client.keys("*") if redis_client.ttl(key) == -1]
    # Celery's table of queues, and the listing of jobs, which the sweep trims.
    assert {key for key in endless if not key.startswith("_kombu.binding")} <= {keys.JOBS}
