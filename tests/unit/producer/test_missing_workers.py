"""Who submits hears in one line which queue of the job no ready worker reads."""

from __future__ import annotations

from redis import Redis

from producer.missing_workers import LOOK_EVERY_S, MissingWorkers, missing
from tasks.flow.ledger import Ledger
from tasks.redis import keys


def ready(client: Redis, model: str) -> None:
    """A worker of this model is ready for the next minute."""
    seconds, _ = client.time()
    client.zadd(keys.capacity(model), {"any@here|4": (int(seconds) + 60) * 1000})


def test_each_missing_kind_of_worker_is_a_line_with_the_command_that_starts_one(raw_redis: Redis) -> None:
    ledger = Ledger(raw_redis)
    no_flow, no_slot = missing(ledger, "quick", needs_flow=True)
    assert no_flow.startswith("no flow worker is ready yet; this waits for one (celery -A workers worker -Q flow")
    assert no_slot.startswith(
        "no worker of quick is ready yet; this waits for one (celery -A workers worker --model quick"
    )
    assert missing(ledger, "quick", needs_flow=False) == [no_slot]
    ready(raw_redis, "flow")
    assert missing(ledger, "quick", needs_flow=True) == [no_slot]
    ready(raw_redis, "quick")
    assert missing(ledger, "quick", needs_flow=True) == []


def test_one_job_after_the_other_is_no_line_each(raw_redis: Redis) -> None:
    ledger, workers = Ledger(raw_redis), MissingWorkers()
    assert len(workers.news(ledger, "quick", True, 100.0)) == 2
    assert workers.news(ledger, "quick", True, 100.0 + LOOK_EVERY_S / 2) == []
    assert len(workers.news(ledger, "other", False, 100.0 + LOOK_EVERY_S / 2)) == 1
    assert len(workers.news(ledger, "quick", True, 100.0 + LOOK_EVERY_S)) == 2
