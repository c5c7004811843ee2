"""The lease under attack: who dies, freezes or is cut off loses its work to another, in time, and it counts once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producer import Client
from tasks.redis import keys
from tasks.settings import beat_s
from tests.faults.proxy import Proxy
from tests.faults.slots import MODEL, Slots, died_at, record_of
from tests.fixtures.environment import LEASE_S
from tests.fixtures.processes import Process
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, at_most, crowding
from tests.fixtures.workers import StartWorker

TEXT = "A paragraph that takes its time."
BEAT_S = beat_s(LEASE_S)
FENCED = "no lease was renewed for .*: the child is killed"


@pytest.fixture
def proxy(broker: str) -> Iterator[Proxy]:
    """A line to the broker that the test can make silent."""
    with Proxy(broker) as line:
        yield line


def _the_one_that_runs(slots: Slots, workers: list[Process], wait_until: WaitUntil) -> Process:
    """The worker that has begun `TEXT`, once its beat has had time to renew."""
    wait_until(lambda: slots.runs(TEXT), 20, "a run of the text")
    (run,) = slots.runs(TEXT)
    return next(worker for worker in workers if worker.child() == run.pid)


def _at_rest(redis_client: Any) -> bool:
    return not redis_client.exists(keys.HELD, keys.LEASES, MODEL, "flow")


@pytest.mark.parametrize("victim", ["child", "parent", "child and parent"])
def test_what_a_killed_process_ran_runs_elsewhere_within_the_lease(
    victim: str, client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=2.0)
    slots.flow()
    workers = [slots.start("one"), slots.start("two")]
    job = client.submit_chapter(TEXT, model=MODEL)
    doomed = _the_one_that_runs(slots, workers, wait_until)
    for name, pid in (("child", doomed.child()), ("parent", doomed.pid)):
        if name in victim:
            os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    again = wait_until(lambda: slots.runs(TEXT)[1:], what="the second run")[0]
    assert again.began - killed < at_most(LEASE_S + BEAT_S)
    print(f"{victim} killed: it ran again after {again.began - killed:.2f} s, with a lease of {LEASE_S:g} s")
    job.wait(timeout_s=GIVE_UP_S)
    assert record_of(client.ledger, job.id).computed == 1
    assert len(slots.runs(TEXT)) == 2
    wait_until(lambda: _at_rest(redis_client), what="nothing queued, nothing held")


def test_a_frozen_worker_that_thaws_kills_its_child_and_settles_nothing(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=4.0)
    slots.flow()
    workers = [slots.start("one"), slots.start("two")]
    job = client.submit_chapter(TEXT, model=MODEL)
    frozen = _the_one_that_runs(slots, workers, wait_until)
    child = frozen.child()
    os.killpg(frozen.pid, signal.SIGSTOP)
    again = wait_until(lambda: slots.runs(TEXT)[1:], what="the successor's run")[0]
    # Until the frozen run's own time is over: it would settle as soon as it thaws.
    wait_until(lambda: time.monotonic() > slots.runs(TEXT)[0].began + 4.2, what="the end of the frozen run's sleep")
    os.killpg(frozen.pid, signal.SIGCONT)
    thawed = time.monotonic()
    overlap_s = died_at(child) - thawed
    print(f"overlap of a thawed child with its successor: {overlap_s * 1000:.0f} ms; a beat is {BEAT_S:g} s")
    assert overlap_s <= BEAT_S * crowding()
    frozen.wait_for_log(FENCED)
    assert record_of(client.ledger, job.id).done == 0
    job.wait(timeout_s=GIVE_UP_S)
    ended = next(run.ended for run in slots.runs(TEXT) if run.pid == again.pid)
    assert ended is not None
    record = record_of(client.ledger, job.id)
    assert (record.done, record.computed, record.failed) == (1, 1, 0)
    wait_until(lambda: _at_rest(redis_client), what="nothing queued, nothing held")


def test_a_thawed_worker_loads_anew_and_serves(
    client: Client, start_worker: StartWorker, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.5)
    slots.flow()
    alone = slots.start("alone")
    job = client.submit_chapter(TEXT, model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run of the text")
    os.killpg(alone.pid, signal.SIGSTOP)
    frozen = time.monotonic()
    wait_until(lambda: time.monotonic() - frozen > LEASE_S + BEAT_S, what="more than a lease")
    os.killpg(alone.pid, signal.SIGCONT)
    alone.wait_for_log(f"ready: {MODEL}", count=2)
    job.wait(timeout_s=GIVE_UP_S)
    assert record_of(client.ledger, job.id).done == 1
    assert client.submit_chapter("Another one.", model=MODEL).wait(timeout_s=GIVE_UP_S)


def test_a_worker_that_cannot_reach_redis_for_a_lease_kills_its_child_itself(
    client: Client, start_worker: StartWorker, proxy: Proxy, tmp_path: Path, wait_until: WaitUntil, redis_client: Any
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=30.0)
    slots.flow()
    cut = slots.start("cut", CELERY_BROKER_URL=proxy.url)
    job = client.submit_chapter(TEXT, model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run of the text")
    child = cut.child()
    slots.catalog.write_text(slots.catalog.read_text().replace("seconds = 30.0", "seconds = 1.0"))
    slots.start("other")
    proxy.silence()
    silent = time.monotonic()
    died = died_at(child)
    again = wait_until(lambda: slots.runs(TEXT)[1:], what="the successor's run")[0]
    print(
        f"cut off: the child was killed after {died - silent:.2f} s, its successor began after "
        f"{again.began - silent:.2f} s: overlap {max(0.0, died - again.began) * 1000:.0f} ms"
    )
    assert died - silent < at_most(LEASE_S + 2 * BEAT_S)
    assert died - again.began <= BEAT_S * crowding()
    assert record_of(client.ledger, job.id).failed == 0
    job.wait(timeout_s=GIVE_UP_S)
    proxy.speak()
    cut.wait_for_log(f"ready: {MODEL}", limit_s=60, count=2)
    wait_until(lambda: _at_rest(redis_client), what="nothing queued, nothing held")
    assert len(slots.runs(TEXT)) == 2


def test_a_cut_shorter_than_the_lease_costs_nothing(
    client: Client, start_worker: StartWorker, proxy: Proxy, tmp_path: Path, wait_until: WaitUntil
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=6.0)
    slots.flow()
    cut = slots.start("cut", CELERY_BROKER_URL=proxy.url)
    job = client.submit_chapter(TEXT, model=MODEL)
    wait_until(lambda: slots.runs(TEXT), 20, "a run of the text")
    slots.start("other")
    proxy.silence()
    silent = time.monotonic()
    wait_until(lambda: time.monotonic() - silent > LEASE_S / 2, what="half a lease")
    proxy.speak()
    job.wait(timeout_s=GIVE_UP_S)
    assert len(slots.runs(TEXT)) == 1
    assert "the child is killed" not in cut.log()
