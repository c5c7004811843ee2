"""Messages with countdown, eta and expires: they wait in Redis, by its clock, in no worker's hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, group
from celery.result import AsyncResult

from producer import Client
from tasks.redis import keys
from tests.faults.slots import MODEL, Slots
from tests.fixtures.processes import ROOT
from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker
from tests.unit.workers.transport.conftest import APP

OTHER_CLOCK = str(ROOT / "tests" / "faults" / "other_clock")


@pytest.fixture
def slots(start_worker: StartWorker, tmp_path: Path) -> Slots:
    return Slots(start_worker, tmp_path, seconds=0.2)


def ask(foreign: Celery, text: str, **options: Any) -> AsyncResult[Any]:
    return foreign.send_task("speech.paragraph", kwargs={"text": text, "model": MODEL}, queue=MODEL, **options)


def test_what_has_a_countdown_is_in_no_workers_hand_is_shared_when_due_and_outlives_its_reader(
    slots: Slots, foreign: Celery, client: Client, redis_client: Any, wait_until: WaitUntil
) -> None:
    one = slots.begin("one")
    late = slots.begin("late", PYTHONPATH=f"{ROOT}:{OTHER_CLOCK}", CLOCK_WRONG_BY_S="-3600")
    for slot in (one, late):
        slot.wait_for_log(f"ready: {MODEL}")
    never = ask(foreign, "never", countdown=3600)
    shared = [ask(foreign, f"shared {n}", countdown=1.5) for n in range(8)]
    wait_until(lambda: redis_client.zcard(keys.DELAYED) == 9, what="nine delayed messages")
    assert not redis_client.exists(keys.HELD, MODEL)
    for result in shared:
        result.get(timeout=GIVE_UP_S)
    ran_by = {run.pid for n in range(8) for run in slots.runs(f"shared {n}")}
    assert ran_by == {one.child(), late.child()}, "shared, also with a worker whose clock is behind"

    left = [ask(foreign, f"left {n}", countdown=1.5) for n in range(2)]
    expired = ask(foreign, "expired", countdown=1.5, expires=0.5)
    wait_until(lambda: redis_client.zcard(keys.DELAYED) == 4, what="four delayed messages")
    one.kill()
    assert client.cancel(never.id)
    for result in left:
        result.get(timeout=GIVE_UP_S)
    wait_until(lambda: expired.state == "REVOKED", what="the end of what has expired")
    wait_until(lambda: not redis_client.exists(keys.HELD, keys.DELAYED, MODEL), what="the end of what was cancelled")
    assert never.state == "REVOKED"
    assert not slots.runs("expired")
    assert not slots.runs("never")


def test_a_worker_whose_clock_is_ahead_expires_nothing_early_and_a_jobs_expiry_concerns_its_beginning(
    slots: Slots, foreign: Celery, start_worker: StartWorker
) -> None:
    ahead = {"PYTHONPATH": f"{ROOT}:{OTHER_CLOCK}", "CLOCK_WRONG_BY_S": "3600"}
    workers = [slots.begin("slot", **ahead), start_worker("-Q", "flow", "-c", "1", env=slots.environment(**ahead))]
    workers[0].wait_for_log(f"ready: {MODEL}")
    workers[1].wait_for_log("ready")
    text = "\n\n".join(f"Paragraph {n}." for n in range(8))
    kwargs = {"text": text, "model": MODEL, "parallel_paragraphs": 1}
    chapter = foreign.send_task("speech.chapter", kwargs=kwargs, queue="flow", countdown=0.1, expires=1.5)
    assert chapter.get(timeout=GIVE_UP_S)["paragraphs"] == 8, "it takes longer than until it would expire"
    assert len(slots.runs()) == 8


def test_celerys_own_retry_chains_and_groups_with_a_countdown(
    foreign: Celery, start_worker: StartWorker, redis_client: Any, wait_until: WaitUntil
) -> None:
    start_worker("-c", "1", "-l", "INFO", "--without-mingle", app=APP).wait_for_log(r" ready\.")
    foreign.send_task("again", (2,), queue="q")
    noted = [foreign.signature("note", (n,), queue="q", immutable=True) for n in range(4)]
    chain(noted[:2]).apply_async(countdown=0.2)
    group(noted[2:]).apply_async(countdown=0.2)
    wait_until(lambda: redis_client.llen("ran") == 7, what="all runs")
    ran = redis_client.lrange("ran", 0, -1)
    etas = [json.loads(one)["eta"] for one in ran if one.startswith("{")]
    assert [bool(eta) for eta in etas] == [False, True, True], "a retry knows its eta"
    assert ran.index("0") < ran.index("1")
    assert Counter(one for one in ran if not one.startswith("{")) == Counter("0123")
    wait_until(lambda: not redis_client.exists(keys.HELD, keys.DELAYED, "q"), what="nothing left")
