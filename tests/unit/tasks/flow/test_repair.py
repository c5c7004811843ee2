"""What failed for good is listed once, at its lowest place, and tried again from above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasks.errors import InvalidInput, UnknownJob, WorkerLost
from tasks.flow import repair
from tasks.flow.ends.outside import Failing, fail
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import OwnMessage
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


@pytest.mark.parametrize("is_all", [False, True])
def test_no_part_can_be_done_while_another_that_is_tried_again_still_counts_as_failed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, is_all: bool
) -> None:
    job = opened(ledger, 3)
    for part in (1, 2, 3):
        ledger.transitions.settle(job, part, "failed", ERROR)
    ledger.transitions.end(job, "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "3 of 3"})
    failed_when_sent = []
    reopen = ledger.transitions.reopen

    def reopen_and_look(job_id: str, parts: Any) -> int:
        sent = reopen(job_id, parts)
        failed_when_sent.append(record_of(ledger, job_id).failed)
        return sent

    monkeypatch.setattr(ledger.transitions, "reopen", reopen_and_look)
    assert (repair.retry_all(ledger) if is_all else repair.retry(ledger, job)) == 3
    assert failed_when_sent == [0], "a slot that is quick would end the job with what still counts as failed"


def test_chapters_that_are_tried_again_are_all_open_before_a_part_of_one_is_sent(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = replace(OPENING, kind="book", part_task="speech.chapter", part_queue=FLOW, part_list=FLOW, width=2)
    ledger.transitions.open("book", replace(above, payloads=["CI", "CII"]))
    for part in (1, 2):
        ledger.transitions.open(f"book.{part}", replace(OPENING, payloads=["Pbad"], parent=("book", part)))
        ledger.transitions.settle(f"book.{part}", 1, "failed", ERROR)
        ledger.transitions.end(f"book.{part}", "chapter", "FAILURE", None, {"type": "PartsFailed", "message": "1 of 1"})
        ledger.transitions.settle("book", part, "failed", ERROR)
    ledger.transitions.end("book", "book", "FAILURE", None, {"type": "PartsFailed", "message": "2 of 2"})
    states = []
    reopen = ledger.transitions.reopen

    def look_and_reopen(job_id: str, parts: Any) -> int:
        states.append(ledger.queries.states("book"))
        return reopen(job_id, parts)

    monkeypatch.setattr(ledger.transitions, "reopen", look_and_reopen)
    assert repair.retry_all(ledger) == 2
    assert states == ["qq", "qq"]


def test_a_job_that_has_not_failed_is_refused(ledger: Ledger) -> None:
    job = opened(ledger, 1)
    with pytest.raises(InvalidInput, match="has not failed"):
        repair.retry(ledger, job)


def test_a_job_that_failed_as_a_whole_is_listed_and_finishes_when_it_is_tried_again(
    ledger: Ledger, raw_redis: Any
) -> None:
    job = opened(ledger, 1)
    ledger.transitions.settle(job, 1, "done", {})
    lost = WorkerLost("its worker died in all 3 attempts to finish it")
    assert fail(ledger, Failing(job, "chapter", None, lost, OwnMessage("", "", FLOW)))
    (failure,) = repair.failures(ledger)
    assert (failure.id, failure.job, failure.words) == (job, job, "Chí Phèo")
    assert failure.reason == "WorkerLost: its worker died in all 3 attempts to finish it"
    raw_redis.delete(FLOW)
    assert repair.retry_all(ledger) == 1
    assert (record_of(ledger, job).state, raw_redis.llen(FLOW)) == ("finishing", 1)
    assert repair.failures(ledger) == []


def test_a_request_that_was_refused_is_not_sent_again(ledger: Ledger) -> None:
    fail(ledger, Failing("refused", "chapter", None, InvalidInput("voice: none"), OwnMessage("", "", FLOW)))
    assert repair.failures(ledger) == []
    with pytest.raises(InvalidInput, match="failed as a whole, and would fail again"):
        repair.retry(ledger, "refused")


@pytest.mark.parametrize("named", ["book", "book.2"])
def test_a_chapter_that_failed_as_a_whole_begins_anew_in_its_book(ledger: Ledger, raw_redis: Any, named: str) -> None:
    above = replace(OPENING, kind="book", part_task="speech.chapter", part_queue=FLOW, part_list=FLOW, width=2)
    ledger.transitions.open("book", replace(above, payloads=["CI", "CII"]))
    assert fail(ledger, Failing("book.2", "chapter", ("book", 2), WorkerLost("its worker died")))
    assert ledger.queries.states("book") == "qf"
    assert [failure.id for failure in repair.failures(ledger)] == ["book.2"]
    ledger.transitions.settle("book", 1, "done", {})
    ledger.transitions.end("book", "book", "FAILURE", None, {"type": "PartsFailed", "message": "1 of 2"})
    raw_redis.delete(FLOW)
    assert repair.retry(ledger, named) == 1
    assert (ledger.queries.states("book"), ledger.queries.record("book.2")) == ("dq", None)
    assert raw_redis.llen(FLOW) == 1


def test_a_job_of_a_sender_who_chose_a_parts_id_is_kept_when_that_part_is_tried_again(ledger: Ledger) -> None:
    above = replace(OPENING, kind="book", part_task="speech.chapter", part_queue=FLOW, part_list=FLOW, width=2)
    ledger.transitions.open("book.2", replace(OPENING, payloads=["P"], request="another's"))
    ledger.transitions.settle("book.2", 1, "done", {})
    ledger.transitions.end("book.2", "chapter", "SUCCESS", {"made": "by another"}, None)
    ledger.transitions.open("book", replace(above, payloads=["CI", "CII"]))
    ledger.transitions.settle("book", 2, "failed", {"error": {"type": "IdInUse", "message": "id: …"}})
    ledger.transitions.settle("book", 1, "done", {})
    ledger.transitions.end("book", "book", "FAILURE", None, {"type": "PartsFailed", "message": "1 of 2"})
    assert repair.retry(ledger, "book") == 1
    kept = ledger.queries.record("book.2")
    assert kept is not None
    assert (kept.outcome, kept.result) == ("SUCCESS", {"made": "by another"})
    assert ledger.queries.states("book") == "dq"


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


def test_what_no_id_can_be_is_said_in_words(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="^id: has half of a surrogate pair"):
        repair.retry(ledger, "\udcff")
