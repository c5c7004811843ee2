"""A network that swallows packets: open connections go silent and stay open, new ones work.

Whoever waits has a time limit, so a worker is back within a lease and a time limit, nothing is
lost, and nothing runs twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from producer import Client
from tasks.redis import keys
from tests.faults.proxy import Proxy
from tests.faults.slots import MODEL, Slots, record_of
from tests.fixtures.environment import LEASE_S
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil, at_most
from tests.fixtures.workers import StartWorker

TIME_OUT_S = 2.0
OPTIONS = f"socket_timeout={TIME_OUT_S:g}&client_name=watched"
WAYS = {"both ways": (True, True), "to the server": (True, False), "to the worker": (False, True)}


@pytest.fixture
def proxy(broker: str) -> Iterator[Proxy]:
    """A line to the broker that the test can make swallow."""
    with Proxy(broker) as line:
        yield line


@pytest.fixture
def environment(proxy: Proxy) -> dict[str, str]:
    """Of workers that reach Redis over that line, and wait for it no longer than `TIME_OUT_S`."""
    return {"CELERY_BROKER_URL": proxy.url, "SLOTLINE_REDIS_OPTIONS": OPTIONS}


def test_what_is_swallowed_costs_a_lease_and_a_time_limit_and_nothing_is_lost_or_runs_twice(
    client: Client,
    start_worker: StartWorker,
    proxy: Proxy,
    environment: dict[str, str],
    tmp_path: Path,
    wait_until: WaitUntil,
    redis_client: Any,
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.3)
    slots.flow(**environment)
    slots.start("one", **environment)
    for way, (to_server, to_client) in WAYS.items():
        texts = [f"Paragraph {number}, {way}." for number in range(1, 6)]
        job = client.submit_chapter("\n\n".join(texts), model=MODEL)
        wait_until(lambda: slots.runs(texts[1]), what="a run in the midst of the chapter")  # noqa: B023
        proxy.swallow(to_server, to_client)
        swallowed = time.monotonic()
        job.wait(timeout_s=GIVE_UP_S)
        began = sorted(run.began for text in texts for run in slots.runs(text))
        times = [swallowed, *(one for one in began if one > swallowed), time.monotonic()]
        longest_s = max(after - before for before, after in pairwise(times))
        print(f"swallowed {way}: nothing began for {longest_s:.1f} s, with a lease of {LEASE_S:g} s")
        assert longest_s < at_most(LEASE_S + TIME_OUT_S)
        record = record_of(client.ledger, job.id)
        assert (record.done, record.computed, record.failed) == (5, 5, 0)
        assert Counter(len(slots.runs(text)) for text in texts) == {1: 5}
    wait_until(lambda: not redis_client.exists(keys.HELD, keys.LEASES, MODEL, "flow"), what="nothing queued or held")


def test_idle_workers_notice_that_they_hear_nothing_and_are_there_for_jobs_and_questions(
    client: Client,
    start_worker: StartWorker,
    proxy: Proxy,
    environment: dict[str, str],
    tmp_path: Path,
    wait_until: WaitUntil,
    broker: str,
    redis_client: Any,
) -> None:
    slots = Slots(start_worker, tmp_path, seconds=0.0)
    workers = [slots.flow(**environment), slots.start("one", **environment)]
    job = client.submit_chapter("A chapter before.", model=MODEL)
    job.wait(timeout_s=GIVE_UP_S)
    names = {one["name"] for one in redis_client.client_list() if one["addr"] in proxy.clients_of_server()}
    assert names == {"watched"}, "a connection that the options did not reach"
    proxy.swallow()
    swallowed = time.monotonic()
    client.submit_chapter("A chapter for idle workers.", model=MODEL).wait(timeout_s=GIVE_UP_S)
    # A job needs the flow worker and then the slot, and each may notice only when it has something to send.
    assert time.monotonic() - swallowed < at_most(2 * (LEASE_S + TIME_OUT_S))
    for worker in workers:
        worker.wait_for_log("Connected to slotline", count=2)
    with Celery("asker", broker=broker, set_as_current=False) as app:
        wait_until(lambda: len(app.control.ping(timeout=1.0, limit=2)) == 2, what="an answer of both workers")
