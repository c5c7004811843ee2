"""What the ledger knows of jobs and parts, on a real Redis."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks import pauses
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.queries import OUTCOMES_AT_ONCE
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING, opened


def test_an_unknown_job_has_nothing(ledger: Ledger) -> None:
    queries = ledger.queries
    assert queries.record("nobody") is None
    assert not queries.exists("nobody")
    assert queries.stored_result("nobody") is None
    assert (queries.states("nobody"), queries.payloads("nobody"), queries.outcomes("nobody")) == ("", [], {})
    assert (queries.payload("nobody", 1), queries.outcome("nobody", 1), queries.params("nobody")) == (None, None, {})


def test_an_open_job_is_known_as_it_was_opened(ledger: Ledger) -> None:
    job = opened(ledger, 3, skipped={2})
    ledger.transitions.settle(job, 1, "done", {"n": 1})
    assert ledger.queries.params(job) == OPENING.params
    assert ledger.queries.payload(job, 3) == "Ptext 3"
    assert ledger.queries.payload(job, 4) is None
    assert ledger.queries.outcome(job, 1) == {"n": 1}
    assert ledger.queries.outcome(job, 3) is None
    assert ledger.queries.outcomes(job) == {1: {"n": 1}, 2: {"skipped": "nothing to speak"}}


def test_the_outcomes_of_a_long_job_are_read_in_pieces(ledger: Ledger, raw_redis: Any) -> None:
    total = 2 * OUTCOMES_AT_ONCE + 1
    raw_redis.hset(keys.job("long"), "total", total)
    known = {part: {"n": part} for part in range(1, total + 1) if part != 7}
    raw_redis.hset(keys.outcomes("long"), mapping={str(part): json.dumps(one) for part, one in known.items()})
    raw_redis.config_resetstat()
    assert ledger.queries.outcomes("long") == known
    assert len(ledger.queries.texts("long")) == len(known)
    commands = raw_redis.info("commandstats")
    assert commands["cmdstat_hmget"]["calls"] == 3 + 3 + 1
    assert not {"cmdstat_hgetall", "cmdstat_hvals"} & set(commands)


def test_the_outcomes_of_a_job_are_known_after_its_end(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    for part in (1, 2):
        ledger.transitions.settle(job, part, "done", {"n": part})
    ledger.transitions.end(job, "chapter", "SUCCESS", {"title": "One"}, None)
    assert ledger.queries.outcomes(job) == {1: {"n": 1}, 2: {"n": 2}}


def test_a_result_alone_makes_an_id_known(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.set(keys.RESULT_PREFIX + "alone", '{"status": "SUCCESS", "result": 1}')
    assert ledger.queries.exists("alone")
    assert ledger.queries.stored_result("alone") == {"status": "SUCCESS", "result": 1}


def test_how_a_job_stands_is_its_stored_result_its_record_and_what_is_paused(ledger: Ledger, raw_redis: Any) -> None:
    assert ledger.queries.standing("nobody") == (None, None, {})
    job = opened(ledger, 3)
    pauses.pause(raw_redis, MODEL, "me")
    queries = ledger.queries
    assert queries.standing(job) == (queries.stored_result(job), queries.record(job), pauses.paused(raw_redis))
    assert queries.standing(job)[0]
    assert list(queries.standing(job)[2]) == [MODEL]


def test_the_listing_has_the_latest_job_first_and_drops_what_has_expired(ledger: Ledger, raw_redis: Any) -> None:
    for number in range(3):
        ledger.transitions.submit(f"job {number}", "chapter", "", MODEL, "", FLOW, "{}")
        raw_redis.zadd(keys.JOBS, {f"job {number}": number})
    raw_redis.delete(keys.job("job 1"))
    assert [record.job_id for record in ledger.queries.jobs()] == ["job 2", "job 0"]
    assert raw_redis.zcard(keys.JOBS) == 2


def test_failed_parts_are_listed_with_their_time_the_latest_first(ledger: Ledger, raw_redis: Any) -> None:
    raw_redis.zadd(keys.FAILED, {"a.b.1": 1000, "a.12": 2500})
    assert ledger.queries.failed() == [("a", 12, 2.5), ("a.b", 1, 1.0)]
    assert ledger.queries.failed(limit=1) == [("a", 12, 2.5)]


def test_only_cancelled_jobs_are_named_as_cancelled(ledger: Ledger) -> None:
    gone, open_ = opened(ledger, 1), opened(ledger, 1)
    ledger.transitions.cancel(gone)
    assert ledger.queries.cancelled([gone, open_, "nobody"]) == {gone}
    assert ledger.queries.cancelled([]) == set()


@pytest.mark.parametrize(("lease_end", "is_there"), [(9e15, True), (1, False)])
def test_a_model_has_a_worker_while_its_lease_lasts(
    ledger: Ledger, raw_redis: Any, lease_end: float, is_there: bool
) -> None:
    assert not ledger.queries.has_worker(MODEL)
    raw_redis.zadd(keys.capacity(MODEL), {"worker|4": lease_end})
    assert ledger.queries.has_worker(MODEL) is is_there


def test_a_job_is_found_by_the_digest_of_its_request_while_it_is_recorded(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 1)
    ledger.transitions.name_job("digest", job)
    found = ledger.queries.named("digest")
    assert found is not None
    assert found.job_id == job
    assert raw_redis.ttl(keys.reading("digest")) > 0
    ledger.transitions.forget(job)
    assert ledger.queries.named("digest") is None
    assert ledger.queries.named("other") is None
