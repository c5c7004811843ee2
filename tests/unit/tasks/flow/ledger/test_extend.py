"""Further parts for a job that is about to end: added once, whoever asks and however often."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from celery import Celery, Task
from redis import Redis

from tasks.flow.job import run
from tasks.flow.kind import Gathered, Kind, Made, More, Plan
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.queries import Queries
from tasks.messages import SummaryTextRequest
from tasks.offers import Offers
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import (
    FLOW,
    MODEL,
    OPENING,
    finishes,
    messages,
    opened,
    parts_sent,
    progress,
    record_of,
)


def finishing(ledger: Ledger, total: int) -> str:
    job = opened(ledger, total, width=2)
    for part in range(1, total + 1):
        ledger.transitions.settle(job, part, "done", {"n": part})
    assert record_of(ledger, job).state == "finishing"
    return job


def test_further_parts_are_sent_in_the_same_step(ledger: Ledger, raw_redis: Any) -> None:
    job = finishing(ledger, 3)
    raw_redis.delete(MODEL)
    assert ledger.transitions.extend(job, 3, ["2a", "2b", "2c"])
    assert ledger.queries.states(job) == "dddqq."
    assert parts_sent(raw_redis, job) == [4, 5]
    assert ledger.queries.payloads(job)[3:] == ["2a", "2b", "2c"]
    assert progress(raw_redis, job)["result"]["total"] == 6
    assert record_of(ledger, job).state == "open"


def test_the_same_extension_from_many_at_once_adds_the_parts_once(ledger: Ledger, broker: str) -> None:
    job = finishing(ledger, 3)
    with ThreadPoolExecutor(8) as pool:
        added = list(
            pool.map(lambda _: Ledger(Redis.from_url(broker)).transitions.extend(job, 3, ["2a", "2b"]), range(8))
        )
    assert sorted(added) == [False] * 7 + [True]
    assert ledger.queries.states(job) == "dddqq"
    assert len(ledger.queries.payloads(job)) == 5


def test_only_a_finishing_job_is_extended(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    assert not ledger.transitions.extend(job, 2, ["2a"])
    ended = finishing(ledger, 2)
    ledger.transitions.end(ended, "summary", "SUCCESS", {}, None)
    assert not ledger.transitions.extend(ended, 2, ["2a"])
    cancelled = finishing(ledger, 2)
    ledger.transitions.cancel(cancelled)
    assert not ledger.transitions.extend(cancelled, 2, ["2a"])
    assert not ledger.transitions.extend("nobody", 0, ["2a"])


def test_an_extended_job_ends_by_its_own_message_once_more(ledger: Ledger, raw_redis: Any) -> None:
    job = finishing(ledger, 2)
    raw_redis.delete(FLOW)
    ledger.transitions.extend(job, 2, ["2a"])
    assert not raw_redis.hexists(keys.sent(job), "end")
    assert finishes(raw_redis, job) == 0
    ledger.transitions.settle(job, 3, "done", {})
    assert finishes(raw_redis, job) == 1
    assert record_of(ledger, job).state == "finishing"


def test_a_lost_message_of_a_further_part_is_swept_up(ledger: Ledger, raw_redis: Any) -> None:
    job = finishing(ledger, 2)
    ledger.transitions.extend(job, 2, ["2a", "2b"])
    raw_redis.delete(MODEL)
    assert sorted(ledger.transitions.sweep(job, 1000).sent) == ["3", "4"]


class FrozenQueries(Queries):
    """Those of a process that stands still after it has read the payloads, until another run has extended the job."""

    def __init__(self, client: Redis, ledger: Ledger) -> None:
        super().__init__(client)
        self._transitions = ledger.transitions

    def payloads(self, job_id: str) -> list[str]:
        found = super().payloads(job_id)
        assert self._transitions.extend(job_id, 2, ["2a", "2b"])
        self._transitions.settle(job_id, 3, "done", {"is_cut": True})
        return found


class WantsMore(Kind[SummaryTextRequest]):
    """A kind whose further parts depend on all that it sees, as those of a summary do."""

    request = SummaryTextRequest
    unit = "part"

    def plan(self, request: SummaryTextRequest, offers: Offers, is_part: bool) -> Plan:
        raise AssertionError("it is open already")

    def gather(self, gathered: Gathered) -> Made:
        if any(outcome.get("is_cut") for outcome in gathered.outcomes.values()):
            return Made({"text": "not the last level"})
        raise More(["2a", "2b"])


def test_a_run_that_was_frozen_while_another_extended_the_job_does_not_end_it(
    ledger: Ledger, raw_redis: Any, broker: str
) -> None:
    job = finishing(ledger, 2)
    frozen = Ledger(raw_redis)
    frozen.queries = FrozenQueries(raw_redis, ledger)
    with Celery("flow", broker=broker, backend=broker, set_as_current=False) as app:

        @app.task(bind=True, shared=False)
        def finish(self: Task) -> Mapping[str, Any]:
            return run(self, WantsMore(), frozen, {})

        assert finish.apply(task_id=job).state == "IGNORED"
    assert record_of(ledger, job).state == "open"
    assert ledger.queries.states(job) == "dddq"


def test_each_part_may_be_the_message_of_a_task_of_its_own(ledger: Ledger, raw_redis: Any) -> None:
    parts = ['CHello.\n{"task":"speech.chapter"}', "Pwithout one"]
    named = replace(OPENING, part_task="*task", part_queue=FLOW, part_list=FLOW, width=2, payloads=parts)
    ledger.transitions.open("job", named)
    assert [one["headers"]["task"] for one in messages(raw_redis, FLOW)] == ["speech.chapter", "*task"]
    for part in (1, 2):
        ledger.transitions.settle("job", part, "done", {})
    raw_redis.delete(FLOW)
    ledger.transitions.extend("job", 2, ['VHello.\n{"task":"lipsync.video"}'])
    assert [one["headers"]["task"] for one in messages(raw_redis, FLOW)] == ["lipsync.video"]
    raw_redis.delete(FLOW)
    assert ledger.transitions.sweep("job", 1000).sent == ("3",)
    assert [one["headers"]["task"] for one in messages(raw_redis, FLOW)] == ["lipsync.video"], "sent again"
