"""One task body for all of `benchmarks.recovery`: notes that it has begun, then sleeps. For Celery, dramatiq and rq.

Each is set as quick to notice a dead worker as it can be without running this job twice
while it lives. Broker, journal and durations come from the environment. Imported by worker processes
and by whoever sends to them.
"""

from __future__ import annotations

import json
import os
import time

import dramatiq
from celery import Celery
from dramatiq.brokers.redis import RedisBroker

JOB_S = int(os.environ["BENCH_JOB_S"])
NOTICE_S = float(os.environ["BENCH_NOTICE_S"])
MARGIN_S = 5
"""Celery's visibility timeout must outlast the job, or its own worker restores it while it runs."""

url = os.environ["CELERY_BROKER_URL"]
journal = os.environ["BENCH_JOURNAL"]


def work() -> None:
    """Begin, and take the time of a long inference."""
    with open(journal, "a") as file:
        file.write(json.dumps({"what": "began", "pid": os.getpid(), "ns": time.monotonic_ns()}) + "\n")
    time.sleep(JOB_S)


celery = Celery("mortal", broker=url, set_as_current=False)
celery.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_transport_options={
        "visibility_timeout": JOB_S + MARGIN_S,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)
celery_work = celery.task(name="work")(work)

broker = RedisBroker(url=url, heartbeat_timeout=int(NOTICE_S * 1000), maintenance_chance=1_000_000)  # type: ignore[no-untyped-call]
dramatiq.set_broker(broker)
dramatiq_work = dramatiq.actor(broker=broker)(work)
