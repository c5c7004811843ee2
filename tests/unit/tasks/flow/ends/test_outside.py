"""A job ends as FAILURE without a run of its task, and its part in the job above fails with it."""

from __future__ import annotations

from dataclasses import replace

from tasks.errors import WorkerLost
from tasks.flow.ends.outside import Failing, fail
from tasks.flow.ledger import Ledger
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, opened, record_of

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
