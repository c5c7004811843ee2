"""One task body for all: sleeps as the model would. As a task of slotline's own workers, of plain Celery, and of huey.

The worker's broker comes from the environment. Imported by worker processes alone.
"""

from __future__ import annotations

import os
import time

from celery import Celery
from huey import RedisHuey

from tasks.app import app as slotline

NAME = "bench.sleep"


def sleep(seconds: float) -> float:
    """Take the time of a model, and give something small back."""
    if seconds:
        time.sleep(seconds)
    return seconds


url = os.environ["CELERY_BROKER_URL"]

slotline.task(name=NAME)(sleep)

plain = Celery("plain", broker=url, backend=url, set_as_current=False)
plain.conf.update(task_acks_late=True, worker_prefetch_multiplier=2, worker_send_task_events=True)
plain.task(name=NAME)(sleep)

huey = RedisHuey("bench", url=url)
huey_sleep = huey.task(name="sleep")(sleep)
