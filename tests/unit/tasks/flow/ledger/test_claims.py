"""Who may run now, and what counts as an attempt: each run once; none that was given back."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tasks.errors import IdInUse
from tasks.flow.ledger import Ledger
from tasks.flow.ledger.claims import COMPUTED_ELSEWHERE, SPENT, TOO_SOON
from tasks.flow.ledger.limits import ATTEMPTS_ALLOWED
from tasks.flow.ledger.record import ArtifactClaim, Taken
from tasks.redis import keys
from tasks.redis.scripts import ScriptRun
from tasks.settings import settings
from tests.fixtures.waiting import WaitUntil
from tests.unit.tasks.flow.ledger.opened_jobs import MODEL, OPENING, claim, opened, release

JOB = ("job", 1)
COPY = ("queue", "message")


def test_a_part_that_ended_is_handed_to_nobody(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    ledger.transitions.settle(job, 1, "done", {})
    assert ledger.claims.take(job, 1) is None
    assert ledger.claims.take(job, 7) is None
    assert ledger.claims.take("unknown", 1) is None
    taken = ledger.claims.take(job, 2)
    assert taken is not None
    assert taken.payload == "Ptext 2"


def test_one_computes_while_its_lease_lasts_and_the_others_follow(ledger: Ledger, raw_redis: Any) -> None:
    name = uuid.uuid4().hex
    raw_redis.zadd(keys.LEASES, {"first": 9e15})
    assert claim(ledger, name, "first", ("q", "one"), ("bare1", 0)) == 1
    assert claim(ledger, name, "first", ("q", "one"), ("bare1", 0)) == 2
    assert claim(ledger, name, "second", ("q", "two"), ("bare2", 0)) == 0
    assert claim(ledger, name, "third", ("q", "three"), ("bare3", 0)) == 0
    assert release(ledger, name, "first") == 2
    assert raw_redis.lrange("q", 0, -1) == [b"three", b"two"]
    claim(ledger, name, "second", ("q", "two"), ("bare2", 0))
    assert claim(ledger, name, "third", ("q", "three"), ("bare3", 0)) == 1, "nobody waits behind what no worker holds"


def test_a_copy_is_made_and_sent_only_for_who_waits(
    ledger: Ledger, raw_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "60")
    settings.cache_clear()
    raw_redis.zadd(keys.LEASES, {"first": 9e15})
    copied: list[str] = []

    def copy(name: str) -> tuple[str, str]:
        copied.append(name)
        return "q", f"copy of {name}"

    tried = ("tried", 1)
    for _ in range(2):
        claim(ledger, "mine", "first", COPY, tried)
    wanted = [("free", "first", ("bare1", 0)), ("free", "second", ("bare2", 0)), ("mine", "first", tried)]
    sent: list[int] = []
    run_together = ledger.claims._scripts.run_together

    def counted(runs: Sequence[ScriptRun]) -> list[Any]:
        sent.append(len(runs))
        return run_together(runs)

    monkeypatch.setattr(ledger.claims._scripts, "run_together", counted)
    claims = [ArtifactClaim(name, tag, partial(copy, tag), run_of, MODEL) for name, tag, run_of in wanted]
    assert ledger.claims.claim_all(claims) == [1, COMPUTED_ELSEWHERE, TOO_SOON]
    assert (sent, copied) == ([3, 2], ["second", "first"])
    assert raw_redis.zcard(keys.DELAYED) == 2
    assert release(ledger, "free", "first") == 1
    assert raw_redis.lrange("q", 0, -1) == [b"copy of second"]


def test_a_third_run_waits_for_its_time_and_is_sent_then(
    ledger: Ledger, raw_redis: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0.3")
    settings.cache_clear()
    job = opened(ledger, 1)
    raw_redis.delete(MODEL)
    assert claim(ledger, "a", "tag", (MODEL, "copy"), (job, 1)) == 1
    assert claim(ledger, "a", "tag", (MODEL, "copy"), (job, 1)) == 2, "the first time may be somebody else's fault"
    assert claim(ledger, "a", "tag", (MODEL, "copy"), (job, 1)) == TOO_SOON
    assert ledger.transitions.promote() == 0
    assert wait_until(ledger.transitions.promote, limit_s=5) == 1
    assert raw_redis.lrange(MODEL, 0, -1) == [b"copy"]
    assert claim(ledger, "a", "tag", (MODEL, "copy"), (job, 1)) == 3


def test_a_follower_is_sent_again_even_if_nobody_ever_lets_go(
    ledger: Ledger, raw_redis: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setenv("SLOTLINE_LEASE_S", "0.6")
    settings.cache_clear()
    raw_redis.zadd(keys.LEASES, {"first": 9e15})
    claim(ledger, "a", "first", ("q", "one"), ("bare1", 0))
    assert claim(ledger, "a", "second", ("q", "two"), ("bare2", 0)) == COMPUTED_ELSEWHERE
    assert wait_until(ledger.transitions.promote, limit_s=5) == 1
    assert release(ledger, "a", "first") == 0, "it is on its way already"
    assert raw_redis.lrange("q", 0, -1) == [b"two"]


def test_attempts_that_are_used_up_are_refused_before_the_work(ledger: Ledger, raw_redis: Any) -> None:
    attempts = [claim(ledger, "a", "tag", ("q", "m"), ("bare", 0)) for _ in range(ATTEMPTS_ALLOWED + 2)]
    assert attempts == [1, 2, 3, SPENT, SPENT]
    assert raw_redis.pttl(keys.attempts("bare")) > 0


def _begun(raw_redis: Any) -> int:
    raw = raw_redis.hget(keys.attempts("job"), "1")
    return int(raw or 0)


def test_a_claim_sent_again_because_its_answer_was_lost_begins_no_second_run(
    ledger: Ledger, raw_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(secrets, "token_hex", lambda length: "the same call")
        assert [claim(ledger, "artifact", "tag", COPY, JOB) for _ in range(5)] == [1] * 5
    assert _begun(raw_redis) == 1
    assert claim(ledger, "artifact", "tag", COPY, JOB) == 2


def test_a_run_that_was_given_back_is_no_attempt(ledger: Ledger, raw_redis: Any) -> None:
    for _ in range(ATTEMPTS_ALLOWED + 2):
        assert claim(ledger, "artifact", "tag", COPY, JOB) == 1
        assert ledger.claims.uncount("tag", JOB)
    assert _begun(raw_redis) == 0


def test_only_the_message_that_began_the_last_run_takes_it_back_and_once(ledger: Ledger, raw_redis: Any) -> None:
    claim(ledger, "artifact", "tag", COPY, JOB)
    release(ledger, "artifact", "tag")
    claim(ledger, "artifact", "successor", COPY, JOB)
    assert not ledger.claims.uncount("tag", JOB)
    assert _begun(raw_redis) == 2
    assert ledger.claims.uncount("successor", JOB)
    assert not ledger.claims.uncount("successor", JOB)
    assert _begun(raw_redis) == 1


def test_a_tag_that_begins_with_anothers_takes_back_only_its_own_run(ledger: Ledger, raw_redis: Any) -> None:
    claim(ledger, "artifact", "tag\nmore", COPY, JOB)
    assert not ledger.claims.uncount("tag", JOB)
    assert ledger.claims.uncount("tag\nmore", JOB)


def test_runs_that_died_are_counted_and_spaced(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for attempt in range(1, ATTEMPTS_ALLOWED + 1):
        assert claim(ledger, "artifact", "tag", COPY, JOB) == attempt
    assert claim(ledger, "artifact", "tag", COPY, JOB) == SPENT
    assert ledger.claims.uncount("tag", JOB)
    monkeypatch.setenv("SLOTLINE_RETRY_S", "60")
    settings.cache_clear()
    assert claim(ledger, "artifact", "tag", COPY, JOB) == ATTEMPTS_ALLOWED
    assert ledger.claims.uncount("tag", JOB)
    for _ in range(2):
        claim(ledger, "artifact", "tag", COPY, ("other", 1))
    assert claim(ledger, "artifact", "tag", COPY, ("other", 1)) == TOO_SOON


def test_an_id_belongs_to_the_request_that_came_first_with_or_without_a_record(ledger: Ledger, raw_redis: Any) -> None:
    assert [ledger.claims.own("bare", request) for request in ("one", "other", "one")] == [True, False, True]
    assert raw_redis.pttl(keys.attempts("bare")) > 0
    assert [type(one) for one in ledger.claims.take_all([("bare", 0)] * 2, ["one", "other"])] == [Taken, IdInUse]
    ledger.transitions.open("job", replace(OPENING, payloads=["Pa"], request="one"))
    assert [ledger.claims.own("job", request) for request in ("other", "one")] == [False, True]
    assert ledger.queries.request_of("job") == ledger.queries.request_of("bare") == "one"
    ledger.transitions.forget("job")
    assert ledger.claims.own("job", "other")


def test_what_was_revoked_before_it_came_is_the_first_request_that_comes(ledger: Ledger) -> None:
    ledger.transitions.cancel("waits", even_unknown=True)
    first, again, other = ledger.claims.take_all([("waits", 0)] * 3, ["one", "one", "other"])
    assert (first, again, type(other)) == (None, None, IdInUse)


def test_an_older_versions_job_does_not_name_its_request_and_refuses_none(ledger: Ledger) -> None:
    ledger.transitions.open("old", replace(OPENING, payloads=["Pa"]))
    assert ledger.claims.own("old", "one")
    assert ledger.claims.own("old", "other")
