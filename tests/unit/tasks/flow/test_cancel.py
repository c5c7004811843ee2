"""Cancelling in the ledger, on a real Redis: one step, for good, and whatever comes late changes nothing."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.cancel import cancel
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import Opening, Record
from tasks.redis import keys

FLOW, MODEL = "flow", "aloud"

CHAPTER = Opening(
    kind="chapter",
    title="Chí Phèo",
    model=MODEL,
    voice="vi",
    params={},
    payloads=[],
    skipped={},
    width=3,
    part_task="speech.paragraph",
    part_queue=MODEL,
    part_list=MODEL,
    part_priority=0,
    part_results=False,
    finish_head='{"properties":{"delivery_tag":"',
    finish_tail='"}}',
    finish_list=FLOW,
    root="root",
    parent=None,
)
BOOK = replace(CHAPTER, kind="book", part_task="speech.chapter", part_queue=FLOW, part_list=FLOW, width=2)


@pytest.fixture
def notified() -> list[str]:
    """The ids that workers were asked to stop."""
    return []


def opened(ledger: Ledger, total: int, like: Opening = CHAPTER, job: str | None = None, **changes: Any) -> str:
    job = job or uuid.uuid4().hex
    assert (
        ledger.transitions.open(job, replace(like, payloads=[f"Ptext {n}" for n in range(total)], **changes)) == total
    )
    return job


def record_of(ledger: Ledger, job: str) -> Record:
    record = ledger.queries.record(job)
    assert record is not None
    return record


def result_of(raw_redis: Any, job: str) -> dict[str, Any] | None:
    raw = raw_redis.get(keys.RESULT_PREFIX + job)
    return json.loads(raw) if raw else None


def test_a_cancelled_job_is_revoked_for_celery_and_every_key_of_it_has_an_end(
    ledger: Ledger, raw_redis: Any, notified: list[str]
) -> None:
    job = opened(ledger, 9)
    ledger.transitions.settle(job, 1, "done", {"audio": 1})
    assert cancel(ledger, job, notified.extend)
    assert notified == [job]
    assert (record_of(ledger, job).state, record_of(ledger, job).label) == ("ended", "REVOKED")
    stored = result_of(raw_redis, job)
    assert stored is not None
    assert (stored["status"], stored["task_id"]) == ("REVOKED", job)
    assert stored["result"] == {
        "exc_type": "TaskRevokedError",
        "exc_message": ["cancelled"],
        "exc_module": "celery.exceptions",
    }
    assert ledger.queries.open_jobs(10) == []
    left: Any = raw_redis.keys(f"*{job}*")
    assert len(left) == 3
    assert all(raw_redis.ttl(key) > 0 for key in left)


def test_what_comes_late_changes_nothing(ledger: Ledger, raw_redis: Any, notified: list[str]) -> None:
    job = opened(ledger, 9)
    cancel(ledger, job, notified.extend)
    assert ledger.claims.take(job, 1) is None
    assert ledger.transitions.settle(job, 1, "done", {"audio": 1}) == "late"
    assert ledger.transitions.settle(job, 2, "again", {}) == "late"
    assert not ledger.transitions.end(job, "chapter", "SUCCESS", {}, None)
    assert ledger.transitions.open(job, replace(CHAPTER, payloads=["Pother"])) == -1
    assert ledger.transitions.reopen(job, [1]) == 0
    assert ledger.transitions.sweep(job, 100).sent == ()
    stored = result_of(raw_redis, job)
    assert stored is not None
    assert stored["status"] == "REVOKED"
    assert not cancel(ledger, job, notified.extend), "a second time there is nothing to cancel"


def test_a_job_of_ten_thousand_parts_is_cancelled_in_a_moment(ledger: Ledger, notified: list[str]) -> None:
    job = opened(ledger, 10_000, width=500)
    for part in range(1, 400):
        ledger.transitions.settle(job, part, "failed", {"error": {"type": "ModelError", "message": "x"}})
    began = time.monotonic()
    assert cancel(ledger, job, notified.extend)
    assert time.monotonic() - began < 0.5
    assert ledger.queries.failed() == [], "nobody is asked to try again what was cancelled"


def test_a_job_whose_message_still_waits_is_never_opened(ledger: Ledger, raw_redis: Any, notified: list[str]) -> None:
    ledger.transitions.submit("waits", "chapter", "t", MODEL, "vi", FLOW, '{"properties":{"delivery_tag":"x"}}')
    assert cancel(ledger, "waits", notified.extend)
    assert ledger.transitions.open("waits", replace(CHAPTER, payloads=["Ptext"])) == -1
    assert raw_redis.llen(FLOW) == 1, "its own message waits: it tells Celery's followers when it is taken"
    assert ledger.transitions.sweep("waits", 100).sent == ()


def test_an_open_jobs_own_message_is_sent_once_so_that_celery_tells_its_followers(
    ledger: Ledger, raw_redis: Any, notified: list[str]
) -> None:
    job = opened(ledger, 3)
    cancel(ledger, job, notified.extend)
    cancel(ledger, job, notified.extend)
    sent: Any = raw_redis.lrange(FLOW, 0, -1)
    assert [json.loads(raw)["properties"]["delivery_tag"].startswith(f"{job}.end") for raw in sent] == [True]


def test_cancelling_a_book_cancels_its_open_chapters_and_opens_no_other(ledger: Ledger, notified: list[str]) -> None:
    book = opened(ledger, 5, BOOK)
    chapters = [opened(ledger, 4, job=f"{book}.{n}", parent=(book, n)) for n in (1, 2)]
    assert cancel(ledger, book, notified.extend)
    assert sorted(notified) == sorted([book, *chapters])
    assert {record_of(ledger, job).label for job in notified} == {"REVOKED"}
    late = replace(CHAPTER, payloads=["Ptext"], parent=(book, 2))
    assert ledger.transitions.open(f"{book}.3", replace(late, parent=(book, 3))) == -1, (
        "its chapter was just being split"
    )
    assert ledger.queries.open_jobs(10) == []


def test_a_job_of_a_sender_who_chose_a_parts_id_goes_on_when_the_book_is_cancelled(
    ledger: Ledger, notified: list[str]
) -> None:
    book = opened(ledger, 5, BOOK)
    anothers = opened(ledger, 4, job=f"{book}.2")
    assert cancel(ledger, book, notified.extend)
    assert (record_of(ledger, anothers).state, notified) == ("open", [book])


def test_a_cancelled_chapter_is_a_failed_part_of_its_book_which_goes_on(ledger: Ledger, notified: list[str]) -> None:
    book = opened(ledger, 3, BOOK)
    chapter = opened(ledger, 4, job=f"{book}.1", parent=(book, 1))
    assert cancel(ledger, chapter, notified.extend)
    assert notified == [chapter]
    assert ledger.queries.states(book) == "fqq"
    assert ledger.queries.outcomes(book)[1]["error"] == {"type": "JobCancelled", "message": "cancelled"}
    assert record_of(ledger, book).state == "open"


def test_a_part_that_is_no_job_of_its_own_fails_in_its_job_when_its_id_is_cancelled(
    ledger: Ledger, notified: list[str]
) -> None:
    job = opened(ledger, 3)
    assert cancel(ledger, f"{job}.2", notified.extend, even_unknown=True)
    assert ledger.queries.states(job) == "qfq"
    assert notified == [f"{job}.2"]
    for wrong in (f"{job}.0", f"{job}.4", f"{job}.x"):
        assert not cancel(ledger, wrong, notified.extend)
    assert ledger.queries.states(job) == "qfq"


def test_an_id_that_is_not_recorded_is_cancelled_only_when_asked_to(
    ledger: Ledger, raw_redis: Any, notified: list[str]
) -> None:
    assert not cancel(ledger, "bare", notified.extend)
    assert raw_redis.keys("*") == []
    assert cancel(ledger, "bare", notified.extend, even_unknown=True)
    assert ledger.queries.cancelled(["bare", "other"]) == {"bare"}
    assert ledger.transitions.open("bare", replace(CHAPTER, payloads=["Ptext"])) == -1
    left: Any = raw_redis.keys("*")
    assert all(raw_redis.ttl(key) > 0 for key in left)


def test_a_task_that_has_its_result_is_not_cancelled_any_more(
    ledger: Ledger, raw_redis: Any, notified: list[str]
) -> None:
    raw_redis.set(keys.RESULT_PREFIX + "bare", '{"status": "SUCCESS", "result": {"a": 1}}')
    assert not cancel(ledger, "bare", notified.extend, even_unknown=True)
    stored = result_of(raw_redis, "bare")
    assert stored is not None
    assert stored["status"] == "SUCCESS"
