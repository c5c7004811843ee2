"""The ledger of this process, on the Celery application's own Redis client, and the post that writes through it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tasks.flow.ledger import Ledger
from tasks.flow.write_buffer import Post

if TYPE_CHECKING:
    from celery import Celery


@functools.cache
def ledger(app: Celery) -> Ledger:
    """The ledger in the application's result database, which is the broker's own (`tasks/settings.py` checks it).

    Safe across a fork: redis-py gives a child process connections of its own.
    """
    return Ledger(app.backend.client)


@functools.cache
def post(app: Celery) -> Post:
    """This process' post: what the running batch writes at its end."""
    return Post(ledger(app))
