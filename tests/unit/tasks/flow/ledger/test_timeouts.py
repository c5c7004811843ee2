"""A request with a `timeout_s`: what was not computed in time is dropped when it is taken, and ends in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import TimeoutOver
from tasks.flow import envelope
from tasks.flow.ends.outside import fail_overdue
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Taken
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING, finishes, parts_sent, record_of

LONG_S = 3600.0
OVER = {"type": "TimeoutOver", "message": str(TimeoutOver.of(LONG_S))}


def pass_by(raw_redis: Any, *ids: str) -> None:
    """Let the time of these be over: their end is moved into the past."""
    for one in ids:
        raw_redis.zadd(keys.TIMEOUTS, {one: 1})
        for key in (keys.job(one), keys.attempts(one)):
            if raw_redis.hexists(key, "until_ms"):
                raw_redis.hset(key, "until_ms", 1)


def submitted(ledger: Ledger, job: str = "job") -> str:
    message = envelope.new_message("speech.chapter", job, {"text": "Trăm năm", "model": MODEL}, FLOW)
    assert ledger.transitions.submit(job, "chapter", "Kiều", MODEL, "vi", FLOW, message, timeout_s=LONG_S)
    return job


def job_of(ledger: Ledger, total: int = 8, job: str = "job", parent: tuple[str, int] | None = None) -> str:
    opening = replace(OPENING, payloads=["Pa"] * total, parent=parent, timeout_s=None if parent else LONG_S)
    assert ledger.transitions.open(job, opening) == total
    return job


def sent(ledger: Ledger, task_id: str = "single") -> str:
    message = envelope.new_message("speech.paragraph", task_id, {"text": "a", "model": MODEL}, MODEL)
    ledger.transitions.send(MODEL, task_id, message, LONG_S)
    return task_id


def take_single(ledger: Ledger, timeout_s: float | None = LONG_S) -> Any:
    (answer,) = ledger.claims.take_all([("single", 0)], ["digest"], [timeout_s])
    return answer


def end_overdue(ledger: Ledger) -> dict[str, Any]:
    return {one: fail_overdue(ledger, one, timeout_s) for one, timeout_s in ledger.queries.overdue(10)}


def test_the_time_counts_from_the_submission_by_redis_clock(ledger: Ledger, raw_redis: Any) -> None:
    submitted(ledger)
    until = int(raw_redis.hget(keys.job("job"), "until_ms"))
    assert until - int(raw_redis.hget(keys.job("job"), "submitted_ms")) == LONG_S * 1000
    job_of(ledger)
    assert int(raw_redis.hget(keys.job("job"), "until_ms")) == until == raw_redis.zscore(keys.TIMEOUTS, "job")
    job_of(ledger, job="plain celery's")
    assert int(raw_redis.hget(keys.job("plain celery's"), "until_ms")) >= until, "from when it is first seen"


def test_before_its_end_a_job_and_a_single_are_taken_and_not_ended(ledger: Ledger) -> None:
    job_of(ledger)
    sent(ledger)
    assert isinstance(ledger.claims.take("job", 1), Taken)
    assert isinstance(take_single(ledger), Taken)
    assert end_overdue(ledger) == {}
    assert fail_overdue(ledger, "job", LONG_S) is None


def test_a_job_whose_time_is_over_ends_its_parts_are_dropped_and_its_room_is_others(
    ledger: Ledger, raw_redis: Any
) -> None:
    job, other = job_of(ledger), job_of(ledger, job="other")
    ledger.transitions.settle(job, 1, "done", {})
    pass_by(raw_redis, job)
    assert ledger.claims.take(job, 2) is None
    assert set(end_overdue(ledger)) == {job}
    record = record_of(ledger, job)
    assert (record.state, record.outcome, record.error) == ("ended", "FAILURE", OVER)
    assert finishes(raw_redis, job) == 1, "so that Celery hears of it"
    assert ledger.claims.take(job, 2) is None
    assert ledger.transitions.settle(job, 2, "done", {}) == "late"
    assert len(parts_sent(raw_redis, other)) == 4
    assert end_overdue(ledger) == {}
    assert not raw_redis.zscore(keys.FAILED, f"{job}.0")


def test_a_job_that_is_not_open_yet_ends_too(ledger: Ledger, raw_redis: Any) -> None:
    pass_by(raw_redis, submitted(ledger))
    assert set(end_overdue(ledger)) == {"job"}
    assert record_of(ledger, "job").error == OVER
    assert ledger.transitions.open("job", replace(OPENING, payloads=["Pa"])) == -1


def test_the_chapters_of_a_book_end_with_it_and_a_late_chapter_has_its_end(ledger: Ledger, raw_redis: Any) -> None:
    book = replace(OPENING, kind="book", part_queue=FLOW, part_list=FLOW, payloads=["C", "C"], width=2)
    ledger.transitions.open("book", replace(book, timeout_s=LONG_S))
    job_of(ledger, job="book.1", parent=("book", 1))
    assert raw_redis.hget(keys.job("book.1"), "until_ms") == raw_redis.hget(keys.job("book"), "until_ms")
    pass_by(raw_redis, "book")
    raw_redis.hset(keys.job("book.1"), "until_ms", 1)
    assert ledger.claims.take("book.1", 1) is None
    assert set(end_overdue(ledger)) == {"book", "book.1"} - {"book.1"}
    assert [record_of(ledger, one).error for one in ("book", "book.1")] == [OVER, OVER]


def test_what_is_being_finished_may_end(ledger: Ledger, raw_redis: Any) -> None:
    job_of(ledger, total=1)
    ledger.transitions.settle("job", 1, "done", {})
    pass_by(raw_redis, "job")
    assert end_overdue(ledger) == {"job": None}
    assert raw_redis.zscore(keys.TIMEOUTS, "job") > 1, "looked at again: a summary may have further parts"
    assert ledger.transitions.extend("job", 1, ["Pb"])
    pass_by(raw_redis, "job")
    assert str(end_overdue(ledger)["job"]) == OVER["message"]


def test_a_single_whose_time_is_over_ends_though_no_slot_takes_it_and_is_refused_when_taken(
    ledger: Ledger, raw_redis: Any
) -> None:
    pass_by(raw_redis, sent(ledger))
    assert str(take_single(ledger)) == OVER["message"]
    assert isinstance(end_overdue(ledger)["single"], TimeoutOver)
    assert isinstance(take_single(ledger), TimeoutOver)
    assert end_overdue(ledger) == {}


@pytest.mark.parametrize("ended", ["SUCCESS", "FAILURE", "REVOKED"])
def test_a_single_that_has_ended_or_was_begun_is_left_alone(ledger: Ledger, raw_redis: Any, ended: str) -> None:
    raw_redis.set(keys.RESULT_PREFIX + sent(ledger), json.dumps({"status": ended, "result": 1}))
    sent(ledger, "begun")
    raw_redis.hset(keys.attempts("begun"), "0", 1)
    pass_by(raw_redis, "single", "begun")
    assert end_overdue(ledger) == {"single": None, "begun": None}
    assert not raw_redis.exists(keys.TIMEOUTS)


def test_a_single_of_another_client_counts_from_when_it_is_first_taken(ledger: Ledger, raw_redis: Any) -> None:
    assert isinstance(take_single(ledger), Taken)
    assert raw_redis.zscore(keys.TIMEOUTS, "single")
    assert raw_redis.pttl(keys.attempts("single")) > 0
    pass_by(raw_redis, "single")
    assert isinstance(take_single(ledger), TimeoutOver)


def test_who_tries_a_failed_job_again_does_not_ask_for_it_within_a_time(ledger: Ledger, raw_redis: Any) -> None:
    job = job_of(ledger, total=1)
    ledger.transitions.settle(job, 1, "failed", {"error": {}})
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    pass_by(raw_redis, job)
    assert ledger.transitions.reopen(job, [1]) == 1
    assert end_overdue(ledger) == {job: None}
    assert isinstance(ledger.claims.take(job, 1), Taken)
