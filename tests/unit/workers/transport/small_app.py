"""A Celery app of a few tasks for the transport's tests: it reads by lease, and runs in Celery's stock pools.

Started as `celery -A tests.unit.workers.transport.small_app worker`. Its tasks write what
they did into Redis, where the test looks.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import redis
from celery import Celery

from workers.transport import install

BROKER = os.environ["CELERY_BROKER_URL"]

app = Celery("small", broker=BROKER)
app.conf.update(
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="q",
    worker_prefetch_multiplier=int(os.environ.get("SMALL_PREFETCH", "1")),
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
)
if not os.environ.get("SMALL_STOCK"):
    install(app)


def _record() -> redis.Redis:
    return redis.Redis.from_url(os.environ.get("SMALL_RECORD", BROKER))


@app.task(name="note")
def note(n: int | str) -> None:
    """Say that it ran, in order."""
    with _record() as client:
        client.rpush("ran", n)


@app.task(name="noop")
def noop(n: int = 0) -> None:
    """Nothing, but count."""


@app.task(name="again", bind=True)
def again(self: Any, times: int) -> None:
    """Say that it ran and what its eta was; retry so many times."""
    with _record() as client:
        client.rpush("ran", json.dumps({"eta": self.request.eta}))
    if self.request.retries < times:
        raise self.retry(countdown=0.2, max_retries=times)


@app.task(name="hold")
def hold(name: str, seconds: float) -> None:
    """Say that it started and who runs it, take its time, say that it ended. The name `wait` waits to be released."""
    with _record() as client:
        client.rpush("started", name)
        client.rpush("ran", name)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not client.exists(f"release:{name}"):
            time.sleep(0.02)
        client.rpush("ended", name)
