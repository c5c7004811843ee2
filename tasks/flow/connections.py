"""What each worker process shares: one Redis client, and with it one ledger, one set of offers, one write buffer.

All use the database of the Celery application's result backend, which is also the broker's
(`tasks/settings.py` checks this). Safe across a fork: redis-py gives a child process
connections of its own.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tasks.flow.ledger import Ledger
from tasks.flow.write_buffer import WriteBuffer
from tasks.offers import Offers

if TYPE_CHECKING:
    from celery import Celery
    from redis import Redis


def redis_client(app: Celery) -> Redis:
    """The application's own client, which returns bytes."""
    client: Redis = app.backend.client
    return client


@functools.cache
def ledger(app: Celery) -> Ledger:
    """The ledger of this process."""
    return Ledger(redis_client(app))


@functools.cache
def offers(app: Celery) -> Offers:
    """The models' offers, as this process reads and publishes them."""
    return Offers(redis_client(app))


@functools.cache
def write_buffer(app: Celery) -> WriteBuffer:
    """The writes of the running batch of this process."""
    return WriteBuffer(ledger(app))
