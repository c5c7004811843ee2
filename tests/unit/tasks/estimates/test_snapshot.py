"""What a real ledger has open, read as it is used for estimates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks import pauses
from tasks.estimates import snapshot
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tasks.routing import FLOW_QUEUE, list_key
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    return Ledger(raw_redis)


def lives(raw_redis: Any, model: str, *workers: str, for_s: float = 60.0) -> None:
    seconds, _ = raw_redis.time()
    raw_redis.zadd(keys.capacity(model), {f"{worker}|4": (seconds + for_s) * 1000 for worker in workers})


def test_of_an_open_job_there_is_what_has_not_ended_with_its_sizes(ledger: Ledger, raw_redis: Any) -> None:
    opening = replace(OPENING, payloads=["P"] * 4, sizes=[10, 20, 30, 40], skipped={3: {}}, width=2, part_priority=3)
    ledger.transitions.open("job", replace(opening, part_list=list_key(MODEL, 3)))
    ledger.transitions.settle("job", 1, "done", {})
    job = snapshot.take(raw_redis).jobs["job"]
    assert (job.parts_left, job.left, job.whole) == ([2, 4], {2: 20, 4: 40}, 100.0)
    assert (job.state, job.priority, job.width, job.is_nested, job.total) == ("open", 3, 2, False, 4)


def test_a_job_of_an_older_version_has_parts_and_no_sizes(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"] * 4, sizes=[1] * 4))
    raw_redis.delete(keys.sizes("job"))
    job = snapshot.take(raw_redis).jobs["job"]
    assert (job.parts_left, job.left) == ([1, 2, 3, 4], None)


def test_a_job_that_is_not_opened_has_the_sizes_that_its_producer_told(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.submit("told", "chapter", "", MODEL, "", FLOW, "{}", sizes=[700])
    ledger.transitions.submit("not", "chapter", "", MODEL, "", FLOW, "{}")
    jobs = snapshot.take(raw_redis).jobs
    assert (jobs["told"].state, jobs["told"].left) == ("sent", {1: 700})
    assert (jobs["not"].state, jobs["not"].left) == ("sent", None)


def test_a_finishing_job_says_for_how_long(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"], sizes=[1]))
    ledger.transitions.settle("job", 1, "done", {})
    raw_redis.hincrby(keys.job("job"), "finishing_ms", -2000)
    job = snapshot.take(raw_redis).jobs["job"]
    assert job.state == "finishing"
    assert job.finishing_s == pytest.approx(2.0, abs=1.0)


def test_the_parts_of_a_book_are_jobs_of_their_own(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("book", replace(OPENING, kind="book", payloads=["C", "C"], part_queue=FLOW_QUEUE))
    ledger.transitions.open("book.1", replace(OPENING, payloads=["P"], sizes=[1], parent=("book", 1)))
    jobs = snapshot.take(raw_redis).jobs
    assert jobs["book"].is_nested
    assert jobs["book.1"].parent == "book"


def test_what_has_ended_is_not_open(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"], sizes=[1]))
    ledger.transitions.cancel("job")
    raw_redis.zadd(keys.OPEN, {"job": 1, "gone": 2})
    assert snapshot.take(raw_redis).jobs == {}


def test_slots_that_live_and_pauses_and_single_inputs_are_those_of_the_model(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"] * 2, sizes=[1, 1], part_priority=3))
    lives(raw_redis, MODEL, "one", "two")
    lives(raw_redis, MODEL, "dead", for_s=-1.0)
    raw_redis.lpush(MODEL, "{}", "{}", "{}")
    pauses.pause(raw_redis, MODEL, "me")
    raw_redis.hset(keys.pace(MODEL), "s0", "4 4 4 4000 1000")
    now = snapshot.take(raw_redis)
    model = now.models[MODEL]
    assert (model.slots, model.alone) == (2, 3)  # its own parts have the list of single inputs here
    assert model.pause is not None
    assert model.pace is not None
    assert not now.has_flow
    lives(raw_redis, FLOW_QUEUE, "flow")
    assert snapshot.take(raw_redis).has_flow


def test_the_end_and_the_growth_of_a_kind_are_read(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.open("job", replace(OPENING, payloads=["P"], sizes=[1]))
    raw_redis.hset(keys.pace("flow:chapter"), mapping={"s0": "1 1 1 500 1000", "grown": "1 4 6"})
    kind = snapshot.take(raw_redis).kinds["chapter"]
    assert kind.growth == 1.5
    assert kind.end is not None
    assert kind.end.seconds(1, 1) == pytest.approx(0.5)


def test_of_very_many_open_jobs_none_is_read(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_JOBS", 2)
    raw_redis.zadd(keys.OPEN, {"a": 1, "b": 2, "c": 3})
    now = snapshot.take(raw_redis)
    assert (now.is_whole, now.jobs) == (False, {})
