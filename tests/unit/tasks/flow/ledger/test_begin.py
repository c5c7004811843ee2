"""A run of a job's own task is counted before it begins; a lost one keeps its reason."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.claims import SPENT, TOO_SOON
from tasks.flow.ledger.record import OwnMessage
from tasks.redis import keys
from tasks.settings import settings
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, record_of

HEAD, TAIL = '{"properties":{"delivery_info":{},"delivery_tag":"', '"}}'
OWN = OwnMessage(HEAD, TAIL, FLOW)
ERROR = {"type": "WorkerLost", "message": "its worker died"}


def begin(ledger: Ledger, job: str, tag: str, parent: tuple[str, int] | None = None) -> int:
    return ledger.claims.begin(job, tag, OWN, parent)


def lost(ledger: Ledger, job: str, tag: str, why: str = "killed") -> int:
    return ledger.claims.lost(job, tag, why, is_job=True)


def finishing(ledger: Ledger) -> str:
    job = uuid.uuid4().hex
    ledger.transitions.open(job, replace(OPENING, payloads=["Ptext"], finish_head=HEAD, finish_tail=TAIL))
    ledger.transitions.settle(job, 1, "done", {})
    return job


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "2")
    settings.cache_clear()


def test_three_runs_begin_in_each_state_of_a_job_and_no_fourth(ledger: Ledger) -> None:
    assert [begin(ledger, "new", tag) for tag in "abcd"] == [1, 2, 3, SPENT]
    job = finishing(ledger)
    assert [begin(ledger, job, tag) for tag in "abcd"] == [1, 2, 3, SPENT]


def test_a_job_that_is_open_or_has_ended_begins_no_run(ledger: Ledger, raw_redis: Any) -> None:
    job = uuid.uuid4().hex
    ledger.transitions.open(job, replace(OPENING, payloads=["Ptext"]))
    assert begin(ledger, job, "again") == 0
    ended = finishing(ledger)
    ledger.transitions.end(ended, "chapter", "SUCCESS", {"made": 1}, None)
    assert begin(ledger, ended, "again") == 0
    assert not raw_redis.exists(keys.attempts(ended))


def test_the_second_run_may_follow_at_once_and_the_third_waits_where_the_sweep_knows_it(
    pauses: None, ledger: Ledger, raw_redis: Any
) -> None:
    job = finishing(ledger)
    raw_redis.delete(FLOW)
    assert [begin(ledger, job, tag) for tag in "abc"] == [1, 2, TOO_SOON]
    assert raw_redis.zcard(keys.DELAYED) == 1
    assert ledger.transitions.sweep(job, 1000).sent == ()


def test_a_chapter_that_waits_is_known_in_its_book(pauses: None, ledger: Ledger, raw_redis: Any) -> None:
    book = uuid.uuid4().hex
    opening = replace(OPENING, payloads=["Cone"], finish_head=HEAD, finish_tail=TAIL, part_list=FLOW, part_queue=FLOW)
    ledger.transitions.open(book, opening)
    raw_redis.delete(FLOW)
    assert [begin(ledger, f"{book}.1", tag, (book, 1)) for tag in "abc"] == [1, 2, TOO_SOON]
    assert ledger.transitions.sweep(book, 1000).sent == ()
    assert raw_redis.ttl(keys.attempts(f"{book}.1")) > 0, "the count of a job without a record has an end"


def test_a_run_that_was_lost_keeps_what_ended_it(ledger: Ledger) -> None:
    job = finishing(ledger)
    begin(ledger, job, "a")
    assert lost(ledger, job, "a", "signal 9 (SIGKILL)") == 1
    assert ledger.claims.step_loss(job, "finishing") == "signal 9 (SIGKILL)"


def test_a_run_that_was_lost_before_it_was_counted_is_counted_then(ledger: Ledger) -> None:
    job = finishing(ledger)
    assert [lost(ledger, job, tag) for tag in "abc"] == [1, 2, 3]
    assert begin(ledger, job, "d") == SPENT
    assert [ledger.claims.lost("alone", tag, "killed", is_job=False) for tag in "ab"] == [1, 2]


def test_a_message_that_comes_again_has_its_old_tag_and_each_of_its_lost_runs_counts(
    ledger: Ledger, raw_redis: Any
) -> None:
    assert [ledger.claims.lost("alone", "tag", "killed", is_job=False) for _ in range(3)] == [1, 2, 3]
    assert ledger.claims.lost("alone", "tag", "", is_job=False) == 3, "that run was not counted"
    job = finishing(ledger)
    assert [begin(ledger, job, "tag"), lost(ledger, job, "tag"), lost(ledger, job, "tag")] == [1, 1, 2]


def test_a_run_that_its_worker_ended_as_planned_costs_no_attempt(ledger: Ledger) -> None:
    job = finishing(ledger)
    begin(ledger, job, "a")
    assert lost(ledger, job, "a", why="") == 0
    assert begin(ledger, job, "b") == 1
    assert lost(ledger, job, "a", why="") == 1, "a later run has begun, and its count stays"


def test_a_job_that_failed_as_a_whole_is_listed_and_goes_on_where_it_stopped(ledger: Ledger, raw_redis: Any) -> None:
    job = finishing(ledger)
    for tag in "abc":
        begin(ledger, job, tag)
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, ERROR, OWN, is_listed=True)
    assert [(one, part) for one, part, _ in ledger.queries.failed()] == [(job, 0)]
    raw_redis.delete(FLOW)
    assert ledger.transitions.begin_again(job)
    assert (record_of(ledger, job).state, raw_redis.llen(FLOW)) == ("finishing", 1)
    assert begin(ledger, job, "again") == 1
    assert ledger.queries.failed() == []


def test_a_job_that_failed_before_it_was_opened_begins_anew(ledger: Ledger, raw_redis: Any) -> None:
    assert ledger.transitions.end("new", "chapter", "FAILURE", None, ERROR, OWN, is_listed=True)
    raw_redis.set(keys.RESULT_PREFIX + "new", "a failure")
    assert ledger.transitions.begin_again("new")
    assert (record_of(ledger, "new").state, raw_redis.llen(FLOW)) == ("sent", 1)
    assert not raw_redis.exists(keys.RESULT_PREFIX + "new")
    assert ledger.transitions.sweep("new", 1000).sent == ()


def test_what_has_not_failed_or_has_no_message_does_not_begin_again(ledger: Ledger) -> None:
    assert not ledger.transitions.begin_again("unknown")
    assert not ledger.transitions.begin_again(finishing(ledger))
    ledger.transitions.end("refused", "chapter", "FAILURE", None, ERROR)
    assert not ledger.transitions.begin_again("refused")
