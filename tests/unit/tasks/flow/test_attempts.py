"""What counts as an attempt: each run once, however often its claim was sent; none that was given back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from tasks import keys
from tasks.flow import ledger as ledger_of
from tasks.flow.ledger import SPENT, TOO_SOON, Ledger
from tasks.settings import settings

JOB = ("job", 1)
COPY = ("queue", "message")


@pytest.fixture
def ledger(broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    with Redis.from_url(broker) as client:
        yield Ledger(client)


def _begun(ledger: Ledger) -> int:
    raw: Any = ledger.client.hget(keys.attempts("job"), "1")
    return int(raw or 0)


def test_a_claim_sent_again_because_its_answer_was_lost_begins_no_second_run(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(secrets, "token_hex", lambda length: "the same call")
        assert [ledger.claim("artifact", "tag", COPY, JOB) for _ in range(5)] == [1] * 5
    assert _begun(ledger) == 1
    assert ledger.claim("artifact", "tag", COPY, JOB) == 2


def test_a_run_that_was_given_back_is_no_attempt(ledger: Ledger) -> None:
    for _ in range(ledger_of.ATTEMPTS_ALLOWED + 2):
        assert ledger.claim("artifact", "tag", COPY, JOB) == 1
        assert ledger.uncount("tag", JOB)
    assert _begun(ledger) == 0


def test_only_the_message_that_began_the_last_run_takes_it_back_and_once(ledger: Ledger) -> None:
    ledger.claim("artifact", "tag", COPY, JOB)
    ledger.release("artifact", "tag")
    ledger.claim("artifact", "successor", COPY, JOB)
    assert not ledger.uncount("tag", JOB)
    assert _begun(ledger) == 2
    assert ledger.uncount("successor", JOB)
    assert not ledger.uncount("successor", JOB)
    assert _begun(ledger) == 1


def test_runs_that_died_are_counted_and_spaced(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for attempt in range(1, ledger_of.ATTEMPTS_ALLOWED + 1):
        assert ledger.claim("artifact", "tag", COPY, JOB) == attempt
    assert ledger.claim("artifact", "tag", COPY, JOB) == SPENT
    assert ledger.uncount("tag", JOB)
    monkeypatch.setenv("SLOTLINE_RETRY_S", "60")
    settings.cache_clear()
    assert ledger.claim("artifact", "tag", COPY, JOB) == ledger_of.ATTEMPTS_ALLOWED
    assert ledger.uncount("tag", JOB)
    for _ in range(2):
        ledger.claim("artifact", "tag", COPY, ("other", 1))
    assert ledger.claim("artifact", "tag", COPY, ("other", 1)) == TOO_SOON
