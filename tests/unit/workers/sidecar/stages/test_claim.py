"""Claims of a batch: counted before the run, refused one by one, released also when one cannot be."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tasks.flow.ledger import Ledger
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.outcomes import Failed, Waiting
from tasks.redis import keys
from tests.unit.workers.child.rehearsals import call, entry
from workers.sidecar.stages.claim import claim, give_up, release
from workers.sidecar.stages.make_ready import take
from workers.sidecar.stages.work import Work

ARTIFACT = "speech/ab/cdef.wav"


def work(ledger: Ledger, *task_ids: str, artifact: str = ARTIFACT) -> Work:
    """One artifact that these tasks want."""
    calls = [call("text", task_id, f"tag-{task_id}") for task_id in task_ids]
    requests = take(ledger, entry(), calls, has_company=True).by_variant[None]
    return Work(artifact, requests[0].part, requests[0].part, requests)


def redis_of(ledger: Ledger) -> Any:
    return ledger.claims._redis


def test_a_claim_counts_the_attempt_of_the_first_request_alone(ledger: Ledger) -> None:
    (claimed,), refused, _ = claim(ledger, [work(ledger, "first", "second")])
    assert (claimed.attempt, refused) == (1, {})
    assert redis_of(ledger).hget(keys.attempts("first"), "0") == b"1"
    assert not redis_of(ledger).hexists(keys.attempts("second"), "0")


def test_where_the_first_is_refused_the_next_makes_the_artifact(ledger: Ledger) -> None:
    redis_of(ledger).hset(keys.attempts("spent"), mapping={"0": ATTEMPTS_ALLOWED, "0!": "tag\ntoken"})
    assert ledger.claims.note_loss("tag", ("spent", 0), "killed by signal 9")
    (claimed,), refused, _ = claim(ledger, [work(ledger, "spent", "fresh")])
    assert (claimed.first.call.task_id, claimed.attempt) == ("fresh", 1)
    failed = refused[0]
    assert isinstance(failed, Failed)
    assert str(failed.error) == ("its worker died in all 3 attempts; the last time: killed by signal 9")


def test_what_another_slot_computes_waits_until_it_is_released(ledger: Ledger) -> None:
    claim(ledger, [work(ledger, "theirs")])
    redis_of(ledger).zadd(keys.LEASES, {"tag-theirs": 1e15})
    assert claim(ledger, [work(ledger, "ours")]) == ([], {0: Waiting()}, frozenset())
    release(ledger, [(ARTIFACT, "tag-theirs")])
    (claimed,), *_ = claim(ledger, [work(ledger, "ours")])
    assert claimed.first.call.task_id == "ours"


def test_while_the_model_is_paused_nothing_is_claimed_and_no_attempt_is_counted(ledger: Ledger) -> None:
    (wanted,) = [work(ledger, "first", "second")]
    redis_of(ledger).hset(keys.PAUSED, wanted.part.model, "{}")
    assert claim(ledger, [wanted]) == ([], {}, frozenset({0, 1}))
    assert not any(redis_of(ledger).hexists(keys.attempts(one), "0") for one in ("first", "second"))
    assert not redis_of(ledger).exists(keys.computed_by(ARTIFACT))
    redis_of(ledger).delete(keys.PAUSED)
    (claimed,), *_ = claim(ledger, [wanted])
    assert claimed.attempt == 1


def test_one_that_cannot_be_released_costs_the_others_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ledger.claims, "release_all", lambda claims: [ResponseError("WRONGTYPE"), 1])
    with caplog.at_level(logging.WARNING):
        release(ledger, [("one", "tag"), ("two", "tag")])
    assert [record.message for record in caplog.records] == ["one is not released: WRONGTYPE"]


def test_what_is_given_up_is_free_and_counts_no_attempt(ledger: Ledger) -> None:
    (claimed,), *_ = claim(ledger, [work(ledger, "first", "second")])
    give_up(ledger, [claimed])
    assert redis_of(ledger).hget(keys.attempts("first"), "0") == b"0"
    assert not redis_of(ledger).exists(keys.computed_by(ARTIFACT))


def test_what_cannot_be_given_up_now_is_free_later_and_raises_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    (claimed,), *_ = claim(ledger, [work(ledger, "first")])

    def away(claims: object) -> None:
        raise RedisConnectionError("away")

    monkeypatch.setattr(ledger.claims, "release_all", away)
    give_up(ledger, [claimed])


def test_nothing_to_release_asks_nobody(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger.claims, "release_all", lambda claims: pytest.fail("asked"))
    release(ledger, [])
