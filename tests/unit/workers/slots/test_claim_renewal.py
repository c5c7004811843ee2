"""A renewal keeps the slot while its worker lives, and says once that the slot is lost."""

from __future__ import annotations

import json
import logging
import os

import pytest
import redis

from tasks.redis import keys
from tests.fixtures.waiting import WaitUntil
from workers.slots.claim import SlotClaim, claim_cpu
from workers.slots.claim_renewal import ClaimRenewal


@pytest.fixture
def lost() -> list[str]:
    """The sentences that the renewal says when the slot is lost."""
    return []


@pytest.fixture
def renewal(raw: redis.Redis, lost: list[str]) -> ClaimRenewal:
    return ClaimRenewal(claim_cpu(raw, "espeak", "here", 2, 5.0, 4), raw, 5.0, lost.append)


def test_a_step_renews_the_lease(raw: redis.Redis, renewal: ClaimRenewal) -> None:
    raw.pexpire(renewal.claim.key, 1000)
    assert renewal.step()
    assert raw.pttl(renewal.claim.key) > 4000


def test_a_lost_slot_is_said_once_and_left_to_its_new_holder(
    raw: redis.Redis, renewal: ClaimRenewal, lost: list[str]
) -> None:
    raw.set(renewal.claim.key, json.dumps({"worker": "thief@here", "pid": 1}))
    assert not renewal.step()
    assert len(lost) == 1
    assert "thief@here" in lost[0]
    renewal.stop()
    assert b"thief" in (raw.get(renewal.claim.key) or b"")


def test_being_ready_is_written_at_once_and_a_stop_frees_the_slot(
    raw: redis.Redis, renewal: ClaimRenewal, wait_until: WaitUntil
) -> None:
    renewal.start()
    renewal.set_ready(True)
    wait_until(lambda: raw.zcard(keys.capacity("espeak")) == 1, 1.0, "the worker's capacity, before the next beat")
    renewal.stop()
    assert not raw.exists(renewal.claim.key)
    assert not renewal.step(), "a stopped renewal takes nothing back"


def test_a_forked_child_does_not_release_the_slot(
    raw: redis.Redis, renewal: ClaimRenewal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    renewal.stop()
    assert raw.exists(renewal.claim.key)


def test_a_redis_that_is_away_is_logged_once_and_loses_nothing(
    renewal: ClaimRenewal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise redis.ConnectionError("it restarts")

    with monkeypatch.context() as patch:
        patch.setattr(SlotClaim, "renew", away)
        with caplog.at_level(logging.WARNING):
            assert renewal.step()
            assert renewal.step()
    assert [line for line in caplog.messages if "cannot be renewed" in line] == caplog.messages[:1] != []
    assert renewal.step()
