"""A job's own message that is sent again after a pause: counted in Redis, known to the sweep, and never sent twice."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.record import OwnMessage
from tasks.redis import keys
from tasks.settings import settings
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING

HEAD, TAIL = '{"properties":{"delivery_info":{},"delivery_tag":"', '"}}'


OWN = OwnMessage(HEAD, TAIL, FLOW)


def later(ledger: Ledger, job: str, attempt: int = 1, parent: tuple[str, int] | None = None) -> str:
    return ledger.transitions.later(job, attempt, OWN, parent)


def delayed(raw_redis: Any) -> list[tuple[bytes, float]]:
    found: Any = raw_redis.zrange(keys.DELAYED, 0, -1, withscores=True)
    return list(found)


def opened(ledger: Ledger) -> str:
    """A job of one part, whose own message is one that the sweep can read."""
    job = uuid.uuid4().hex
    ledger.transitions.open(job, replace(OPENING, payloads=["Ptext"], finish_head=HEAD, finish_tail=TAIL))
    return job


def swept(ledger: Ledger) -> list[str]:
    """What one pass over all open jobs sends again."""
    jobs = ledger.queries.open_jobs(20)
    return [sent for job in jobs for sent in ledger.transitions.sweep(job, 1000).sent]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch, ledger: Ledger) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "2")
    settings.cache_clear()


def test_each_pause_is_longer_and_the_third_failure_is_the_last(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.submit("one", "chapter", "", "aloud", "", FLOW, HEAD + "first" + TAIL)
    assert [later(ledger, "one", attempt) for attempt in (1, 2, 3)] == ["sent", "sent", "used up"]
    (_, first), (_, second) = delayed(raw_redis)
    assert second - first == pytest.approx(4 * 2000 - 2000, abs=500)


def test_a_run_that_was_frozen_while_a_later_one_began_has_no_say(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.submit("one", "chapter", "", "aloud", "", FLOW, HEAD + "first" + TAIL)
    assert [ledger.claims.begin("one", tag, OWN, None) for tag in ("frozen", "later")] == [1, 2]
    assert later(ledger, "one", attempt=1) == "late"
    assert delayed(raw_redis) == []


def test_the_sweep_knows_a_job_that_waits_to_be_opened_again(ledger: Ledger, raw_redis: Any) -> None:
    ledger.transitions.submit("one", "chapter", "", "aloud", "", FLOW, HEAD + "first" + TAIL)
    raw_redis.delete(FLOW)
    later(ledger, "one")
    assert swept(ledger) == []
    assert raw_redis.llen(FLOW) == 0


def test_the_sweep_knows_a_job_that_waits_to_be_finished_again(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger)
    ledger.transitions.settle(job, 1, "done", {})
    raw_redis.delete(FLOW)
    later(ledger, job)
    assert swept(ledger) == []
    assert raw_redis.llen(FLOW) == 0


def test_the_sweep_knows_a_chapter_that_waits_while_its_book_is_open(ledger: Ledger, raw_redis: Any) -> None:
    book = opened(ledger)
    raw_redis.delete("aloud")
    assert ledger.transitions.later(f"{book}.1", 1, OwnMessage(HEAD, TAIL, "aloud"), (book, 1)) == "sent"
    assert swept(ledger) == []
    assert raw_redis.llen("aloud") == 0


def test_a_job_that_has_ended_is_not_sent_again(ledger: Ledger, raw_redis: Any) -> None:
    job = opened(ledger)
    ledger.transitions.settle(job, 1, "done", {})
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert later(ledger, job) == "late"
    assert delayed(raw_redis) == []
