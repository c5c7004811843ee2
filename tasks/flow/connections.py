"""What a worker process uses of Redis: one client, and one ledger, one set of offers, one write buffer on it.

All are the Celery application's own result database, which is the broker's as well
(`tasks/settings.py` checks it). Safe across a fork: redis-py gives a child process
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
    """The application's own client, which answers in bytes."""
    client: Redis = app.backend.client
    return client


@functools.cache
def ledger(app: Celery) -> Ledger:
    """The ledger of this process."""
    return Ledger(redis_client(app))


@functools.cache
def offers(app: Celery) -> Offers:
    """What the models offer, as this process reads and publishes it."""
    return Offers(redis_client(app))


@functools.cache
def write_buffer(app: Celery) -> WriteBuffer:
    """What the running batch of this process writes at its end."""
    return WriteBuffer(ledger(app))
