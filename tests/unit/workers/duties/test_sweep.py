"""The sweep finds what is nowhere, and only that."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tasks.flow import envelope, repair
from tasks.flow.cancel import cancel
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import LOSSES_ALLOWED
from tasks.flow.ledger.record import OwnMessage
from tasks.redis import keys
from tasks.redis.task_id import LONGEST_BYTES
from tasks.settings import settings
from tests.fixtures.waiting import WaitUntil
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, MODEL, OPENING
from workers.duties.sweep import Sweep
from workers.transport.leases import Leases


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    return Ledger(raw_redis)


def no_result(job_id: str, error: Exception) -> None:
    raise AssertionError(f"{job_id} must not fail here: {error}")


@pytest.fixture
def sweep(ledger: Ledger) -> Sweep:
    return Sweep(ledger, no_result)


def opened(ledger: Ledger, total: int, width: int) -> str:
    job = uuid.uuid4().hex
    finish_head = '{"properties":{"delivery_info":{},"delivery_tag":"'
    payloads = [f"Ptext {n}" for n in range(total)]
    ledger.transitions.open(
        job, replace(OPENING, payloads=payloads, width=width, finish_head=finish_head, finish_tail='"}}')
    )
    return job


def queue(raw_redis: Any, name: str) -> list[bytes]:
    raw = raw_redis.lrange(name, 0, -1)
    return list(raw)


def test_what_is_queued_held_or_delayed_is_left_alone(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    job = opened(ledger, 3, width=3)
    leases = Leases(raw_redis, lease_s=30)
    (held,) = leases.reserve([MODEL], 1).taken
    waiting: Any = raw_redis.rpop(MODEL)
    raw_redis.zadd(keys.DELAYED, {MODEL.encode() + b"\n" + waiting: 9e15})
    before = queue(raw_redis, MODEL)
    assert sweep.step() == 0
    assert queue(raw_redis, MODEL) == before
    leases.give_back([held.key])
    leases.flush()
    assert sweep.step() == 0
    assert ledger.queries.states(job) == "qqq"


def test_a_delayed_message_of_what_was_cancelled_is_sent_at_once(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    raw_redis.zadd(keys.DELAYED, {f'{MODEL}\n{{"headers": {{"id": "{one}"}}}}': 9e15 for one in ("a", "b")})
    assert sweep.step() == 0
    assert cancel(ledger, "a", lambda ids: None, even_unknown=True)
    assert sweep.step() == 1
    assert queue(raw_redis, MODEL) == [b'{"headers": {"id": "a"}}']
    assert sweep.step() == 0


def test_a_purged_queue_is_filled_again_and_the_job_can_end(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    job = opened(ledger, 3, width=2)
    raw_redis.delete(MODEL)
    assert sweep.step() == 2
    assert len(queue(raw_redis, MODEL)) == 2
    assert sweep.step() == 0, "nothing is sent twice"
    for part in (1, 2, 3):
        assert ledger.transitions.settle(job, part, "done", {}) == "done"
    assert len(queue(raw_redis, FLOW)) == 1


def test_a_lost_finish_is_sent_again(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    job = opened(ledger, 1, width=1)
    ledger.transitions.settle(job, 1, "done", {})
    assert sweep.step() == 0
    assert raw_redis.rpop(FLOW)
    assert sweep.step() == 1
    assert len(queue(raw_redis, FLOW)) == 1


def test_a_job_whose_first_message_was_lost_is_sent_again(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    job = uuid.uuid4().hex
    message = envelope.new_message("speech.chapter", job, {"text": "a"}, FLOW)
    ledger.transitions.submit(job, "chapter", "t", MODEL, "", FLOW, message)
    assert sweep.step() == 0
    raw_redis.delete(FLOW)
    assert sweep.step() == 1
    assert queue(raw_redis, FLOW) == [message.encode()]


def test_a_queue_that_is_too_long_to_look_through_is_believed(
    ledger: Ledger, raw_redis: Any, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(ledger, 1, width=1)
    raw_redis.rpush(MODEL, *[f"other {n}" for n in range(20)])
    monkeypatch.setattr("workers.duties.sweep.LOOK", 10)
    assert sweep.step() == 0
    raw_redis.lpop(MODEL)
    assert sweep.step() == 0, "the queue is still longer than the look"
    monkeypatch.setattr("workers.duties.sweep.LOOK", 100)
    assert sweep.step() == 1


@pytest.mark.parametrize("letter", ["x", "\n", "ế"], ids=ascii)
def test_what_a_worker_holds_of_a_job_with_the_longest_id_is_left_alone(
    ledger: Ledger, raw_redis: Any, sweep: Sweep, letter: str
) -> None:
    job = letter * (LONGEST_BYTES // len(letter.encode()))
    ledger.transitions.open(job, replace(OPENING, payloads=["Pa", "Pb"]))
    assert len(Leases(raw_redis, lease_s=30).reserve([MODEL], 2).taken) == 2
    assert sweep.step() == 0
    assert queue(raw_redis, MODEL) == []


def test_a_chapter_that_is_open_is_not_sent_again_to_its_book(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    book = opened(ledger, 2, width=1)
    raw_redis.delete(MODEL)
    raw_redis.hset(keys.job(f"{book}.1"), "state", "open")
    assert sweep.step() == 0
    raw_redis.hset(keys.job(f"{book}.1"), "state", "ended")
    assert sweep.step() == 1, "it ended, and its book was not told"


def test_one_worker_sweeps_at_a_time_and_another_follows_it(
    ledger: Ledger, raw_redis: Any, wait_until: WaitUntil
) -> None:
    opened(ledger, 1, width=1)
    raw_redis.delete(MODEL)
    first, second = Sweep(ledger, no_result, term_s=0.5), Sweep(ledger, no_result, term_s=0.5)
    assert first.step() == 1
    raw_redis.delete(MODEL)
    assert second.step() == 0
    assert wait_until(second.step, limit_s=5) == 1
    assert first.step() == 0


def test_celerys_reply_queues_get_an_end(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    raw_redis.rpush("x.reply.celery.pidbox", "answer")
    sweep.step()
    assert 0 < raw_redis.ttl("x.reply.celery.pidbox") <= 3600


def test_what_was_set_aside_long_ago_is_forgotten_and_the_rest_is_kept(
    ledger: Ledger, raw_redis: Any, sweep: Sweep
) -> None:
    raw_redis.rpush(keys.SET_ASIDE, b'{"queue":"q","reason":"old","time":1000}\nmessage')
    ledger.set_asides.add("q", "new", "message")
    sweep.step()
    (left,) = ledger.set_asides.latest(10)
    assert b'"new"' in left


def test_a_job_that_ended_is_off_the_list(ledger: Ledger) -> None:
    job = opened(ledger, 1, width=1)
    assert ledger.queries.open_jobs(10) == [job]
    ledger.transitions.settle(job, 1, "failed", {"error": {}})
    assert ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert ledger.queries.open_jobs(10) == []


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()


def test_a_message_that_is_lost_each_time_is_not_sent_for_ever_and_its_job_fails(
    ledger: Ledger, raw_redis: Any, no_pauses: None
) -> None:
    results: dict[str, str] = {}
    sweep = Sweep(ledger, lambda job_id, error: results.update({job_id: str(error)}))
    message = envelope.new_message("speech.chapter", "lost", {"text": "x", "model": MODEL}, FLOW)
    ledger.transitions.submit("lost", "chapter", "", MODEL, "", FLOW, message)
    sent = 0
    for _ in range(LOSSES_ALLOWED + 3):
        raw_redis.delete(FLOW)
        sent += sweep.step()
    assert sent == LOSSES_ALLOWED
    assert results["lost"].startswith("its message was lost 7 times before a worker began with it")
    record = ledger.queries.record("lost")
    assert record is not None
    assert (record.label, (record.error or {})["type"]) == ("FAILURE", "MessageLost")
    assert [failure.id for failure in repair.failures(ledger)] == ["lost"]
    assert repair.retry(ledger, "lost") == 1
    assert json.loads(raw_redis.lindex(FLOW, 0))["headers"]["id"] == "lost"
    assert sweep.step() == 0


def test_a_part_whose_message_is_lost_each_time_fails_and_its_job_goes_on(
    ledger: Ledger, raw_redis: Any, no_pauses: None, sweep: Sweep
) -> None:
    job = opened(ledger, 2, width=1)
    for _ in range(LOSSES_ALLOWED + 1):
        raw_redis.delete(MODEL)
        sweep.step()
    assert ledger.queries.states(job) == "fq"
    assert "MessageLost" in repair.failures(ledger)[0].reason


def test_a_run_that_begins_forgets_how_often_the_message_was_lost_before(
    ledger: Ledger, raw_redis: Any, no_pauses: None, sweep: Sweep
) -> None:
    message = envelope.new_message("speech.chapter", "lost", {"text": "x", "model": MODEL}, FLOW)
    ledger.transitions.submit("lost", "chapter", "", MODEL, "", FLOW, message)
    for _ in range(LOSSES_ALLOWED):
        raw_redis.delete(FLOW)
        assert sweep.step() == 1
    ledger.claims.begin("lost", "tag", OwnMessage("", "", FLOW), None)
    raw_redis.delete(FLOW)
    assert sweep.step() == 1


def test_the_pause_before_a_lost_message_is_sent_again_grows(ledger: Ledger, raw_redis: Any, sweep: Sweep) -> None:
    opened(ledger, 1, width=1)
    raw_redis.delete(MODEL)
    assert sweep.step() == 1, "the first time at once"
    raw_redis.delete(MODEL)
    assert sweep.step() == 0


def test_what_was_not_computed_in_time_ends_and_its_result_says_so(ledger: Ledger, raw_redis: Any) -> None:
    results: dict[str, str] = {}
    sweep = Sweep(ledger, lambda job_id, error: results.update({job_id: str(error)}))
    message = envelope.new_message("speech.paragraph", "late", {"text": "x", "model": MODEL}, MODEL)
    ledger.transitions.send(MODEL, "late", message, 3600.0)
    sweep.step()
    assert results == {}
    raw_redis.zadd(keys.TIMEOUTS, {"late": 1})
    raw_redis.hset(keys.attempts("late"), "until_ms", 1)
    sweep.step()
    assert results == {"late": "timeout_s: it was not computed within 3600 s after it was submitted, and was dropped"}
