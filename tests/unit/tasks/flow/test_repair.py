"""What failed for good is listed once, at its lowest place, and tried again from above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import InvalidInput, UnknownJob
from tasks.flow import repair
from tasks.flow.ledger import Ledger
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING, opened, record_of

ERROR = {"error": {"type": "ModelError", "message": "no", "attempt": 3, "worker": "w@host", "traceback": "…"}}


def failed_book(ledger: Ledger) -> str:
    """A book whose second chapter failed by its first part."""
    above = replace(OPENING, kind="book", part_task="speech.chapter", part_queue=FLOW, part_list=FLOW, width=2)
    ledger.transitions.open("book", replace(above, payloads=["CI", "CII"]))
    below = replace(OPENING, payloads=["Pbad", "Pgood"], parent=("book", 2))
    ledger.transitions.open("book.2", below)
    ledger.transitions.settle("book.2", 1, "failed", ERROR)
    ledger.transitions.settle("book.2", 2, "done", {})
    ledger.transitions.end("book.2", "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "1 of 2"})
    ledger.transitions.settle("book", 2, "failed", {"error": {"type": "PartsFailed", "message": "1 of 2"}})
    ledger.transitions.settle("book", 1, "done", {})
    ledger.transitions.end("book", "book", "FAILURE", None, {"type": "PartsFailed", "message": "1 of 2"})
    return "book"


def test_a_failed_chapter_is_listed_by_its_failed_part(ledger: Ledger) -> None:
    failed_book(ledger)
    (failure,) = repair.failures(ledger)
    assert (failure.id, failure.job, failure.words) == ("book.2.1", "book.2", "bad")
    assert (failure.reason, failure.attempts, failure.worker) == ("ModelError: no", 3, "w@host")


@pytest.mark.parametrize("named", ["book", "book.2", "book.2.1"])
def test_trying_again_opens_all_that_stands_above(ledger: Ledger, raw_redis: Any, named: str) -> None:
    failed_book(ledger)
    raw_redis.delete(MODEL)
    assert repair.retry(ledger, named) == 1
    assert [record_of(ledger, job).state for job in ("book", "book.2")] == ["open", "open"]
    assert (ledger.queries.states("book"), ledger.queries.states("book.2")) == ("dq", "qd")
    assert raw_redis.llen(MODEL) == 1
    assert repair.failures(ledger) == []


def test_a_job_that_has_not_failed_is_refused(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    with pytest.raises(InvalidInput, match="has not failed"):
        repair.retry(ledger, job)


def test_a_job_that_failed_as_a_whole_has_no_part_to_try_again(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "StoreError", "message": "full"})
    with pytest.raises(InvalidInput, match="failed as a whole"):
        repair.retry(ledger, job)


def test_a_message_set_aside_is_listed_by_a_name_of_its_own_and_sent_again_once(ledger: Ledger, raw_redis: Any) -> None:
    ledger.set_asides.add("queue", "WorkerLost: died", '{"headers":{"id":"alone"}}')
    (failure,) = repair.failures(ledger)
    assert failure.job is None
    assert failure.words.startswith("queue: ")
    assert repair.retry(ledger, failure.id) == 1
    assert raw_redis.lrange("queue", 0, -1) == [b'{"headers":{"id":"alone"}}']
    with pytest.raises(UnknownJob, match="nothing that failed"):
        repair.retry(ledger, failure.id)


def test_everything_is_tried_again_at_once(ledger: Ledger) -> None:
    failed_book(ledger)
    ledger.set_asides.add("queue", "died", "{}")
    assert repair.retry_all(ledger) == 2
    assert repair.failures(ledger) == []
