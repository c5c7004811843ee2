"""One client, ledger, set of offers and write buffer for each application of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tasks.flow import connections
from tasks.flow.ledger.record import Settlement
from tasks.offers import Published
from tests.unit.tasks.flow.ledger.opened_jobs import opened


@pytest.fixture
def app(broker: str) -> Iterator[Celery]:
    with Celery("flow", broker=broker, backend=broker, set_as_current=False) as app:
        yield app


def test_each_is_made_once_for_an_application(app: Celery, broker: str) -> None:
    with Celery("other", broker=broker, backend=broker, set_as_current=False) as other:
        for one in (connections.ledger, connections.offers, connections.write_buffer):
            assert one(app) is one(app)
            assert one(app) is not one(other)


def test_all_are_on_the_applications_own_redis(app: Celery, raw_redis: Any) -> None:
    raw_redis.set("key", "value")
    assert connections.redis_client(app).get("key") == b"value"
    job = opened(connections.ledger(app), 1)
    connections.write_buffer(app).settle("task", Settlement(job, 1, "done", {}))
    assert connections.ledger(app).queries.states(job) == "d"
    connections.offers(app).publish(Published("model", "adapter", "1", None))
    assert raw_redis.exists("slotline:offer:model")
