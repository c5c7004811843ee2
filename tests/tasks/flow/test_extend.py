"""Further parts for a job that is about to end: added once, whoever asks and however often."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from tasks import keys
from tasks.flow.ledger import Ledger
from tests.tasks.flow.test_ledger import FLOW, MODEL, finishes, opened, parts_sent, progress, record_of


@pytest.fixture
def ledger(broker: str) -> Iterator[Ledger]:
    with Redis.from_url(broker) as client:
        yield Ledger(client)


def finishing(ledger: Ledger, total: int) -> str:
    job = opened(ledger, total, width=2)
    for part in range(1, total + 1):
        ledger.settle(job, part, "done", {"n": part})
    assert record_of(ledger, job).state == "finishing"
    return job


def test_further_parts_are_sent_in_the_same_step(ledger: Ledger) -> None:
    job = finishing(ledger, 3)
    ledger.client.delete(MODEL)
    assert ledger.extend(job, 3, ["2a", "2b", "2c"])
    assert ledger.states(job) == "dddqq."
    assert parts_sent(ledger, job) == [4, 5]
    assert ledger.payloads(job)[3:] == ["2a", "2b", "2c"]
    assert progress(ledger, job)["result"]["total"] == 6
    assert record_of(ledger, job).state == "open"


def test_the_same_extension_from_many_at_once_adds_the_parts_once(ledger: Ledger, broker: str) -> None:
    job = finishing(ledger, 3)
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: Ledger(Redis.from_url(broker)).extend(job, 3, ["2a", "2b"]), range(8)))
    assert sorted(added) == [False] * 7 + [True]
    assert ledger.states(job) == "dddqq"
    assert len(ledger.payloads(job)) == 5


def test_only_a_finishing_job_is_extended(ledger: Ledger) -> None:
    job = opened(ledger, 2)
    assert not ledger.extend(job, 2, ["2a"])
    ended = finishing(ledger, 2)
    ledger.end(ended, "summary", "SUCCESS", {}, None)
    assert not ledger.extend(ended, 2, ["2a"])
    cancelled = finishing(ledger, 2)
    ledger.cancel(cancelled)
    assert not ledger.extend(cancelled, 2, ["2a"])
    assert not ledger.extend("nobody", 0, ["2a"])


def test_an_extended_job_ends_by_its_own_message_once_more(ledger: Ledger) -> None:
    job = finishing(ledger, 2)
    ledger.client.delete(FLOW)
    ledger.extend(job, 2, ["2a"])
    assert not ledger.client.hexists(keys.sent(job), "end")
    assert finishes(ledger, job) == 0
    ledger.settle(job, 3, "done", {})
    assert finishes(ledger, job) == 1
    assert record_of(ledger, job).state == "finishing"


def test_a_lost_message_of_a_further_part_is_swept_up(ledger: Ledger) -> None:
    job = finishing(ledger, 2)
    ledger.extend(job, 2, ["2a", "2b"])
    ledger.client.delete(MODEL)
    assert sorted(ledger.sweep(job, 1000)) == ["3", "4"]
