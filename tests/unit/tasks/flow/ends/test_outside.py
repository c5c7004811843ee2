"""A job ends as FAILURE without a run of its task, and its part in the job above fails with it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tasks.compact_json import dumps
from tasks.errors import InvalidInput, WorkerLost
from tasks.flow import envelope, repair
from tasks.flow.ends.outside import Failing, fail, fail_refused
from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING, messages, opened, record_of

LOST = WorkerLost("its worker died")


def test_a_chapter_that_fails_fails_its_part_of_the_book(ledger: Ledger) -> None:
    ledger.transitions.open("book", replace(OPENING, payloads=["CI", "CII"], part_queue=FLOW, part_list=FLOW))
    assert fail(ledger, Failing("book.1", "chapter", ("book", 1), LOST))
    assert ledger.queries.outcome("book", 1) == {
        "error": {"type": "WorkerLost", "message": "its worker died"},
        "result": None,
    }
    assert ledger.queries.states("book") == "fq"


def test_a_job_that_is_open_or_has_ended_is_left_alone(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    assert not fail(ledger, Failing(job, "chapter", None, LOST))
    ledger.transitions.settle(job, 1, "done", {})
    ledger.transitions.end(job, "chapter", "SUCCESS", {"made": 1}, None)
    assert not fail(ledger, Failing(job, "chapter", None, LOST))
    assert record_of(ledger, job).label == "SUCCESS"


REFUSED = InvalidInput("task: no task is called drawing.album")


def submitted(ledger: Ledger, job: str) -> str:
    """The tag of the one message of a job that is recorded."""
    message = envelope.new_message("drawing.album", job, {}, FLOW)
    ledger.transitions.submit(job, "album", "", MODEL, "", FLOW, message)
    return str(json.loads(message)["properties"]["delivery_tag"])


def test_a_job_whose_own_message_is_refused_ends_and_another_message_of_its_id_changes_nothing(ledger: Ledger) -> None:
    tag = submitted(ledger, "job")
    assert not fail_refused(ledger, "job", "another tag", REFUSED)
    assert record_of(ledger, "job").state == "sent"
    assert fail_refused(ledger, "job", tag, REFUSED)
    assert record_of(ledger, "job").label == "FAILURE"


def test_a_part_whose_message_is_refused_fails_in_its_job(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 2)
    tag = str(messages(raw_redis, MODEL)[0]["properties"]["delivery_tag"])
    assert not fail_refused(ledger, f"{job}.1", "another tag", REFUSED)
    assert fail_refused(ledger, f"{job}.1", tag, REFUSED)
    assert ledger.queries.states(job) == "fq"


def test_an_id_that_nobody_knows_is_answered_and_one_that_has_a_result_is_not(ledger: Ledger, raw_redis: Any) -> None:
    assert fail_refused(ledger, "nobody", "tag", REFUSED)
    raw_redis.set(keys.RESULT_PREFIX + "somebody", "a result")
    assert not fail_refused(ledger, "somebody", "tag", REFUSED)


def test_a_job_that_was_refused_begins_with_its_message_when_that_is_sent_again(ledger: Ledger, raw_redis: Any) -> None:
    tag = submitted(ledger, "job")
    message = raw_redis.rpop(FLOW)
    assert fail_refused(ledger, "job", tag, REFUSED)
    ledger.set_asides.add(FLOW, str(REFUSED), message.decode())
    (failure,) = repair.failures(ledger)
    assert repair.retry(ledger, failure.id) == 1
    assert (ledger.queries.record("job"), raw_redis.llen(FLOW)) == (None, 1)


def test_a_finish_whose_message_was_refused_goes_on_when_it_is_sent_again(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    tag = str(messages(raw_redis, FLOW)[0]["tag"])
    assert fail_refused(ledger, job, tag, REFUSED)
    ledger.set_asides.add(FLOW, str(REFUSED), dumps({"headers": {"id": job}}))
    raw_redis.delete(FLOW)
    assert repair.retry_all(ledger) == 1
    assert (record_of(ledger, job).state, raw_redis.llen(FLOW)) == ("finishing", 1)
    assert repair.failures(ledger) == []
