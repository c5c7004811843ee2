"""Flower misses nothing because events go out together: each task is seen received, started and ended."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis import Redis

from tests.fixtures.waiting import GIVE_UP_S, WaitUntil
from tests.fixtures.workers import StartWorker

Seen = Callable[[str], list[str]]
WHOLE = ["task-received", "task-started", "task-succeeded"]


@pytest.fixture
def seen(broker: str, client: Celery, redis_client: Redis, wait_until: WaitUntil) -> Iterator[Seen]:
    """`seen(task_id)`: the types of its events, as a monitor hears them, in order."""
    heard: dict[str, list[str]] = defaultdict(list)
    over = threading.Event()

    def hear(event: dict[str, Any]) -> None:
        heard[event.get("uuid", "")].append(event["type"])

    def listen() -> None:
        with client.connection() as connection:
            receiver = client.events.Receiver(connection, handlers={"*": hear})
            while not over.is_set():
                try:
                    receiver.capture(limit=None, timeout=0.2, wakeup=False)
                except TimeoutError:
                    continue

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    wait_until(lambda: redis_client.pubsub_numpat() or redis_client.pubsub_channels("*celeryev*"), what="a listener")
    yield lambda task_id: list(heard[task_id])
    over.set()
    thread.join(10)


def test_a_monitor_sees_each_task_of_a_batch_from_received_to_succeeded(
    broker: str, catalog_file: Path, start_worker: StartWorker, client: Celery, seen: Seen, wait_until: WaitUntil
) -> None:
    def say(text: str) -> str:
        sent = client.send_task("speech.paragraph", kwargs={"text": text, "model": "four"}, queue="four")
        return str(sent.id)

    ids = [say(f"number {n}") for n in range(30)]
    start_worker("--model", "four")
    wait_until(lambda: all(seen(one) == WHOLE for one in ids), what="all events of each, once and in order")


def test_the_last_task_before_a_stop_is_seen_to_its_end(
    broker: str, catalog_file: Path, start_worker: StartWorker, client: Celery, seen: Seen, wait_until: WaitUntil
) -> None:
    worker = start_worker("--model", "quick")
    last = client.send_task("speech.paragraph", kwargs={"text": "the last", "model": "quick"}, queue="quick")
    last.get(timeout=GIVE_UP_S)
    assert worker.stop() == 0
    wait_until(lambda: seen(last.id) == WHOLE, limit_s=5, what="the last task's events")
